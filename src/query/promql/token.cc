#include "query/promql/token.h"

#include "query/promql/text.h"

namespace vedette::promql {
namespace {

struct Spelling {
  Tok kind;
  std::string_view text;
};

constexpr Spelling kSymbols[] = {
    {Tok::kEqual, "="},       {Tok::kColon, ":"},        {Tok::kDoubleColon, "::"},
    {Tok::kComma, ","},       {Tok::kLeftBrace, "{"},    {Tok::kRightBrace, "}"},
    {Tok::kLeftBracket, "["}, {Tok::kRightBracket, "]"}, {Tok::kLeftParen, "("},
    {Tok::kRightParen, ")"},  {Tok::kAdd, "+"},          {Tok::kDiv, "/"},
    {Tok::kEqlc, "=="},       {Tok::kEqlRegex, "=~"},    {Tok::kGte, ">="},
    {Tok::kGtr, ">"},         {Tok::kLss, "<"},          {Tok::kLte, "<="},
    {Tok::kMod, "%"},         {Tok::kMul, "*"},          {Tok::kNeq, "!="},
    {Tok::kNeqRegex, "!~"},   {Tok::kPow, "^"},          {Tok::kSub, "-"},
    {Tok::kAt, "@"},
};

constexpr Spelling kWords[] = {
    {Tok::kAnd, "and"},           {Tok::kOr, "or"},
    {Tok::kUnless, "unless"},     {Tok::kAtan2, "atan2"},
    {Tok::kSum, "sum"},           {Tok::kAvg, "avg"},
    {Tok::kCount, "count"},       {Tok::kMin, "min"},
    {Tok::kMax, "max"},           {Tok::kGroup, "group"},
    {Tok::kStddev, "stddev"},     {Tok::kStdvar, "stdvar"},
    {Tok::kTopk, "topk"},         {Tok::kBottomk, "bottomk"},
    {Tok::kQuantile, "quantile"}, {Tok::kCountValues, "count_values"},
    {Tok::kLimitk, "limitk"},     {Tok::kLimitRatio, "limit_ratio"},
    {Tok::kOffset, "offset"},     {Tok::kBy, "by"},
    {Tok::kWithout, "without"},   {Tok::kOn, "on"},
    {Tok::kIgnoring, "ignoring"}, {Tok::kGroupLeft, "group_left"},
    {Tok::kBool, "bool"},         {Tok::kGroupRight, "group_right"},
    {Tok::kFill, "fill"},         {Tok::kFillLeft, "fill_left"},
    {Tok::kStart, "start"},       {Tok::kFillRight, "fill_right"},
    {Tok::kEnd, "end"},           {Tok::kAnchored, "anchored"},
    {Tok::kStep, "step"},         {Tok::kSmoothed, "smoothed"},
    {Tok::kRange, "range"},
};

std::string_view kind_name(Tok kind) {
  switch (kind) {
    case Tok::kComment:
      return "comment";
    case Tok::kIdentifier:
      return "identifier";
    case Tok::kMetricIdentifier:
      return "metric identifier";
    case Tok::kString:
      return "string";
    case Tok::kNumber:
      return "number";
    case Tok::kDuration:
      return "duration";
    default:
      return "error";
  }
}

std::string quote_token(const Token& token) {
  if (token.kind == Tok::kIdentifier || token.kind == Tok::kMetricIdentifier ||
      token.text.size() <= 10) {
    return quote(token.text);
  }
  return quote(first_runes(token.text, 10)) + "...";
}

}  // namespace

std::string_view spelling(Tok kind) {
  for (const Spelling& s : kSymbols) {
    if (s.kind == kind) return s.text;
  }
  for (const Spelling& s : kWords) {
    if (s.kind == kind) return s.text;
  }
  return {};
}

Tok word_kind(std::string_view word) {
  const std::string lower = to_lower(word);
  if (lower == "inf" || lower == "nan") return Tok::kNumber;
  for (const Spelling& s : kWords) {
    if (s.text == lower) return s.kind;
  }
  return Tok::kIdentifier;
}

std::string describe(const Token& token) {
  const std::string text(token.text);
  if (token.kind == Tok::kEof) return "end of input";
  if (is_keyword(token.kind)) return "<" + text + ">";
  if (is_operator(token.kind)) return "<op:" + text + ">";
  if (is_aggregator(token.kind)) return "<aggr:" + text + ">";
  if (!spelling(token.kind).empty()) return quote_token(token);
  return std::string(kind_name(token.kind)) + " " + quote_token(token);
}

}  // namespace vedette::promql
