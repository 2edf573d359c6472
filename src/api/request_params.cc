#include "api/request_params.h"

#include "base/time_text.h"

namespace vedette::api {
namespace {

using store::Field;
using store::Op;
using store::Predicate;

constexpr int64_t kHourNs = 3600 * base::kNsPerSecond;

/// The operator at the front of `text`, longest first, and its length.
struct Operator {
  std::string_view text;
  Op op;
  bool number;
};
constexpr Operator kOperators[] = {
    {"=~", Op::kRegex, false},         {"!~", Op::kNotRegex, false},   {"!=", Op::kNotEqual, false},
    {">=", Op::kGreaterOrEqual, true}, {"<=", Op::kLessOrEqual, true}, {"=", Op::kEqual, false},
    {">", Op::kGreater, true},         {"<", Op::kLess, true}};

std::optional<double> parse_number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
    return std::nullopt;
  return value;
}

/// One term of `q`, taken off its front: a word, a "phrase", either behind a minus.
struct Term {
  std::string text;
  bool phrase = false;
  bool negated = false;
};
Result<std::optional<Term>> take_term(std::string_view& q) {
  while (!q.empty() && q[0] == ' ') q.remove_prefix(1);
  if (q.empty()) return std::optional<Term>();
  Term term;
  if (q.size() > 1 && q[0] == '-' && q[1] != ' ') {
    term.negated = true;
    q.remove_prefix(1);
  }
  if (q[0] == '"') {
    const size_t close = q.find('"', 1);
    if (close == std::string_view::npos)
      return invalid_parameter("q", q, "its quotation mark has no end");
    term.text = std::string(q.substr(1, close - 1));
    term.phrase = true;
    q.remove_prefix(close + 1);
  } else {
    const size_t end = std::min(q.find(' '), q.size());
    term.text = std::string(q.substr(0, end));
    q.remove_prefix(end);
  }
  return std::optional(std::move(term));
}

bool is_one_word(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return std::isalnum(c) || c == '_' || c >= 0x80; });
}

Status add_words(std::string_view q, std::vector<Predicate>& where) {
  for (;;) {
    ASSIGN_OR_RETURN(const std::optional<Term> term, take_term(q));
    if (!term) return {};
    if (term->text.empty()) continue;
    Predicate p;
    p.field = Field::kBody;
    p.text = term->text;
    // Something like "user-17" is no single word to the index: it is looked for as it stands.
    p.op = term->negated                          ? Op::kNotContains
           : term->phrase || !is_one_word(p.text) ? Op::kContains
                                                  : Op::kWord;
    where.push_back(std::move(p));
  }
}

Status add_conditions(const net::Parameters& parameters, std::vector<Predicate>& where) {
  for (std::string_view attr : parameters.all("attr")) {
    ASSIGN_OR_RETURN(Predicate p, parse_condition(attr));
    where.push_back(std::move(p));
  }
  return {};
}

Status add_choice(const net::Parameters& parameters, std::string_view name, Field field,
                  std::initializer_list<std::string_view> allowed, std::vector<Predicate>& where) {
  const std::string_view value = text(parameters, name);
  if (value.empty()) return {};
  if (std::find(allowed.begin(), allowed.end(), value) == allowed.end()) {
    std::string wanted = "it is one of";
    for (std::string_view a : allowed) wanted += " " + std::string(a);
    return invalid_parameter(name, value, wanted);
  }
  where.push_back(equals(field, value));
  return {};
}

Status add_severity(std::string_view value, std::vector<Predicate>& where) {
  if (value.empty()) return {};
  constexpr std::string_view kNames[] = {"trace", "debug", "info", "warn", "error", "fatal"};
  std::string lower(value);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  const auto* found = std::find(std::begin(kNames), std::end(kNames), lower);
  if (found == std::end(kNames)) {
    return invalid_parameter("severity", value,
                             "it is one of trace, debug, info, warn, error, fatal");
  }
  where.push_back(compares(Field::kSeverity, Op::kGreaterOrEqual,
                           static_cast<double>(4 * (found - kNames) + 1)));
  return {};
}

Status add_ids(const net::Parameters& parameters, std::vector<Predicate>& where) {
  if (const auto hex = text(parameters, "trace_id"); !hex.empty()) {
    const auto id = model::TraceId::from_hex(hex);
    if (!id || !id->valid())
      return invalid_parameter("trace_id", hex, "a trace id is up to 32 hex digits");
    where.push_back(of_traces({*id}));
  }
  if (const auto hex = text(parameters, "span_id"); !hex.empty()) {
    const auto id = model::span_id_from_hex(hex);
    if (!id || *id == 0) return invalid_parameter("span_id", hex, "a span id is 16 hex digits");
    Predicate p;
    p.field = Field::kSpanId;
    p.number_u64 = *id;
    where.push_back(std::move(p));
  }
  return {};
}

Status add_duration(const net::Parameters& parameters, std::string_view name, Op op,
                    std::vector<Predicate>& where) {
  ASSIGN_OR_RETURN(const std::optional<int64_t> ns, duration_ns(parameters, name));
  if (ns) where.push_back(compares(Field::kDuration, op, static_cast<double>(*ns)));
  return {};
}

}  // namespace

Error invalid_parameter(std::string_view name, std::string_view text, std::string_view wanted) {
  return {Code::kInvalidArgument, std::string(name) + "=\"" + std::string(text.substr(0, 100)) +
                                      "\": " + std::string(wanted)};
}

std::string_view text(const net::Parameters& parameters, std::string_view name) {
  return parameters.get(name).value_or(std::string_view());
}

