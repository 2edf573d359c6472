#include "sdk/sql_text.h"

#include <algorithm>
#include <initializer_list>
#include <vector>

namespace vedette::sdk {
namespace {

constexpr size_t kSummaryBytesMax = 255;
constexpr size_t kDepthMax = 64;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80) || is_digit(c);
}
bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return out;
}

std::string_view cut(std::string_view text, size_t max) {
  if (text.size() <= max) return text;
  while (max > 0 && (text[max] & 0xC0) == 0x80) --max;
  return text.substr(0, max);
}

struct Token {
  enum Kind { kEnd, kWord, kName, kLiteral, kComment, kSymbol } kind = kEnd;
  std::string_view text;  // of a kName without its quotes
  size_t begin = 0;
  size_t end = 0;
};

class Tokenizer {
 public:
  Tokenizer(std::string_view sql, bool mysql) : sql_(sql), mysql_(mysql) {}

  Token next() {
    while (at_ < sql_.size() && is_space(sql_[at_])) ++at_;
    Token token;
    token.begin = at_;
    if (at_ == sql_.size()) return token;
    token.kind = scan();
    token.end = at_;
    token.text = sql_.substr(token.begin, at_ - token.begin);
    if (token.kind == Token::kName) {
      token.text.remove_prefix(1);
      if (!token.text.empty()) token.text.remove_suffix(1);
    }
    // a[1] is a subscript, FROM [a] is a name.
    subscript_at_ = token.kind == Token::kWord || token.kind == Token::kName || token.text == ")" ||
                            token.text == "]"
                        ? at_
                        : sql_.npos;
    return token;
  }

 private:
  char peek(size_t n) const { return at_ + n < sql_.size() ? sql_[at_ + n] : '\0'; }
  void to(size_t end) { at_ = std::min(end, sql_.size()); }

  Token::Kind scan() {
    const char c = sql_[at_];
    if ((c == '-' && peek(1) == '-') || (c == '#' && mysql_)) {
      to(sql_.find('\n', at_));
      return Token::kComment;
    }
    if (c == '/' && peek(1) == '*') {
      const size_t end = sql_.find("*/", at_ + 2);
      to(end == sql_.npos ? end : end + 2);
      return Token::kComment;
    }
    if (c == '\'') return quoted('\'', mysql_), Token::kLiteral;
    if (c == '"') return quoted('"', mysql_), mysql_ ? Token::kLiteral : Token::kName;
    if (c == '`') return quoted('`', false), Token::kName;
    if (c == '[' && at_ != subscript_at_) {
      const size_t end = sql_.find(']', at_);
      const std::string_view inside = sql_.substr(at_ + 1, end == sql_.npos ? end : end - at_ - 1);
      if (end != sql_.npos && !inside.empty() &&
          std::all_of(inside.begin(), inside.end(),
                      [](char k) { return is_word(k) || k == ' '; }) &&
          !is_digit(inside.front())) {
        to(end + 1);
        return Token::kName;
      }
    }
    if (c == '$' && dollar_quoted()) return Token::kLiteral;
    if (is_digit(c) || (c == '.' && is_digit(peek(1)))) {
      while (at_ < sql_.size() && (is_word(sql_[at_]) || sql_[at_] == '.' || exponent_sign()))
        ++at_;
      return Token::kLiteral;
    }
    if (is_word(c)) return word();
    ++at_;
    // The number of a parameter is no literal: $1, :1, @1, ?1.
    if ((c == '$' || c == ':' || c == '@' || c == '?') && is_word(peek(0))) {
      while (at_ < sql_.size() && is_word(sql_[at_])) ++at_;
    }
    return Token::kSymbol;
  }

  Token::Kind word() {
    const size_t begin = at_;
    while (at_ < sql_.size() && (is_word(sql_[at_]) || sql_[at_] == '$')) ++at_;
    if (peek(0) != '\'' || at_ - begin > 2) return Token::kWord;
    // E'\n', N'text', X'00', U&'…': the prefix belongs to the string.
    quoted('\'', mysql_ || sql_[begin] == 'E' || sql_[begin] == 'e');
    return Token::kLiteral;
  }

  bool exponent_sign() const {
    return (sql_[at_] == '+' || sql_[at_] == '-') && (sql_[at_ - 1] | 0x20) == 'e' &&
           is_digit(peek(1));
  }

