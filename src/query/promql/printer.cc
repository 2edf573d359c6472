#include "query/promql/printer.h"

#include <algorithm>
#include <cmath>

#include "query/promql/text.h"

namespace vedette::promql {
namespace {

std::string join_labels(const std::vector<std::string>& labels) {
  std::string out;
  for (const std::string& label : labels) {
    if (!out.empty()) out += ", ";
    out += model::is_legacy_label_name(label) ? label : quote(label);
  }
  return out;
}

std::string at_text(const TimeModifier& time) {
  switch (time.at) {
    case TimeModifier::At::kNone:
      return "";
    case TimeModifier::At::kStart:
      return " @ start()";
    case TimeModifier::At::kEnd:
      return " @ end()";
    case TimeModifier::At::kTime:
      break;
  }
  char text[64];
  std::snprintf(text, sizeof text, " @ %.3f", static_cast<double>(time.at_ms) / 1000);
  return text;
}

std::string offset_text(const TimeModifier& time) {
  if (time.offset_ms == 0) return "";
  return time.offset_ms > 0 ? " offset " + format_duration(time.offset_ms)
                            : " offset -" + format_duration(-time.offset_ms);
}

std::string selector_text(const VectorSelector& node) {
  std::vector<std::string> matchers;
  for (const store::Matcher& m : node.matchers) {
    const bool is_name =
        m.name == model::kMetricName && m.op == store::MatchOp::kEqual && m.value == node.name;
    if (!is_name || node.name.empty()) matchers.push_back(print(m));
  }
  std::sort(matchers.begin(), matchers.end());
  std::string out = node.name;
  for (size_t i = 0; i < matchers.size(); ++i) out += (i == 0 ? "{" : ",") + matchers[i];
  return matchers.empty() ? out : out + "}";
}

std::string number_text(const NumberLiteral& node) {
  if (!node.is_duration) return format_plain(node.value);
  const auto ms = static_cast<int64_t>(std::abs(node.value) * 1000 + 0.5);
  return (node.value < 0 ? "-" : "") + format_duration(ms);
}

std::string aggregate_head(const Aggregate& node) {
  std::string out(spelling(node.op));
  if (node.without) return out + " without (" + join_labels(node.grouping) + ") ";
  return node.grouping.empty() ? out : out + " by (" + join_labels(node.grouping) + ") ";
}

/// "+Inf ^ x" would be read as +(Inf ^ x).
std::string left_operand(const Binary& node) {
  std::string out = print(*node.lhs);
  const bool power = node.op == Tok::kPow && node.lhs->kind == Node::Kind::kNumber;
  return power && out.front() == '+' ? out.substr(1) : out;
}

/// The operator of a binary expression with all that follows it.
std::string operator_text(const Binary& node) {
  std::string out(spelling(node.op));
  if (node.return_bool) out += " bool";
  if (!node.matching) return out;
  const VectorMatching& m = *node.matching;
  const bool grouped =
      m.cardinality == Cardinality::kManyToOne || m.cardinality == Cardinality::kOneToMany;
  if (!m.labels.empty() || m.on || grouped) {
    out += (m.on ? " on (" : " ignoring (") + join_labels(m.labels) + ")";
  }
  if (grouped) {
    out += m.cardinality == Cardinality::kManyToOne ? " group_left (" : " group_right (";
    out += join_labels(m.include) + ")";
  }
  return out;
}

std::string subquery_suffix(const Subquery& node) {
  return "[" + format_duration(node.range_ms) + ":" +
         (node.step_ms != 0 ? format_duration(node.step_ms) : "") + "]" + at_text(node.time) +
         offset_text(node.time);
}

constexpr size_t kLineMax = 100;
std::string indent(int level) {
  return std::string(static_cast<size_t>(level) * 2, ' ');
}

std::string pretty_at(const Node& node, int level);

std::string pretty_args(const std::vector<NodePtr>& args, int level) {
  std::string out;
  for (const NodePtr& arg : args) {
    if (!out.empty()) out += ",\n";
    out += pretty_at(*arg, level);
  }
  return out;
}

/// A node that is known to be too long for one line.
std::string pretty_split(const Node& node, int level, const std::string& line) {
  const std::string pad = indent(level);
  switch (node.kind) {
    case Node::Kind::kAggregate: {
      const auto& a = as<Aggregate>(node);
      std::string out = pad + aggregate_head(a) + "(\n";
      if (a.parameter) out += pretty_at(*a.parameter, level + 1) + ",\n";
      return out + pretty_at(*a.expr, level + 1) + "\n" + pad + ")";
    }
    case Node::Kind::kBinary: {
      const auto& b = as<Binary>(node);
      return pretty_at(*b.lhs, level + 1) + "\n" + pad + operator_text(b) + "\n" +
             pretty_at(*b.rhs, level + 1);
    }
    case Node::Kind::kCall: {
      const auto& c = as<Call>(node);
      return pad + std::string(c.function->name) + "(\n" + pretty_args(c.args, level + 1) + "\n" +
             pad + ")";
    }
    case Node::Kind::kParen:
      return pad + "(\n" + pretty_at(*as<Paren>(node).expr, level + 1) + "\n" + pad + ")";
    case Node::Kind::kSubquery:
      return pretty_at(*as<Subquery>(node).expr, level) + subquery_suffix(as<Subquery>(node));
    default:
      return pad + line;
  }
}

std::string pretty_at(const Node& node, int level) {
  if (node.kind == Node::Kind::kUnary) {
    const auto& unary = as<Unary>(node);
    std::string child = pretty_at(*unary.expr, level);
    child.erase(0, child.find_first_not_of(' '));
    return indent(level) + std::string(spelling(unary.op)) + child;
  }
  const std::string line = print(node);
  if (line.size() > kLineMax) return pretty_split(node, level, line);
  return node.kind == Node::Kind::kSubquery ? line : indent(level) + line;
}

}  // namespace

std::string print(const store::Matcher& matcher) {
  static constexpr const char* kOps[] = {"=", "!=", "=~", "!~"};
  const std::string name =
      model::is_legacy_label_name(matcher.name) ? matcher.name : quote(matcher.name);
  return name + kOps[static_cast<int>(matcher.op)] + quote(matcher.value);
}

std::string print(const Node& node) {
  switch (node.kind) {
    case Node::Kind::kNumber:
      return number_text(as<NumberLiteral>(node));
    case Node::Kind::kString:
      return quote(as<StringLiteral>(node).value);
    case Node::Kind::kVectorSelector: {
      const auto& selector = as<VectorSelector>(node);
      return selector_text(selector) + at_text(selector.time) + offset_text(selector.time);
    }
    case Node::Kind::kMatrixSelector: {
      const auto& matrix = as<MatrixSelector>(node);
      const auto& selector = as<VectorSelector>(*matrix.selector);
      return selector_text(selector) + "[" + format_duration(matrix.range_ms) + "]" +
             at_text(selector.time) + offset_text(selector.time);
    }
    case Node::Kind::kSubquery:
      return print(*as<Subquery>(node).expr) + subquery_suffix(as<Subquery>(node));
    case Node::Kind::kParen:
      return "(" + print(*as<Paren>(node).expr) + ")";
    case Node::Kind::kUnary:
      return std::string(spelling(as<Unary>(node).op)) + print(*as<Unary>(node).expr);
    case Node::Kind::kBinary: {
      const auto& binary = as<Binary>(node);
      return left_operand(binary) + " " + operator_text(binary) + " " + print(*binary.rhs);
    }
    case Node::Kind::kCall: {
      std::string args;
      for (const NodePtr& arg : as<Call>(node).args)
        args += (args.empty() ? "" : ", ") + print(*arg);
      return std::string(as<Call>(node).function->name) + "(" + args + ")";
    }
    case Node::Kind::kAggregate: {
      const auto& aggregate = as<Aggregate>(node);
      return aggregate_head(aggregate) + "(" +
             (aggregate.parameter ? print(*aggregate.parameter) + ", " : "") +
             print(*aggregate.expr) + ")";
    }
  }
  return {};
}

std::string pretty(const Node& node) {
  return pretty_at(node, 0);
}

}  // namespace vedette::promql