Result<int64_t> parse_time_ns(std::string_view name, std::string_view text) {
  const bool digits = !text.empty() && std::all_of(text.begin(), text.end(),
                                                   [](char c) { return c >= '0' && c <= '9'; });
  if (digits && text.size() >= 16) {
    int64_t ns = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), ns);
    if (error == std::errc()) return ns;
  } else if (const auto seconds = base::parse_seconds_ns(text)) {
    return *seconds;
  } else if (const auto moment = base::parse_rfc3339_ns(text)) {
    return *moment;
  }
  return invalid_parameter(
      name, text, "a time is seconds or nanoseconds since 1970, or like 2026-01-31T12:00:00Z");
}

Result<store::TimeRange> time_range(const net::Parameters& parameters, int64_t now_ns) {
  store::TimeRange range;
  range.end_ns = now_ns;
  if (const auto end = parameters.get("end")) {
    ASSIGN_OR_RETURN(range.end_ns, parse_time_ns("end", *end));
  }
  range.begin_ns = range.end_ns > kHourNs ? range.end_ns - kHourNs : 0;
  if (const auto start = parameters.get("start")) {
    ASSIGN_OR_RETURN(range.begin_ns, parse_time_ns("start", *start));
  }
  if (range.begin_ns > range.end_ns)
    return Error{Code::kInvalidArgument, "start is later than end"};
  return range;
}

Result<std::optional<int64_t>> duration_ns(const net::Parameters& parameters,
                                           std::string_view name) {
  const std::string_view value = text(parameters, name);
  if (value.empty()) return std::optional<int64_t>();
  const auto ns = base::parse_duration_ns(value);
  if (!ns) return invalid_parameter(name, value, "a duration is like 250us, 100ms, 1.5s or 1h30m");
  return ns;
}

Result<size_t> count(const net::Parameters& parameters, std::string_view name, size_t fallback,
                     size_t max) {
  const std::string_view value = text(parameters, name);
  if (value.empty()) return fallback;
  size_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size() || number < 1 || number > max) {
    return invalid_parameter(name, value, "it is a whole number from 1 to " + std::to_string(max));
  }
  return number;
}

Result<Predicate> parse_condition(std::string_view text) {
  Predicate p;
  const bool absent = text.starts_with('!');
  const size_t at = text.find_first_of("=!<>", absent ? 1 : 0);
  if (at == std::string_view::npos) {
    p.key = std::string(text.substr(absent ? 1 : 0));
    p.op = absent ? Op::kNotExists : Op::kExists;
  } else {
    const std::string_view rest = text.substr(at);
    const auto* found = std::find_if(std::begin(kOperators), std::end(kOperators),
                                     [&](const Operator& o) { return rest.starts_with(o.text); });
    if (found == std::end(kOperators))
      return invalid_parameter("attr", text,
                               "a condition is like key=value, key>=5, key=~regex, key or !key");
    p.key = std::string(text.substr(0, at));
    p.op = found->op;
    p.text = std::string(rest.substr(found->text.size()));
    if (found->number) {
      p.number = parse_number(p.text);
      if (!p.number)
        return invalid_parameter("attr", text,
                                 std::string(found->text) + " compares with a number");
    }
  }
  if (p.key.empty() || p.key.starts_with('!'))
    return invalid_parameter("attr", text, "the condition names no attribute");
  return p;
}

Predicate equals(Field field, std::string_view text) {
  Predicate p;
  p.field = field;
  p.text = std::string(text);
  return p;
}

Predicate compares(Field field, Op op, double number) {
  Predicate p;
  p.field = field;
  p.op = op;
  p.number = number;
  return p;
}

Predicate of_traces(std::vector<model::TraceId> ids) {
  Predicate p;
  p.field = Field::kTraceId;
  p.trace_ids = std::move(ids);
  return p;
}

Result<std::vector<Predicate>> span_conditions(const net::Parameters& parameters) {
  std::vector<Predicate> where;
  if (const auto service = text(parameters, "service"); !service.empty())
    where.push_back(equals(Field::kService, service));
  if (const auto name = text(parameters, "operation"); !name.empty())
    where.push_back(equals(Field::kSpanName, name));
  RETURN_IF_ERROR(
      add_choice(parameters, "kind", Field::kKind,
                 {"server", "client", "internal", "producer", "consumer", "unspecified"}, where));
  RETURN_IF_ERROR(
      add_choice(parameters, "status", Field::kStatus, {"error", "ok", "unset"}, where));
  RETURN_IF_ERROR(add_duration(parameters, "min_duration", Op::kGreaterOrEqual, where));
  RETURN_IF_ERROR(add_duration(parameters, "max_duration", Op::kLessOrEqual, where));
  if (const auto root = text(parameters, "root"); root == "true") {
    Predicate p;
    p.field = Field::kRoot;
    p.op = Op::kExists;
    where.push_back(std::move(p));
  } else if (!root.empty() && root != "false") {
    return invalid_parameter("root", root, "it is true or false");
  }
  RETURN_IF_ERROR(add_conditions(parameters, where));
  return where;
}

Result<std::vector<Predicate>> log_conditions(const net::Parameters& parameters) {
  std::vector<Predicate> where;
  if (const auto service = text(parameters, "service"); !service.empty())
    where.push_back(equals(Field::kService, service));
  RETURN_IF_ERROR(add_severity(text(parameters, "severity"), where));
  RETURN_IF_ERROR(add_ids(parameters, where));
  RETURN_IF_ERROR(add_words(text(parameters, "q"), where));
  RETURN_IF_ERROR(add_conditions(parameters, where));
  return where;
}

}  // namespace vedette::api