  void quoted(char quote, bool backslash) {
    for (++at_; at_ < sql_.size(); ++at_) {
      if (sql_[at_] == '\\' && backslash) {
        ++at_;
      } else if (sql_[at_] == quote) {
        if (peek(1) != quote) break;
        ++at_;
      }
    }
    to(at_ + 1);
  }

  bool dollar_quoted() {
    size_t end = at_ + 1;
    while (end < sql_.size() && is_word(sql_[end])) ++end;
    if (end == sql_.size() || sql_[end] != '$' || is_digit(peek(1))) return false;
    const std::string_view tag = sql_.substr(at_, end + 1 - at_);
    const size_t close = sql_.find(tag, end + 1);
    to(close == sql_.npos ? close : close + tag.size());
    return true;
  }

  std::string_view sql_;
  size_t at_ = 0;
  const bool mysql_;
  size_t subscript_at_ = std::string_view::npos;  // a bracket right here is a subscript
};

/// Follows the words of a statement and collects verbs and tables.
class Summarizer {
 public:
  /// `next`: the token after it, comments left out.
  void visit(const Token& token, const Token& next) {
    if (token.kind == Token::kSymbol) {
      symbol(token.text);
    } else if (token.kind == Token::kName || token.kind == Token::kWord) {
      if (after_dot_ && !tables_.empty() && naming_) {
        extend(token.text);
      } else {
        word(token, next);
      }
    }
    after_dot_ = token.text == "." && token.kind == Token::kSymbol;
    if (token.kind != Token::kWord)
      previous_.assign(token.kind == Token::kSymbol ? token.text : "");
    if (!after_dot_ && next.text != ".") naming_ = false;
  }

  void finish(SqlDescription* out) {
    out->operation = operation_;
    for (const std::string& part : parts_) {
      const size_t size = out->summary.size() + part.size() + !out->summary.empty();
      if (size > kSummaryBytesMax) break;
      if (!out->summary.empty()) out->summary += ' ';
      out->summary += part;
    }
    if (!tables_.empty() && std::all_of(tables_.begin(), tables_.end(),
                                        [&](const auto& name) { return name == tables_[0]; })) {
      out->collection = tables_[0];
    }
  }

 private:
  struct Level {
    bool verb = false;       // a SELECT or the like has begun here
    bool from_list = false;  // commas separate tables here
  };

  Level& level() { return levels_[std::min(depth_, kDepthMax - 1)]; }

  void symbol(std::string_view text) {
    if (text == "(") {
      ++depth_;
      level() = {};
      expect_ = false;
    } else if (text == ")") {
      depth_ -= depth_ > 0;
    } else if (text == ";") {
      depth_ = 0;
      level() = {};
      expect_ = in_with_ = false;
      started_ = false;
    } else if (text == "," && level().from_list) {
      expect_ = true;
      from_ = true;
    }
  }

  static bool one_of(const std::string& word, std::initializer_list<const char*> words) {
    return std::any_of(words.begin(), words.end(), [&](const char* w) { return word == w; });
  }

  void verb(const std::string& name) {
    parts_.push_back(name);
    if (operation_.empty()) operation_ = name;
    started_ = true;
    level() = {true, false};
    expect_ = false;
  }

