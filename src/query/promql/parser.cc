#include "query/promql/parser.h"

#include "base/utf8.h"
#include "query/promql/parse_state.h"
#include "query/promql/text.h"

namespace vedette::promql {
namespace {

constexpr int kPrecedenceMul = 5;
constexpr int kPrecedencePow = 6;

/// 0 for tokens that are no binary operator.
int precedence(Tok op) {
  switch (op) {
    case Tok::kOr:
      return 1;
    case Tok::kAnd:
    case Tok::kUnless:
      return 2;
    case Tok::kEqlc:
    case Tok::kGte:
    case Tok::kGtr:
    case Tok::kLss:
    case Tok::kLte:
    case Tok::kNeq:
      return 3;
    case Tok::kAdd:
    case Tok::kSub:
      return 4;
    case Tok::kMul:
    case Tok::kDiv:
    case Tok::kMod:
    case Tok::kAtan2:
      return kPrecedenceMul;
    case Tok::kPow:
      return kPrecedencePow;
    default:
      return 0;
  }
}

bool is_label_word(Tok kind) {
  return is_metric_word(kind) || is_keyword(kind) || kind == Tok::kAtan2;
}

class DepthGuard {
 public:
  explicit DepthGuard(int& depth) : depth_(depth) { ++depth_; }
  ~DepthGuard() { --depth_; }

