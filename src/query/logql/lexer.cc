#include "query/logql/lexer.h"

namespace vedette::logql {
namespace {

bool is_name_start(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) || c == '_';
}
bool is_name_part(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

constexpr std::string_view kSymbols[] = {
    "|=", "|~", "|>", "!=", "!~", "!>", "=~", "==", ">=", "<=", "{", "}", "(", ")",
    "[",  "]",  ",",  "|",  "=",  ">",  "<",  "+",  "-",  "*",  "/", "%", "^"};

class Lexer {
 public:
  explicit Lexer(std::string_view query) : query_(query) {}

  Result<std::vector<Token>> run() {
    for (;;) {
      skip_space();
      Token token;
      token.offset = at_;
      if (at_ == query_.size()) {
        tokens_.push_back(token);
        return std::move(tokens_);
      }
      RETURN_IF_ERROR(read(token));
      tokens_.push_back(std::move(token));
    }
  }

 private:
  void skip_space() {
    while (at_ < query_.size()) {
      if (std::isspace(static_cast<unsigned char>(query_[at_]))) {
        ++at_;
      } else if (query_[at_] == '#') {
        at_ = std::min(query_.find('\n', at_), query_.size());
      } else {
        return;
      }
    }
  }

  Status read(Token& token) {
    const char c = query_[at_];
    if (is_name_start(c)) return read_name(token);
    if (is_digit(c) || (c == '.' && at_ + 1 < query_.size() && is_digit(query_[at_ + 1])))
      return read_number(token);
    if (c == '"') return read_string(token);
    if (c == '`') return read_raw_string(token);
    for (std::string_view symbol : kSymbols) {
      if (query_.substr(at_).starts_with(symbol)) {
        token.kind = TokenKind::kSymbol;
        token.text = symbol;
        at_ += symbol.size();
        return {};
      }
    }
    return parse_error(query_, at_, "this character has no meaning here");
  }

  Status read_name(Token& token) {
    const size_t start = at_;
    while (at_ < query_.size() && is_name_part(query_[at_])) ++at_;
    token.kind = TokenKind::kName;
    token.text = query_.substr(start, at_ - start);
    return {};
  }

  Status read_number(Token& token) {
    const char* start = query_.data() + at_;
    const auto [end, error] = std::from_chars(start, query_.data() + query_.size(), token.number);
    if (error != std::errc()) return parse_error(query_, at_, "this number is out of range");
    at_ += static_cast<size_t>(end - start);
    while (at_ < query_.size() && (is_name_part(query_[at_]) || query_[at_] == '.')) {
      token.has_unit = true;
      ++at_;
    }
    token.kind = TokenKind::kNumber;
    token.text = query_.substr(token.offset, at_ - token.offset);
    return {};
  }

  Status read_raw_string(Token& token) {
    const size_t close = query_.find('`', at_ + 1);
    if (close == std::string_view::npos)
      return parse_error(query_, at_, "this text has no end; close it with a backquote");
    token.kind = TokenKind::kString;
    token.text = query_.substr(at_ + 1, close - at_ - 1);
    at_ = close + 1;
    return {};
  }

  Status read_string(Token& token) {
    token.kind = TokenKind::kString;
    for (++at_; at_ < query_.size(); ++at_) {
      const char c = query_[at_];
      if (c == '"') {
        ++at_;
        return {};
      }
      if (c == '\n') break;
      if (c != '\\') {
        token.text += c;
        continue;
      }
      RETURN_IF_ERROR(read_escape(token.text));
    }
    return parse_error(query_, token.offset,
                       "this text has no end; close it with a quotation mark");
  }

  /// At a backslash; leaves at_ on the last character of the escape.
  Status read_escape(std::string& out) {
    constexpr std::string_view kLetters = "abfnrtv\\\"'", kMeanings = "\a\b\f\n\r\t\v\\\"'";
    const size_t start = at_++;
    const char c = at_ < query_.size() ? query_[at_] : '\0';
    if (const size_t known = kLetters.find(c); c != '\0' && known != std::string_view::npos) {
      out += kMeanings[known];
      return {};
    }
    const size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : 0;
    unsigned code = 0;
    const std::string_view hex = query_.substr(std::min(at_ + 1, query_.size()), digits);
    const auto [end, error] = std::from_chars(hex.data(), hex.data() + hex.size(), code, 16);
    if (digits == 0 || hex.size() != digits || error != std::errc() ||
        end != hex.data() + hex.size()) {
      return parse_error(query_, start,
                         "there is no such escape; write \\\\ for a backslash, or use backquotes");
    }
    at_ += digits;
    append_utf8(out, code);
    return {};
  }

  static void append_utf8(std::string& out, unsigned code) {
    if (code < 0x80) {
      out += static_cast<char>(code);
    } else if (code < 0x800) {
      out += {static_cast<char>(0xc0 | (code >> 6)), static_cast<char>(0x80 | (code & 63))};
    } else {
      out += {static_cast<char>(0xe0 | (code >> 12)), static_cast<char>(0x80 | (code >> 6 & 63)),
              static_cast<char>(0x80 | (code & 63))};
    }
  }

  std::string_view query_;
  size_t at_ = 0;
  std::vector<Token> tokens_;
};

}  // namespace

Result<std::vector<Token>> tokenize(std::string_view query) {
  return Lexer(query).run();
}

Error parse_error(std::string_view query, size_t offset, std::string_view what) {
  const std::string_view before = query.substr(0, offset);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const size_t newline = before.rfind('\n');
  const size_t column = newline == std::string_view::npos ? offset + 1 : offset - newline;
  return {Code::kInvalidArgument, "parse error at line " + std::to_string(line) + ", col " +
                                      std::to_string(column) + ": " + std::string(what)};
}

}  // namespace vedette::logql
