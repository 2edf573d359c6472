#include "api/prometheus_params.h"

#include <charconv>
#include <cmath>

#include "base/time_text.h"
#include "query/promql/text.h"

namespace vedette::api {
namespace {

constexpr int64_t kMsMax = std::numeric_limits<int64_t>::max() / base::kNsPerMs;
// What Go clients send for "the beginning" and "the end".
constexpr std::string_view kFirstTime = "-292273086-05-16T16:47:06Z";
constexpr std::string_view kLastTime = "292277025-08-18T07:12:54.999999999Z";

}  // namespace

Error bad_parameter(std::string_view name, const std::string& why) {
  return {Code::kInvalidArgument, "invalid parameter \"" + std::string(name) + "\": " + why};
}

Result<int64_t> prometheus_time(std::string_view text) {
  if (const auto seconds = promql::parse_float(text); seconds && std::abs(*seconds) < 9.2e15) {
    double whole = 0;
    const double fraction = std::modf(*seconds, &whole);
    return static_cast<int64_t>(whole) * 1000 + std::llround(fraction * 1000);
  }
  if (const auto ns = base::parse_rfc3339_ns(text)) return *ns / base::kNsPerMs;
  if (text == kFirstTime) return -kMsMax;
  if (text == kLastTime) return kMsMax;
  return Error{Code::kInvalidArgument,
               "cannot parse " + promql::quote(text) + " to a valid timestamp"};
}

Result<int64_t> time_parameter(const net::Parameters& parameters, std::string_view name,
                               int64_t fallback_ms) {
  const std::string_view text = parameters.get(name).value_or("");
  if (text.empty()) return fallback_ms;
  const auto time = prometheus_time(text);
  if (time.ok()) return *time;
  return bad_parameter(
      name, "invalid time value for '" + std::string(name) + "': " + time.error().message);
}

Result<int64_t> prometheus_duration(std::string_view text) {
  if (const auto seconds = promql::parse_float(text)) {
    const double ns = *seconds * 1e9;
    if (!(std::abs(ns) < 9223372036854775807.0)) {
      return Error{Code::kInvalidArgument, "cannot parse " + promql::quote(text) +
                                               " to a valid duration. It overflows int64"};
    }
    return static_cast<int64_t>(ns);
  }
  const auto ms = promql::parse_duration(text);
  if (ms.ok()) return *ms * base::kNsPerMs;
  return Error{Code::kInvalidArgument,
               "cannot parse " + promql::quote(text) + " to a valid duration"};
}

Result<size_t> limit_parameter(const net::Parameters& parameters) {
  const std::string_view text = parameters.get("limit").value_or("");
  if (text.empty()) return size_t{0};
  int64_t limit = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), limit);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) {
    return bad_parameter("limit",
                         "strconv.Atoi: parsing " + promql::quote(text) + ": invalid syntax");
  }
  if (limit < 0) return bad_parameter("limit", "limit must be non-negative");
  return static_cast<size_t>(limit);
}

Result<store::TimeRange> range_parameters(const net::Parameters& parameters) {
  ASSIGN_OR_RETURN(const int64_t start, time_parameter(parameters, "start", -kMsMax));
  ASSIGN_OR_RETURN(const int64_t end, time_parameter(parameters, "end", kMsMax));
  const int64_t first = std::clamp(start, -kMsMax, kMsMax),
                last = std::clamp(end, -kMsMax, kMsMax - 1);
  return store::TimeRange{first * base::kNsPerMs, (last + 1) * base::kNsPerMs};
}

void write_labels(base::JsonWriter& json, const model::Labels& labels) {
  json.begin_object();
  for (const model::Label& label : labels.items()) json.field(label.name, label.value);
  json.end_object();
}

}  // namespace vedette::api
