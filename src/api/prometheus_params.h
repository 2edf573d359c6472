// Parameters and pieces of answers that Prometheus's endpoints share.
#pragma once

#include <optional>

#include "api/prometheus_api.h"
#include "base/json_writer.h"
#include "model/labels.h"

namespace vedette::api {

/// invalid parameter "name": why
Error bad_parameter(std::string_view name, const std::string& why);

/// Milliseconds of float seconds or RFC 3339.
Result<int64_t> prometheus_time(std::string_view text);
/// The time `name`; `fallback` where it is missing.
Result<int64_t> time_parameter(const net::Parameters& parameters, std::string_view name,
                               int64_t fallback_ms);
/// Nanoseconds of float seconds or of "1m30s".
Result<int64_t> prometheus_duration(std::string_view text);
/// 0: no limit.
Result<size_t> limit_parameter(const net::Parameters& parameters);

/// start and end, by default all time.
Result<store::TimeRange> range_parameters(const net::Parameters& parameters);

inline constexpr const char* kTruncated = "results truncated due to limit";

void write_labels(base::JsonWriter& json, const model::Labels& labels);

}  // namespace vedette::api
