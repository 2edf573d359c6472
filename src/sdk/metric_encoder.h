// Points as an OTLP Metric message (opentelemetry/proto/metrics/v1/metrics.proto).
#pragma once

#include <span>

#include "sdk/metric_point.h"
#include "sdk/proto_buffer.h"

namespace vedette::sdk {

/// What all points of a metric have in common.
struct MetricHead {
  std::string_view name{};
  std::string_view description{};
  std::string_view unit{};
  Aggregation aggregation = Aggregation::kSum;
  bool monotonic = false;
  int temporality = 2;  // OTLP's AggregationTemporality: 1 delta, 2 cumulative
  bool min_max = true;
  std::span<const double> bounds{};  // of a histogram
};

/// Appends the fields of a Metric.
void encode_metric(ProtoBuffer& out, const MetricHead& head, std::span<const Point> points);

}  // namespace vedette::sdk
