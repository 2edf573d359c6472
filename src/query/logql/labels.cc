#include "query/logql/labels.h"

#include <re2/re2.h>

#include "model/log_batch.h"

namespace vedette::logql {
namespace {

using store::Field;
using store::Op;
using store::Predicate;

std::string anchored(const std::string& pattern) {
  return "^(?s:" + pattern + ")$";
}

Op op_of(LabelOp op) {
  switch (op) {
    case LabelOp::kEqual:
      return Op::kEqual;
    case LabelOp::kNotEqual:
      return Op::kNotEqual;
    case LabelOp::kRegex:
      return Op::kRegex;
    case LabelOp::kNotRegex:
      return Op::kNotRegex;
    case LabelOp::kLess:
      return Op::kLess;
    case LabelOp::kLessOrEqual:
      return Op::kLessOrEqual;
    case LabelOp::kGreater:
      return Op::kGreater;
    case LabelOp::kGreaterOrEqual:
      return Op::kGreaterOrEqual;
  }
  return Op::kEqual;
}

LabelFilter as_filter(const store::Matcher& matcher) {
  constexpr LabelOp kOps[] = {LabelOp::kEqual, LabelOp::kNotEqual, LabelOp::kRegex,
                              LabelOp::kNotRegex};
  return {matcher.name, kOps[static_cast<size_t>(matcher.op)], matcher.value, std::nullopt};
}

Predicate text_condition(Field field, std::string key, const LabelFilter& filter) {
  Predicate p;
  p.field = field;
  p.key = std::move(key);
  p.op = op_of(filter.op);
  p.text = p.op == Op::kRegex || p.op == Op::kNotRegex ? anchored(filter.text) : filter.text;
  p.number = filter.number;
  return p;
}

/// The severity numbers whose name satisfies the filter, as one condition.
Status add_severity(const LabelFilter& filter, std::vector<Predicate>& where) {
  if (filter.number || filter.op >= LabelOp::kLess) {
    return {Code::kInvalidArgument, filter.name + " is compared with a name such as \"error\""};
  }
  const bool regex = filter.op == LabelOp::kRegex || filter.op == LabelOp::kNotRegex;
  const bool negated = filter.op == LabelOp::kNotEqual || filter.op == LabelOp::kNotRegex;
  const re2::RE2 pattern("(?i)" + anchored(regex ? filter.text : re2::RE2::QuoteMeta(filter.text)),
                         re2::RE2::Quiet);
  if (!pattern.ok()) return {Code::kInvalidArgument, "bad regular expression: " + pattern.error()};
  std::string numbers;
  int matching = 0;
  for (int n = 0; n <= 24; ++n) {
    const std::string_view name = model::severity_name(static_cast<uint8_t>(n));
    if (re2::RE2::FullMatch({name.data(), name.size()}, pattern) == negated) continue;
    numbers += (matching++ ? "|" : "") + std::to_string(n);
  }
  if (matching == 25) return {};
  Predicate p;
  p.field = Field::kSeverity;
  p.op = Op::kRegex;
  p.text =
      matching ? "^(?:" + numbers + ")$" : "[^\\x00-\\x{10FFFF}]";  // the latter matches nothing
  where.push_back(std::move(p));
  return {};
}

Status add_id(const LabelFilter& filter, std::vector<Predicate>& where) {
  Predicate p;
  p.field = filter.name == kTraceLabel ? Field::kTraceId : Field::kSpanId;
  if (filter.op != LabelOp::kEqual || filter.number) {
    return {Code::kInvalidArgument, filter.name + " can only be compared with ="};
  }
  if (p.field == Field::kTraceId) {
    const auto id = model::TraceId::from_hex(filter.text);
    if (!id || !id->valid())
      return {Code::kInvalidArgument,
              "trace_id=\"" + filter.text.substr(0, 64) + "\" is no trace id"};
    p.trace_ids.push_back(*id);
  } else {
    const auto id = model::span_id_from_hex(filter.text);
    if (!id || *id == 0)
      return {Code::kInvalidArgument,
              "span_id=\"" + filter.text.substr(0, 64) + "\" is no span id"};
    p.number_u64 = *id;
  }
  where.push_back(std::move(p));
  return {};
}

Status add_attribute(const LabelFilter& filter, const KeysOfLabel& keys_of_label,
                     std::vector<Predicate>& where) {
  const std::vector<std::string> keys = keys_of_label(filter.name);
  // A positive condition needs one key; where two keys look alike as labels the label's own
  // spelling wins.
  std::string key = filter.name;
  if (!keys.empty() && std::find(keys.begin(), keys.end(), key) == keys.end()) key = keys.front();
  where.push_back(text_condition(Field::kAttribute, key, filter));
  return {};
}

Status add_label(const LabelFilter& filter, const KeysOfLabel& keys_of_label,
                 std::vector<Predicate>& where) {
  if (filter.name == kSeverityLabel || filter.name == kLevelLabel ||
      filter.name == "detected_level")
    return add_severity(filter, where);
  if (filter.name == kTraceLabel || filter.name == kSpanLabel) return add_id(filter, where);
  if (filter.name == kServiceLabel) {
    where.push_back(text_condition(Field::kService, "", filter));
    return {};
  }
  return add_attribute(filter, keys_of_label, where);
}

Predicate line_condition(const LineFilter& filter) {
  constexpr Op kOps[] = {Op::kContains, Op::kNotContains, Op::kRegex, Op::kNotRegex};
  Predicate p;
  p.field = Field::kBody;
  p.op = kOps[static_cast<size_t>(filter.op)];
  p.text = filter.text;
  return p;
}

}  // namespace

std::string label_name(std::string_view attribute_key) {
  std::string name(attribute_key);
  for (char& c : name) {
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '_') c = '_';
  }
  if (name.empty() || std::isdigit(static_cast<unsigned char>(name[0]))) name.insert(0, "_");
  return name;
}

Result<std::vector<Predicate>> conditions(const LogQuery& query, const KeysOfLabel& keys_of_label) {
  std::vector<Predicate> where;
  for (const store::Matcher& matcher : query.stream)
    RETURN_IF_ERROR(add_label(as_filter(matcher), keys_of_label, where));
  for (const LabelFilter& filter : query.labels)
    RETURN_IF_ERROR(add_label(filter, keys_of_label, where));
  for (const LineFilter& filter : query.lines) where.push_back(line_condition(filter));
  return where;
}

}  // namespace vedette::logql