 private:
  int& depth_;
};

}  // namespace

void ParseErrors::add(Span at, const std::string& message) {
  if (error_) return;
  error_ = Error{Code::kInvalidArgument,
                 format_position(query_, at.start) + ": parse error: " + message};
}

const Token& Parser::peek() {
  if (errors_.failed()) {
    token_ = Token{};
    has_token_ = false;
    return token_;
  }
  if (!has_token_) {
    token_ = lexer_.next();
    has_token_ = true;
    if (token_.kind == Tok::kError) {
      errors_.add({lexer_.error_pos(), lexer_.error_pos()}, lexer_.error());
      token_ = Token{};
    }
  }
  return token_;
}

Token Parser::take() {
  const Token token = peek();
  has_token_ = false;
  last_end_ = token.span().end;
  return token;
}

void Parser::unexpected(std::string_view context, std::string_view expected) {
  const Token& token = peek();
  if (errors_.failed()) return;
  std::string message = "unexpected " + describe(token);
  if (!context.empty()) message.append(" in ").append(context);
  if (!expected.empty()) message.append(", expected ").append(expected);
  errors_.add(token.span(), message);
}

bool Parser::expect(Tok kind) {
  if (!at(kind)) {
    unexpected_here();
    return false;
  }
  take();
  return true;
}

bool Parser::at_expression() {
  const Tok kind = peek().kind;
  return is_metric_word(kind) || kind == Tok::kNumber || kind == Tok::kDuration ||
         kind == Tok::kString || kind == Tok::kLeftParen || kind == Tok::kLeftBrace ||
         kind == Tok::kAdd || kind == Tok::kSub;
}

bool Parser::too_deep(Node& node, int child_depth) {
  node.depth = std::max(node.depth, child_depth + 1);
  if (node.depth <= kDepthMax && depth_ <= kDepthMax) return false;
  errors_.add(node.span,
              "the expression is nested deeper than " + std::to_string(kDepthMax) + " levels");
  return true;
}

NodePtr Parser::expression() {
  if (at(Tok::kEof)) {
    // Prometheus gives this error no place, which prints as the first.
    if (!errors_.failed()) errors_.add({}, "no expression found in input");
    return nullptr;
  }
  NodePtr node = binary(1);
  if (node && !at(Tok::kEof)) unexpected_here();
  return errors_.failed() ? nullptr : std::move(node);
}

NodePtr Parser::binary(int precedence_min) {
  const DepthGuard guard(depth_);
  if (depth_ > kDepthMax) {
    errors_.add(peek().span(),
                "the expression is nested deeper than " + std::to_string(kDepthMax) + " levels");
    return nullptr;
  }
  NodePtr lhs = unary();
  while (lhs) {
    const int level = precedence(peek().kind);
    if (level < precedence_min || level == 0) return lhs;
    auto node = std::make_unique<Binary>();
    node->op = take().kind;
    node->lhs = std::move(lhs);
    bool fill = false;
    if (!matching(*node) || !fill_modifiers(fill)) return nullptr;
    node->rhs = binary(level == kPrecedencePow ? level : level + 1);
    if (!node->rhs) return nullptr;
    if (fill) errors_.add(node->lhs->span, "binop fill modifiers are experimental and not enabled");
    lhs = finish_binary(std::move(node));
  }
  return nullptr;
}

NodePtr Parser::finish_binary(std::unique_ptr<Binary> node) {
  node->span = {node->lhs->span.start, node->rhs->span.end};
  if (too_deep(*node, std::max(node->lhs->depth, node->rhs->depth))) return nullptr;
  return node;
}

NodePtr Parser::unary() {
  if (!at(Tok::kAdd) && !at(Tok::kSub)) return postfix(primary());
  const Token op = take();
  NodePtr operand = binary(kPrecedencePow);  // binds weaker than ^, as in mathematics
  if (!operand) return nullptr;
  if (operand->kind == Node::Kind::kNumber) {
    auto& literal = as<NumberLiteral>(*operand);
    if (op.kind == Tok::kSub) literal.value = -literal.value;
    literal.span.start = op.pos;
    return operand;
  }
  auto node = std::make_unique<Unary>();
  node->op = op.kind;
  node->span = {op.pos, operand->span.end};
  if (too_deep(*node, operand->depth)) return nullptr;
  node->expr = std::move(operand);
  return node;
}

NodePtr Parser::postfix(NodePtr node) {
  while (node) {
    if (at(Tok::kLeftBracket)) {
      node = range(std::move(node));
    } else if (at(Tok::kOffset)) {
      node = offset(std::move(node));
    } else if (at(Tok::kAt)) {
      node = at_modifier(std::move(node));
    } else if (at(Tok::kAnchored) || at(Tok::kSmoothed)) {
      errors_.add(node->span,
                  std::string(take().text) + " modifier is experimental and not enabled");
      return nullptr;
    } else {
      return errors_.failed() ? nullptr : std::move(node);
    }
  }
  return nullptr;
}

NodePtr Parser::primary() {
  const Tok kind = peek().kind;
  if (kind == Tok::kNumber || kind == Tok::kDuration) return number();
  if (kind == Tok::kString) return string();
  if (kind == Tok::kLeftParen) return paren();
  if (kind == Tok::kLeftBrace) return vector_selector(nullptr);
  if (!is_metric_word(kind)) {
    unexpected_here();
    return nullptr;
  }
  const Token word = take();
  if (is_aggregator(kind) && (at(Tok::kLeftParen) || at(Tok::kBy) || at(Tok::kWithout)))
    return aggregate(word);
  if ((kind == Tok::kIdentifier || is_preprocessor(kind)) && at(Tok::kLeftParen)) return call(word);
  return vector_selector(&word);
}

NodePtr Parser::paren() {
  auto node = std::make_unique<Paren>();
  node->span.start = take().pos;
  node->expr = binary(1);
  if (!node->expr || !expect(Tok::kRightParen)) return nullptr;
  node->span.end = last_end_;
  if (too_deep(*node, node->expr->depth)) return nullptr;
  return node;
}

NodePtr Parser::number() {
  const Token token = take();
  auto node = std::make_unique<NumberLiteral>();
  node->span = token.span();
  node->is_duration = token.kind == Tok::kDuration;
  if (node->is_duration) {
    const auto ms = parse_duration(token.text);
    if (!ms.ok()) {
      errors_.add(node->span, ms.error().message);
      return nullptr;
    }
    node->value = static_cast<double>(*ms) / 1000;
    return node;
  }
  const auto value = parse_number(token.text);
  if (!value.ok()) {
    errors_.add(node->span, value.error().message);
    return nullptr;
  }
  node->value = *value;
  return node;
}

NodePtr Parser::string() {
  const Token token = take();
  auto node = std::make_unique<StringLiteral>();
  node->span = token.span();
  const auto value = unquote(token.text);
  if (!value) {
    errors_.add(node->span, "error unquoting string " + quote(token.text) + ": invalid syntax");
    return nullptr;
  }
  node->value = *value;
  return node;
}

NodePtr Parser::call(const Token& name) {
  auto node = std::make_unique<Call>();
  node->span.start = name.pos;
  if (!arguments(node->args, node->span.end)) return nullptr;
  node->function = find_function(name.text);
  if (!node->function) {
    errors_.add(name.span(), "unknown function with name " + quote(name.text));
    return nullptr;
  }
  if (node->function->experimental) {
    errors_.add(name.span(), "function " + quote(name.text) + " is not enabled");
    return nullptr;
  }
  for (const NodePtr& arg : node->args) {
    if (too_deep(*node, arg->depth)) return nullptr;
  }
  return node;
}

/// "(" …, …, … ")"
bool Parser::arguments(std::vector<NodePtr>& args, uint32_t& end) {
  if (!expect(Tok::kLeftParen)) return false;
  while (!at(Tok::kRightParen)) {
    if (!args.empty()) {
      if (!at(Tok::kComma)) {
        unexpected_here();
        return false;
      }
      const Token comma = take();
      if (at(Tok::kRightParen) && !errors_.failed()) {
        errors_.add(comma.span(), "trailing commas not allowed in function call args");
        return false;
      }
    }
    NodePtr arg = binary(1);
    if (!arg) return false;
    args.push_back(std::move(arg));
  }
  take();
  end = last_end_;
  return !errors_.failed();
}

NodePtr Parser::aggregate(const Token& op) {
  auto node = std::make_unique<Aggregate>();
  node->op = op.kind;
  node->span.start = op.pos;
  std::vector<NodePtr> args;
  const auto modifier = [&] {
    if (!at(Tok::kBy) && !at(Tok::kWithout)) return true;
    node->without = take().kind == Tok::kWithout;
    return grouping(node->grouping);
  };
  ++in_aggregation_;
  const bool before = !at(Tok::kLeftParen);
  const bool parsed = modifier() && arguments(args, node->span.end) && (before || modifier());
  --in_aggregation_;
  if (!parsed || errors_.failed()) return nullptr;
  if (!before) node->span.end = last_end_;

  const auto fail = [&](const std::string& message) {
    errors_.add(node->span, message);
    return nullptr;
  };
  if (args.empty()) return fail("no arguments for aggregate expression provided");
  if (op.kind == Tok::kLimitk || op.kind == Tok::kLimitRatio) {
    return fail(std::string(spelling(op.kind)) +
                "() is experimental and must be enabled with "
                "--enable-feature=promql-experimental-functions");
  }
  const size_t wanted = has_parameter(op.kind) ? 2 : 1;
  if (args.size() != wanted) {
    return fail("wrong number of arguments for aggregate expression provided, expected " +
                std::to_string(wanted) + ", got " + std::to_string(args.size()));
  }
  for (const NodePtr& arg : args) {
    if (too_deep(*node, arg->depth)) return nullptr;
  }
  if (wanted == 2) node->parameter = std::move(args[0]);
  node->expr = std::move(args.back());
  return node;
}

/// bool, on or ignoring, group_left or group_right.
bool Parser::matching(Binary& node) {
  node.matching.emplace();
  if (at(Tok::kBool)) {
    take();
    node.return_bool = true;
  }
  if (!at(Tok::kOn) && !at(Tok::kIgnoring)) return !errors_.failed();
  node.matching->on = take().kind == Tok::kOn;
  if (!grouping(node.matching->labels)) return false;
  if (!at(Tok::kGroupLeft) && !at(Tok::kGroupRight)) return !errors_.failed();
  node.matching->cardinality =
      take().kind == Tok::kGroupLeft ? Cardinality::kManyToOne : Cardinality::kOneToMany;
  if (!at(Tok::kLeftParen) && at_expression()) return true;
  return grouping(node.matching->include);
}

/// fill (1), fill_left (1), fill_right (1): read, so that they can be refused by name.
bool Parser::fill_modifiers(bool& seen) {
  while (at(Tok::kFill) || at(Tok::kFillLeft) || at(Tok::kFillRight)) {
    take();
    seen = true;
    if (!expect(Tok::kLeftParen)) return false;
    if (double ignored = 0; !at_time(ignored)) {
      unexpected("fill modifier", "number");
      return false;
    }
    if (!expect(Tok::kRightParen)) return false;
  }
  return !errors_.failed();
}

bool Parser::grouping(std::vector<std::string>& labels) {
  if (!at(Tok::kLeftParen)) {
    unexpected("grouping opts", "\"(\"");
    return false;
  }
  take();
  while (!at(Tok::kRightParen)) {
    if (!grouping_label(labels)) return false;
    if (at(Tok::kComma)) {
      take();
    } else if (!at(Tok::kRightParen)) {
      unexpected("grouping opts", "\",\" or \")\"");
      return false;
    }
  }
  take();
  return !errors_.failed();
}

bool Parser::grouping_label(std::vector<std::string>& labels) {
  const bool quoted = at(Tok::kString);
  if (!quoted && !is_label_word(peek().kind)) {
    unexpected("grouping opts", "label");
    return false;
  }
  const Token token = take();
  const auto name = quoted ? unquote(token.text) : std::string(token.text);
  if (!name || name->empty() || !base::is_utf8(*name)) {
    errors_.add(token.span(), "invalid label name for grouping: " +
                                  quote(name.value_or(std::string(token.text))));
    return false;
  }
  labels.push_back(*name);
  return true;
}

namespace {

constexpr size_t kQueryBytesMax = 1u << 20;

Status check_length(std::string_view text) {
  if (text.size() <= kQueryBytesMax) return {};
  return {Code::kInvalidArgument, "1:1: parse error: the query is longer than a mebibyte"};
}

}  // namespace

Result<NodePtr> parse_expression(std::string_view query) {
  RETURN_IF_ERROR(check_length(query));
  Parser parser(query);
  NodePtr node = parser.expression();
  if (node) check(*node, query, parser.errors());
  if (parser.errors().failed()) return parser.errors().error();
  return node;
}

Result<std::vector<store::Matcher>> parse_selector(std::string_view text) {
  RETURN_IF_ERROR(check_length(text));
  Parser parser(text);
  auto node = parser.selector();
  if (parser.errors().failed()) return parser.errors().error();
  return std::move(node->matchers);
}

}  // namespace vedette::promql