  void word(const Token& token, const Token& next) {
    const std::string name = token.kind == Token::kWord ? upper(token.text) : std::string();
    const std::string before = previous_;
    previous_ = name;
    if (expect_ && table(token, name, next)) return;
    if (name.empty()) return;
    if (!started_) return first(name);
    if (in_with_ && depth_ == 0 &&
        !one_of(name, {"AS", "RECURSIVE", "NOT", "MATERIALIZED", "SELECT", "INSERT", "UPDATE",
                       "DELETE", "MERGE", "VALUES"})) {
      common_.emplace_back(token.text);
      return;
    }
    if (name == "SELECT" || (one_of(name, {"INSERT", "UPDATE", "DELETE", "MERGE"}) &&
                             one_of(before, {"(", ")"}) && next.text != "(")) {
      if (depth_ == 0) in_with_ = false;
      verb(name);
      expect(name == "UPDATE", false);
    } else if (name == "FROM") {
      if (level().verb && before != "DISTINCT") {
        level().from_list = true;
        expect(true, true);
      }
    } else if (name == "JOIN") {
      expect(true, true);
    } else if (name == "INTO") {
      expect(true, false);
    } else if (name == "USING" && operation_ == "MERGE") {
      expect(true, true);
    } else if (one_of(name, {"TABLE", "VIEW", "INDEX", "SEQUENCE", "SCHEMA", "DATABASE", "FUNCTION",
                             "PROCEDURE", "TRIGGER", "TYPE", "EXTENSION"}) &&
               one_of(operation_, {"CREATE", "DROP", "ALTER", "TRUNCATE"}) && tables_.empty() &&
               parts_.size() == 1) {
      if (operation_ != "TRUNCATE") parts_[0] += ' ' + name;
      expect(true, false);
    } else if (one_of(name, {"WHERE", "GROUP", "ORDER", "SET", "VALUES", "LIMIT", "HAVING", "UNION",
                             "RETURNING", "WINDOW", "FETCH", "OFFSET", "FOR"})) {
      level().from_list = false;
    }
  }

  /// The first word of a statement.
  void first(const std::string& name) {
    if (name == "WITH") {
      started_ = in_with_ = true;
      return;
    }
    if (name.size() > 16 ||
        !std::all_of(name.begin(), name.end(), [](char c) { return c >= 'A' && c <= 'Z'; })) {
      started_ = true;
      return;
    }
    verb(name == "EXEC" ? "EXECUTE" : name);
    expect(one_of(name, {"UPDATE", "CALL", "EXEC", "EXECUTE", "TRUNCATE", "COPY"}), false);
  }

  void expect(bool table, bool from) {
    expect_ = table;
    from_ = from;
  }

  /// A table is due. False: this word says that none comes.
  bool table(const Token& token, const std::string& name, const Token& next) {
    if (one_of(name, {"ONLY", "LATERAL", "IF", "NOT", "EXISTS", "IGNORE", "LOW_PRIORITY",
                      "CONCURRENTLY"})) {
      return true;
    }
    if (one_of(name, {"TABLE", "SELECT", "VALUES", "SET", "WHERE", "ON", "FROM", "INTO"})) {
      expect_ = name == "TABLE";
      return name == "TABLE";
    }
    expect_ = false;
    const bool function = from_ && next.text == "(";
    const bool common = std::find(common_.begin(), common_.end(), token.text) != common_.end();
    if (function || common) return true;
    tables_.emplace_back(token.text);
    parts_.emplace_back(token.text);
    naming_ = next.text == ".";
    return true;
  }

  /// shop.orders: what follows a dot belongs to the same name.
  void extend(std::string_view text) {
    tables_.back().append(".").append(text);
    parts_.back().append(".").append(text);
  }

  std::string operation_;
  std::vector<std::string> parts_;
  std::vector<std::string> tables_;
  std::vector<std::string_view> common_;  // names of common table expressions
  std::string previous_;
  Level levels_[kDepthMax];
  size_t depth_ = 0;
  bool started_ = false;
  bool in_with_ = false;
  bool expect_ = false;
  bool from_ = false;  // the table comes from a FROM: a name with parentheses is a function there
  bool naming_ = false;
  bool after_dot_ = false;
};

}  // namespace

SqlDescription describe_sql(std::string_view statement, const SqlOptions& options) {
  SqlDescription out;
  const std::string_view sql = cut(statement, 4 * kSqlTextBytesMax);
  Tokenizer tokens(sql, options.mysql);
  Summarizer summarizer;
  size_t copied = 0;
  const auto solid = [&] {
    Token token = tokens.next();
    while (token.kind == Token::kComment || token.kind == Token::kLiteral) {
      if (!options.keep_literals) {
        out.text.append(sql.substr(copied, token.begin - copied));
        if (token.kind == Token::kLiteral) out.text += '?';
        copied = token.end;
      }
      token = tokens.next();
    }
    return token;
  };
  for (Token token = solid(); token.kind != Token::kEnd;) {
    const Token next = solid();
    summarizer.visit(token, next);
    token = next;
  }
  out.text.append(sql.substr(copied));
  out.text.resize(cut(out.text, kSqlTextBytesMax).size());
  summarizer.finish(&out);
  return out;
}

}  // namespace vedette::sdk
