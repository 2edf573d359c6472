// Reading request parameters: times, durations, limits and conditions, as docs/api.md has them.
// Errors are kInvalidArgument and name the parameter.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/http.h"
#include "store/predicate.h"

namespace vedette::api {

Error invalid_parameter(std::string_view name, std::string_view text, std::string_view wanted);

/// Seconds (with a fraction), nanoseconds (16 digits and more) or RFC 3339.
Result<int64_t> parse_time_ns(std::string_view name, std::string_view text);
/// `start` and `end`; without `end` now, without `start` an hour before `end`.
Result<store::TimeRange> time_range(const net::Parameters& parameters, int64_t now_ns);
/// The duration `name`; nothing where it is missing.
Result<std::optional<int64_t>> duration_ns(const net::Parameters& parameters,
                                           std::string_view name);
/// A whole number from 1 to `max`; larger ones are an error.
Result<size_t> count(const net::Parameters& parameters, std::string_view name, size_t fallback,
                     size_t max);
/// The value of `name`, empty where it is missing.
std::string_view text(const net::Parameters& parameters, std::string_view name);

/// "http.route=/orders", "size>=5", "user=~^u", "key", "!key".
Result<store::Predicate> parse_condition(std::string_view text);

/// Simple predicates.
store::Predicate equals(store::Field field, std::string_view text);
store::Predicate compares(store::Field field, store::Op op, double number);
store::Predicate of_traces(std::vector<model::TraceId> ids);

/// The conditions of /vedette/v1/traces and /vedette/v1/traces/histogram.
Result<std::vector<store::Predicate>> span_conditions(const net::Parameters& parameters);
/// The conditions of /vedette/v1/logs and /vedette/v1/logs/histogram.
Result<std::vector<store::Predicate>> log_conditions(const net::Parameters& parameters);

}  // namespace vedette::api
