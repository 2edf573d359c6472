// OpenTelemetry's names as Prometheus's (OpenTelemetry specification, "Prometheus and OpenMetrics
// Compatibility"), spelled as Prometheus's own OTLP receiver spells them.
#pragma once

#include <string>
#include <string_view>

namespace vedette::wire {

enum class NameSuffix : uint8_t {
  kNone,
  kTotal,  // monotonic sums
  kRatio,  // gauges of unit 1
};

/// "http.server.request.duration" of unit "s" is http_server_request_duration_seconds. Empty if
/// nothing of the name can be kept.
std::string prometheus_metric_name(std::string_view name, std::string_view unit, NameSuffix suffix);
/// The same with its characters as they are: http.server.request.duration_seconds.
std::string prometheus_utf8_name(std::string_view name, std::string_view unit, NameSuffix suffix);
/// "http.route" is http_route.
std::string prometheus_label_name(std::string_view key);
/// "By/s" is bytes_per_second; empty for annotations and 1.
std::string prometheus_unit(std::string_view unit);

/// As the labels `le` and `quantile` have numbers in Prometheus 3: 1.0, 0.25, 1e+06, +Inf.
std::string format_label_number(double number);

}  // namespace vedette::wire
