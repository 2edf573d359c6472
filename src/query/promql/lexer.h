// Cuts a query into tokens, on demand. Follows Prometheus's lexer (promql/parser/lex.go), whose
// error texts users know: inside braces words are names, inside brackets only durations may stand.
#pragma once

#include <string>
#include <string_view>

#include "query/promql/token.h"

namespace vedette::promql {

class Lexer {
 public:
  explicit Lexer(std::string_view input) : input_(input) {}

  /// The next token that is no comment. After kError, error() tells why and every further call
  /// gives kEof.
  Token next();
  const std::string& error() const { return error_; }
  /// Byte position of the last error.
  uint32_t error_pos() const { return start_; }

 private:
  static constexpr char32_t kEndOfInput = 0xffffffff;
  enum class Mode : uint8_t { kStatement, kDuration };  // kDuration: just behind "["

  char32_t read();
  char32_t peek();
  void back() { pos_ -= width_; }
  bool accept(std::string_view set);
  bool next_is(std::string_view set);
  void accept_run(std::string_view set);
  void skip_spaces();

  Token emit(Tok kind);
  Token fail(std::string message);
  Token statement();
  Token statement_word(char32_t r);
  Token inside_braces();
  Token inside_brackets();
  Token one_or_two(Tok one, char second, Tok two);
  Token string(char32_t quote);
  Token raw_string();
  bool escape(char32_t quote);
  Token number_or_duration();
  bool scan_number();
  bool scan_duration();
  Token keyword_or_identifier();
  Token duration_keyword(const std::string& otherwise);
  Token close_paren();
  bool followed_by_paren() const;

  std::string_view input_;
  uint32_t pos_ = 0;
  uint32_t start_ = 0;
  uint32_t width_ = 0;
  int paren_depth_ = 0;
  bool brace_open_ = false;
  bool bracket_open_ = false;
  bool got_colon_ = false;
  bool got_duration_ = false;
  bool done_ = false;
  Mode mode_ = Mode::kStatement;
  std::string error_;
};

}  // namespace vedette::promql
