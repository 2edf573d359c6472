// The words of PromQL. Kinds are grouped, so that a range of them answers "is it an operator?".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace vedette::promql {

/// Bytes [start, end) of the query text.
struct Span {
  uint32_t start = 0;
  uint32_t end = 0;
};

enum class Tok : uint8_t {
  kEof,
  kError,
  kComment,
  kIdentifier,
  kMetricIdentifier,
  kString,
  kNumber,
  kDuration,
  // Punctuation
  kEqual,
  kColon,
  kDoubleColon,
  kComma,
  kLeftBrace,
  kRightBrace,
  kLeftBracket,
  kRightBracket,
  kLeftParen,
  kRightParen,
  // Operators
  kAdd,
  kDiv,
  kEqlc,
  kEqlRegex,
  kGte,
  kGtr,
  kAnd,
  kOr,
  kLss,
  kLte,
  kUnless,
  kMod,
  kMul,
  kNeq,
  kNeqRegex,
  kPow,
  kSub,
  kAt,
  kAtan2,
  // Aggregators
  kAvg,
  kBottomk,
  kCount,
  kCountValues,
  kGroup,
  kMax,
  kMin,
  kQuantile,
  kStddev,
  kStdvar,
  kSum,
  kTopk,
  kLimitk,
  kLimitRatio,
  // Keywords
  kBool,
  kBy,
  kGroupLeft,
  kGroupRight,
  kFill,
  kFillLeft,
  kFillRight,
  kIgnoring,
  kOffset,
  kAnchored,
  kSmoothed,
  kOn,
  kWithout,
  // Words with a meaning after @ or in a range
  kStart,
  kEnd,
  kStep,
  kRange,
};

constexpr bool is_operator(Tok t) {
  return t >= Tok::kAdd && t <= Tok::kAtan2;
}
constexpr bool is_aggregator(Tok t) {
  return t >= Tok::kAvg && t <= Tok::kLimitRatio;
}
constexpr bool is_keyword(Tok t) {
  return t >= Tok::kBool && t <= Tok::kWithout;
}
constexpr bool is_preprocessor(Tok t) {
  return t >= Tok::kStart && t <= Tok::kRange;
}
constexpr bool is_comparison(Tok t) {
  return t == Tok::kEqlc || t == Tok::kNeq || t == Tok::kLte || t == Tok::kLss || t == Tok::kGte ||
         t == Tok::kGtr;
}
constexpr bool is_set_operator(Tok t) {
  return t == Tok::kAnd || t == Tok::kOr || t == Tok::kUnless;
}
/// Words that are a metric name where nothing else can stand.
constexpr bool is_metric_word(Tok t) {
  return t == Tok::kIdentifier || t == Tok::kMetricIdentifier || is_aggregator(t) ||
         is_preprocessor(t) || t == Tok::kBy || t == Tok::kAnd || t == Tok::kOr ||
         t == Tok::kUnless || t == Tok::kOffset || t == Tok::kWithout || t == Tok::kAnchored ||
         t == Tok::kSmoothed;
}
/// Aggregators whose first argument is a parameter.
constexpr bool has_parameter(Tok t) {
  return t == Tok::kTopk || t == Tok::kBottomk || t == Tok::kCountValues || t == Tok::kQuantile ||
         t == Tok::kLimitk || t == Tok::kLimitRatio;
}

struct Token {
  Tok kind = Tok::kEof;
  uint32_t pos = 0;
  std::string_view text;  // part of the query

  Span span() const { return {pos, pos + static_cast<uint32_t>(text.size())}; }
};

/// "<=", "sum", "by"; empty for kinds without a fixed spelling.
std::string_view spelling(Tok kind);
/// The keyword, operator, aggregator or number (inf, nan) that `word` is in any case; kIdentifier
/// where none.
Tok word_kind(std::string_view word);
/// How errors name a token: `<op:+>`, `identifier "x"`, `end of input`.
std::string describe(const Token& token);

}  // namespace vedette::promql
