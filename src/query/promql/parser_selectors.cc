// Selectors, ranges, offset and @.
#include <re2/re2.h>

#include <cmath>

#include "query/promql/parse_state.h"
#include "query/promql/parser.h"
#include "query/promql/text.h"

namespace vedette::promql {
namespace {

/// Go's wording of RE2's errors.
std::string regex_error(const RE2& regex) {
  const char* text = "internal error";
  switch (regex.error_code()) {
    case RE2::ErrorBadEscape:
      text = "invalid escape sequence";
      break;
    case RE2::ErrorBadCharClass:
      text = "invalid character class";
      break;
    case RE2::ErrorBadCharRange:
      text = "invalid character class range";
      break;
    case RE2::ErrorMissingBracket:
      text = "missing closing ]";
      break;
    case RE2::ErrorMissingParen:
      text = "missing closing )";
      break;
    case RE2::ErrorUnexpectedParen:
      text = "unexpected )";
      break;
    case RE2::ErrorTrailingBackslash:
      text = "trailing backslash at end of expression";
      break;
    case RE2::ErrorRepeatArgument:
      text = "missing argument to repetition operator";
      break;
    case RE2::ErrorRepeatSize:
      text = "invalid repeat count";
      break;
    case RE2::ErrorRepeatOp:
      text = "invalid nested repetition operator";
      break;
    case RE2::ErrorBadPerlOp:
      text = "invalid or unsupported Perl syntax";
      break;
    case RE2::ErrorBadUTF8:
      text = "invalid UTF-8";
      break;
    case RE2::ErrorBadNamedCapture:
      text = "invalid named capture";
      break;
    case RE2::ErrorPatternTooLarge:
      text = "expression too large";
      break;
    default:
      break;
  }
  return std::string("error parsing regexp: ") + text +
         (regex.error_arg().empty() ? "" : ": `" + regex.error_arg() + "`");
}

RE2::Options quiet() {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_dot_nl(true);
  return options;
}

/// The place of the @ and offset of a selector or subquery; null for nodes that take none.
TimeModifier* time_of(Node& node) {
  switch (node.kind) {
    case Node::Kind::kVectorSelector:
      return &as<VectorSelector>(node).time;
    case Node::Kind::kMatrixSelector:
      return &as<VectorSelector>(*as<MatrixSelector>(node).selector).time;
    case Node::Kind::kSubquery:
      return &as<Subquery>(node).time;
    default:
      return nullptr;
  }
}

constexpr std::string_view kWanted =
    " must be preceded by an instant vector selector or range vector selector or a subquery";

}  // namespace

bool matches_empty(const store::Matcher& matcher) {
  switch (matcher.op) {
    case store::MatchOp::kEqual:
      return matcher.value.empty();
    case store::MatchOp::kNotEqual:
      return !matcher.value.empty();
    case store::MatchOp::kRegex:
      return RE2::FullMatch("", RE2(matcher.value, quiet()));
    case store::MatchOp::kNotRegex:
      return !RE2::FullMatch("", RE2(matcher.value, quiet()));
  }
  return true;
}

std::unique_ptr<VectorSelector> Parser::selector() {
  std::unique_ptr<VectorSelector> node;
  if (at(Tok::kLeftBrace)) {
    node = vector_selector(nullptr);
  } else if (is_metric_word(peek().kind)) {
    const Token name = take();
    node = vector_selector(&name);
  } else {
    unexpected("", "");
  }
  if (node && !at(Tok::kEof)) unexpected("", "");
  return errors_.failed() ? nullptr : std::move(node);
}

std::unique_ptr<VectorSelector> Parser::vector_selector(const Token* name) {
  auto node = std::make_unique<VectorSelector>();
  node->span = name ? name->span() : peek().span();
  if (at(Tok::kLeftBrace)) {
    if (!matchers(*node)) return nullptr;
    node->span.end = last_end_;
  }
  if (name) {
    node->name = name->text;
    node->matchers.push_back({store::MatchOp::kEqual, std::string(model::kMetricName), node->name});
  }
  return errors_.failed() ? nullptr : std::move(node);
}

bool Parser::matchers(VectorSelector& node) {
  take();
  while (!at(Tok::kRightBrace)) {
    if (!matcher(node)) return false;
    if (at(Tok::kComma)) {
      take();
    } else if (!at(Tok::kRightBrace)) {
      unexpected("label matching", "\",\" or \"}\"");
      return false;
    }
  }
  take();
  return !errors_.failed();
}

bool Parser::matcher(VectorSelector& node) {
  if (!at(Tok::kIdentifier) && !at(Tok::kString)) {
    unexpected("label matching", "identifier or \"}\"");
    return false;
  }
  const Token name = take();
  store::Matcher out;
  out.name = name.kind == Tok::kString ? unquote(name.text).value_or("") : std::string(name.text);
  const Tok op = peek().kind;
  switch (op) {
    case Tok::kEqual:
      out.op = store::MatchOp::kEqual;
      break;
    case Tok::kNeq:
      out.op = store::MatchOp::kNotEqual;
      break;
    case Tok::kEqlRegex:
      out.op = store::MatchOp::kRegex;
      break;
    case Tok::kNeqRegex:
      out.op = store::MatchOp::kNotRegex;
      break;
    default:
      if (name.kind == Tok::kString) {  // {"a.metric"}
        node.matchers.push_back(
            {store::MatchOp::kEqual, std::string(model::kMetricName), out.name});
        return !errors_.failed();
      }
      unexpected("label matching", "label matching operator");
      return false;
  }
  take();
  if (!at(Tok::kString)) {
    unexpected("label matching", "string");
    return false;
  }
  out.value = unquote(take().text).value_or("");
  if (out.op == store::MatchOp::kRegex || out.op == store::MatchOp::kNotRegex) {
    if (const RE2 regex(out.value, quiet()); !regex.ok())
      errors_.add(name.span(), regex_error(regex));
  }
  node.matchers.push_back(std::move(out));
  return !errors_.failed();
}

/// A number of seconds or a duration, with its sign, where a duration stands.
bool Parser::duration(Duration& out) {
  out.span = peek().span();
  bool negative = false;
  if (at(Tok::kAdd) || at(Tok::kSub)) negative = take().kind == Tok::kSub;
  const Tok kind = peek().kind;
  if (kind == Tok::kLeftParen || is_preprocessor(kind) || kind == Tok::kMin || kind == Tok::kMax) {
    if (kind == Tok::kLeftParen) take();
    errors_.add(peek().span(), "experimental duration expression is not enabled");
    return false;
  }
  if (kind != Tok::kNumber && kind != Tok::kDuration) return false;
  const NodePtr literal = number();
  if (!literal) return false;
  const double seconds = as<NumberLiteral>(*literal).value;
  out.span.end = literal->span.end;
  if (!(std::abs(seconds) <= 9223372036.854775)) {
    errors_.add(out.span, "duration out of range");
    return false;
  }
  out.ms = std::llround(seconds * 1e9) / 1'000'000;
  if (negative) out.ms = -out.ms;
  return true;
}

bool Parser::range_duration(Duration& out) {
  if (!duration(out)) return false;
  switch (peek().kind) {
    case Tok::kAdd:
    case Tok::kSub:
    case Tok::kMul:
    case Tok::kDiv:
    case Tok::kMod:
    case Tok::kPow:
      errors_.add(out.span, "experimental duration expression is not enabled");
      return false;
    default:
      break;
  }
  if (out.ms <= 0) errors_.add(out.span, "duration must be greater than 0");
  return !errors_.failed();
}

NodePtr Parser::range(NodePtr node) {
  const Token bracket = take();
  Duration range;
  if (!range_duration(range)) {
    unexpected("subquery or range selector", "number, duration, step(), or range()");
    return nullptr;
  }
  if (at(Tok::kColon)) return subquery(std::move(node), range.ms);
  if (at(Tok::kDoubleColon)) {
    errors_.add(peek().span(), "aligned subqueries are experimental and not enabled");
    return nullptr;
  }
  if (!at(Tok::kRightBracket)) {
    unexpected("subquery or range", "\":\" or \"]\"");
    return nullptr;
  }
  take();
  const char* problem = nullptr;
  if (node->kind != Node::Kind::kVectorSelector) {
    problem = "ranges only allowed for vector selectors";
  } else if (as<VectorSelector>(*node).time.offset_ms != 0) {
    problem = "no offset modifiers allowed before range";
  } else if (as<VectorSelector>(*node).time.fixed()) {
    problem = "no @ modifiers allowed before range";
  }
  if (problem) {
    errors_.add(bracket.span(), problem);
    return nullptr;
  }
  auto matrix = std::make_unique<MatrixSelector>();
  matrix->span = {node->span.start, last_end_};
  matrix->depth = node->depth + 1;
  matrix->range_ms = range.ms;
  matrix->selector = std::move(node);
  return matrix;
}

NodePtr Parser::subquery(NodePtr node, int64_t range_ms) {
  take();
  auto out = std::make_unique<Subquery>();
  out->range_ms = range_ms;
  if (!at(Tok::kRightBracket)) {
    Duration step;
    if (!range_duration(step)) {
      unexpected("subquery selector", "number, duration, step(), range(), or \"]\"");
      return nullptr;
    }
    out->step_ms = step.ms;
    if (!at(Tok::kRightBracket)) {
      unexpected("subquery selector", "\"]\"");
      return nullptr;
    }
  }
  take();
  out->span = {node->span.start, last_end_};
  if (errors_.failed() || too_deep(*out, node->depth)) return nullptr;
  out->expr = std::move(node);
  return out;
}

NodePtr Parser::offset(NodePtr node) {
  take();
  Duration offset;
  if (!duration(offset)) {
    unexpected("offset", "number, duration, step(), or range()");
    return nullptr;
  }
  TimeModifier* time = time_of(*node);
  if (!time) {
    errors_.add(node->span, "offset modifier" + std::string(kWanted));
  } else if (time->offset_ms != 0) {
    errors_.add(node->span, "offset may not be set multiple times");
  } else {
    time->offset_ms = offset.ms;
    node->span.end = last_end_;
  }
  return errors_.failed() ? nullptr : std::move(node);
}

/// A number or duration with an optional sign.
bool Parser::at_time(double& seconds) {
  bool negative = false;
  if (at(Tok::kAdd) || at(Tok::kSub)) negative = take().kind == Tok::kSub;
  if (!at(Tok::kNumber) && !at(Tok::kDuration)) return false;
  const NodePtr literal = number();
  if (!literal) return false;
  seconds = as<NumberLiteral>(*literal).value * (negative ? -1 : 1);
  return true;
}

NodePtr Parser::at_modifier(NodePtr node) {
  take();
  TimeModifier::At kind = TimeModifier::At::kTime;
  double seconds = 0;
  if (at(Tok::kStart) || at(Tok::kEnd)) {
    kind = take().kind == Tok::kStart ? TimeModifier::At::kStart : TimeModifier::At::kEnd;
    if (!at(Tok::kLeftParen)) {
      unexpected("@", "timestamp");
      return nullptr;
    }
    take();
    if (!at(Tok::kRightParen)) {
      unexpected("@", "timestamp");
      return nullptr;
    }
    take();
  } else if (!at_time(seconds)) {
    unexpected("@", "timestamp");
    return nullptr;
  }
  if (!std::isfinite(seconds) || std::abs(seconds) >= 9223372036854775807.0) {
    char text[400];
    std::snprintf(text, sizeof text, "%f", seconds);
    errors_.add(node->span,
                "timestamp out of bounds for @ modifier: " +
                    (std::isfinite(seconds) ? std::string(text) : format_plain(seconds)));
    return nullptr;
  }
  TimeModifier* time = time_of(*node);
  if (!time) {
    errors_.add(node->span, "@ modifier" + std::string(kWanted));
  } else if (time->fixed()) {
    errors_.add(node->span, "@ <timestamp> may not be set multiple times");
  } else {
    time->at = kind;
    // Times beyond what milliseconds can count are as far away as times get.
    const double ms = std::round(seconds * 1000);
    time->at_ms = static_cast<int64_t>(std::clamp(ms, -9.2e18, 9.2e18));
    node->span.end = last_end_;
  }
  return errors_.failed() ? nullptr : std::move(node);
}

}  // namespace vedette::promql
