#include "query/promql/lexer.h"

#include "query/promql/text.h"

namespace vedette::promql {
namespace {

constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kHexDigits = "0123456789abcdefABCDEF";

bool is_space(char32_t r) {
  return r == ' ' || r == '\t' || r == '\n' || r == '\r';
}
bool is_digit(char32_t r) {
  return r >= '0' && r <= '9';
}
bool is_alpha(char32_t r) {
  return r == '_' || (r >= 'a' && r <= 'z') || (r >= 'A' && r <= 'Z');
}
bool is_alphanumeric(char32_t r) {
  return is_alpha(r) || is_digit(r);
}

bool contains(std::string_view set, char32_t r) {
  return r < 0x80 && set.find(static_cast<char>(r)) != std::string_view::npos;
}

/// Go's %#U.
std::string name_rune(char32_t r) {
  char code[16];
  std::snprintf(code, sizeof code, "U+%04X", static_cast<unsigned>(r));
  std::string out = code;
  out += " '";
  append_utf8(out, r);
  return out + "'";
}

/// A rune in an error text; the end of input as Go prints it.
std::string quoted(char32_t r) {
  return r > 0x10ffff ? "'\xef\xbf\xbd'" : quote_rune(r);
}

}  // namespace

char32_t Lexer::read() {
  if (pos_ >= input_.size()) {
    width_ = 0;
    return kEndOfInput;
  }
  const Rune rune = decode_rune(input_.substr(pos_));
  width_ = rune.length;
  pos_ += width_;
  return rune.value;
}

char32_t Lexer::peek() {
  const char32_t r = read();
  back();
  return r;
}

bool Lexer::accept(std::string_view set) {
  if (contains(set, read())) return true;
  back();
  return false;
}

bool Lexer::next_is(std::string_view set) {
  return contains(set, peek());
}

void Lexer::accept_run(std::string_view set) {
  while (accept(set)) {
  }
}

void Lexer::skip_spaces() {
  while (is_space(peek())) read();
  start_ = pos_;
}

Token Lexer::emit(Tok kind) {
  const Token token{kind, start_, input_.substr(start_, pos_ - start_)};
  start_ = pos_;
  return token;
}

Token Lexer::fail(std::string message) {
  error_ = std::move(message);
  done_ = true;
  return {Tok::kError, start_, {}};
}

Token Lexer::next() {
  while (!done_) {
    if (mode_ != Mode::kDuration && pos_ < input_.size() && input_[pos_] == '#') {
      while (pos_ < input_.size() && input_[pos_] != '\n' && input_[pos_] != '\r') ++pos_;
      start_ = pos_;
      continue;
    }
    if (is_space(peek())) {
      skip_spaces();
      continue;
    }
    if (brace_open_) return inside_braces();
    return mode_ == Mode::kDuration ? inside_brackets() : statement();
  }
  return {Tok::kEof, static_cast<uint32_t>(input_.size()), {}};
}

Token Lexer::one_or_two(Tok one, char second, Tok two) {
  if (peek() != static_cast<char32_t>(second)) return emit(one);
  read();
  return emit(two);
}

Token Lexer::close_paren() {
  if (--paren_depth_ < 0) {
    start_ = pos_;
    return fail("unexpected right parenthesis ')'");
  }
  return emit(Tok::kRightParen);
}

Token Lexer::statement() {
  const char32_t r = read();
  switch (r) {
    case kEndOfInput:
      if (paren_depth_ != 0) return fail("unclosed left parenthesis");
      if (bracket_open_) return fail("unclosed left bracket");
      done_ = true;
      return emit(Tok::kEof);
    case ',':
      return emit(Tok::kComma);
    case '*':
      return emit(Tok::kMul);
    case '/':
      return emit(Tok::kDiv);
    case '%':
      return emit(Tok::kMod);
    case '+':
      return emit(Tok::kAdd);
    case '-':
      return emit(Tok::kSub);
    case '^':
      return emit(Tok::kPow);
    case '@':
      return emit(Tok::kAt);
    case '=':
      if (peek() == '~') return fail("unexpected character after '=': '~'");
      return one_or_two(Tok::kEqual, '=', Tok::kEqlc);
    case '!':
      if (const char32_t t = read(); t != '=')
        return fail("unexpected character after '!': " + quoted(t));
      return emit(Tok::kNeq);
    case '<':
      return one_or_two(Tok::kLss, '=', Tok::kLte);
    case '>':
      return one_or_two(Tok::kGtr, '=', Tok::kGte);
    case '"':
    case '\'':
      return string(r);
    case '`':
      return raw_string();
    case '(':
      ++paren_depth_;
      return emit(Tok::kLeftParen);
    case ')':
      return close_paren();
    case '{':
      brace_open_ = true;
      return emit(Tok::kLeftBrace);
    case '[':
      if (bracket_open_) return fail("unexpected left bracket '['");
      got_colon_ = false;
      bracket_open_ = true;
      mode_ = Mode::kDuration;
      return emit(Tok::kLeftBracket);
    case ']':
      if (!bracket_open_) return fail("unexpected right bracket ']'");
      bracket_open_ = false;
      return emit(Tok::kRightBracket);
    default:
      break;
  }
  if (is_digit(r) || (r == '.' && is_digit(peek()))) {
    back();
    return number_or_duration();
  }
  if (is_alpha(r) || r == ':') return statement_word(r);
  return fail("unexpected character: " + quoted(r));
}

/// A word outside of braces; inside of brackets only a colon or a duration function can stand.
Token Lexer::statement_word(char32_t r) {
  if (!bracket_open_) {
    back();
    return keyword_or_identifier();
  }
  if (r == ':') {
    if (got_colon_) return fail("unexpected colon ':'");
    got_colon_ = true;
    return one_or_two(Tok::kColon, ':', Tok::kDoubleColon);
  }
  return duration_keyword("unexpected character: " + quoted(r) + ", expected ':'");
}

Token Lexer::inside_braces() {
  const char32_t r = read();
  switch (r) {
    case kEndOfInput:
      return fail("unexpected end of input inside braces");
    case ',':
      return emit(Tok::kComma);
    case '"':
    case '\'':
      return string(r);
    case '`':
      return raw_string();
    case '=':
      return one_or_two(Tok::kEqual, '~', Tok::kEqlRegex);
    case '!': {
      const char32_t t = read();
      if (t == '~') return emit(Tok::kNeqRegex);
      if (t == '=') return emit(Tok::kNeq);
      return fail("unexpected character after '!' inside braces: " + quoted(t));
    }
    case '{':
      return fail("unexpected left brace '{'");
    case '}':
      brace_open_ = false;
      return emit(Tok::kRightBrace);
    default:
      break;
  }
  if (!is_alpha(r)) return fail("unexpected character inside braces: " + quoted(r));
  while (is_alphanumeric(read())) {
  }
  back();
  return emit(Tok::kIdentifier);
}

Token Lexer::inside_brackets() {
  const char32_t r = read();
  switch (r) {
    case kEndOfInput:
      return fail("unexpected end of input in duration expression");
    case ']':
      bracket_open_ = got_colon_ = false;
      mode_ = Mode::kStatement;
      return emit(Tok::kRightBracket);
    case ':':
      if (!got_duration_) {
        start_ = pos_;
        return fail("unexpected colon before duration in duration expression");
      }
      got_colon_ = true;
      return emit(Tok::kColon);
    case '(':
      ++paren_depth_;
      return emit(Tok::kLeftParen);
    case ')':
      return close_paren();
    case '+':
      return emit(Tok::kAdd);
    case '-':
      return emit(Tok::kSub);
    case '*':
      return emit(Tok::kMul);
    case '/':
      return emit(Tok::kDiv);
    case '%':
      return emit(Tok::kMod);
    case '^':
      return emit(Tok::kPow);
    case ',':
      return emit(Tok::kComma);
    default:
      break;
  }
  if (is_digit(r) || (r == '.' && is_digit(peek()))) {
    back();
    got_duration_ = true;
    mode_ = Mode::kStatement;
    return number_or_duration();
  }
  return duration_keyword("unexpected character in duration expression: " + quoted(r));
}

/// step, range, min or max, whose first letter was read.
Token Lexer::duration_keyword(const std::string& otherwise) {
  while (is_alpha(read())) {
  }
  back();
  const Tok kind = word_kind(input_.substr(start_, pos_ - start_));
  if (kind == Tok::kStep || kind == Tok::kRange || kind == Tok::kMin || kind == Tok::kMax)
    return emit(kind);
  return fail(otherwise);
}

bool Lexer::escape(char32_t quote) {
  char32_t c = read();
  if (contains("abfnrtv\\", c) || c == quote) return true;
  int n = 0;
  uint32_t base = 16, max = 0x10ffff;
  if (c >= '0' && c <= '7') {
    n = 3, base = 8, max = 255;
  } else if (c == 'x' || c == 'u' || c == 'U') {
    n = c == 'x' ? 2 : c == 'u' ? 4 : 8;
    if (c == 'x') max = 255;
    c = read();
  } else {
    fail(c == kEndOfInput ? "escape sequence not terminated"
                          : "unknown escape sequence " + name_rune(c));
    return false;
  }
  uint32_t value = 0;
  for (; n > 0; --n) {
    const uint32_t digit = is_digit(c)            ? c - '0'
                           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                  : 16;
    if (digit >= base) {
      fail(c == kEndOfInput ? "escape sequence not terminated"
                            : "illegal character " + name_rune(c) + " in escape sequence");
      return false;
    }
    value = value * base + digit;
    if (n > 1) c = read();
  }
  if (value > max || (value >= 0xd800 && value < 0xe000)) {
    fail("escape sequence is an invalid Unicode code point");
    return false;
  }
  return true;
}

Token Lexer::string(char32_t quote) {
  while (true) {
    const char32_t r = read();
    if (r == '\\') {
      if (!escape(quote)) return {Tok::kError, start_, {}};
    } else if (r == 0xfffd && width_ == 1) {
      return fail("invalid UTF-8 rune");
    } else if (r == kEndOfInput || r == '\n') {
      return fail("unterminated quoted string");
    } else if (r == quote) {
      return emit(Tok::kString);
    }
  }
}

Token Lexer::raw_string() {
  while (true) {
    const char32_t r = read();
    if (r == 0xfffd && width_ == 1) return fail("invalid UTF-8 rune");
    if (r == kEndOfInput) return fail("unterminated raw string");
    if (r == '`') return emit(Tok::kString);
  }
}

Token Lexer::number_or_duration() {
  if (scan_number()) return emit(Tok::kNumber);
  if (scan_duration()) return emit(Tok::kDuration);
  return fail("bad number or duration syntax: " + quote(input_.substr(start_, pos_ - start_)));
}

/// The rest of a duration, from its first unit on: scan_number() stopped there.
bool Lexer::scan_duration() {
  if (!accept("smhdwy")) return false;
  accept("s");  // ms; bad units such as hs are found when the duration is parsed
  while (accept(kDigits)) {
    accept_run(kDigits);
    if (!accept("smhdw")) return false;
    accept("s");
  }
  if (!is_alphanumeric(read())) {
    back();
    return true;
  }
  return false;
}

/// Numbers of all kinds; what it takes need not be valid, parse_number() decides.
bool Lexer::scan_number() {
  const uint32_t begin = pos_;
  std::string_view digits = kDigits;
  if (accept("0") && accept("xX")) {
    accept("_");
    digits = kHexDigits;
  }
  const bool hex = digits.size() > 10;
  const auto digit_next = [&] { return next_is(digits); };
  accept(".");
  accept(digits);
  bool dot = false, exponent = false;
  while (digit_next() || next_is("._eE")) {
    if (next_is(".") && dot) {
      accept(".");
      return false;
    }
    if (next_is("eE") && exponent && !hex) {
      accept("eE");
      return false;
    }
    if (accept(".")) {
      dot = true;
      if (accept("_.") || hex) return false;
    } else if (!hex && accept("eE")) {
      exponent = true;
      accept("+-");
      if (accept("._eE") || peek() == kEndOfInput) return false;
    } else if (accept("_")) {
      if (accept("._eE") || peek() == kEndOfInput) return false;
    } else {
      accept_run(digits);
    }
  }
  return pos_ != begin && !is_alphanumeric(peek());
}

Token Lexer::keyword_or_identifier() {
  while (true) {
    const char32_t r = read();
    if (!is_alphanumeric(r) && r != ':') break;
  }
  back();
  const std::string_view word = input_.substr(start_, pos_ - start_);
  const Tok kind = word_kind(word);
  if (kind == Tok::kFill || kind == Tok::kFillLeft || kind == Tok::kFillRight) {
    return emit(followed_by_paren() ? kind : Tok::kIdentifier);
  }
  if (kind != Tok::kIdentifier) return emit(kind);
  return emit(word.find(':') == std::string_view::npos ? Tok::kIdentifier : Tok::kMetricIdentifier);
}

bool Lexer::followed_by_paren() const {
  for (size_t i = pos_; i < input_.size(); ++i) {
    if (!is_space(static_cast<unsigned char>(input_[i]))) return input_[i] == '(';
  }
  return false;
}

}  // namespace vedette::promql
