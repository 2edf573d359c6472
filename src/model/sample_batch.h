// Samples of series, exemplars and metric metadata in columns.
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/ids.h"
#include "model/labels.h"

namespace vedette::model {

/// The NaN that ends a series (Prometheus, model/value/value.go); kept bit for bit everywhere.
inline constexpr uint64_t kStaleBits = 0x7ff0000000000002;
inline double stale_marker() {
  return std::bit_cast<double>(kStaleBits);
}
inline bool is_stale(double v) {
  return std::bit_cast<uint64_t>(v) == kStaleBits;
}

enum class MetricType : uint8_t {
  kUnknown,
  kCounter,
  kGauge,
  kHistogram,
  kSummary,
  kInfo,
  kStateset
};
std::string_view metric_type_name(MetricType type);  // "counter"

struct MetricMetadata {
  std::string family;  // the metric's name as exposed
  MetricType type = MetricType::kUnknown;
  std::string help;
  std::string unit;
  bool operator==(const MetricMetadata&) const = default;
};

/// Samples by the label set they belong to. Label sets are numbered in this batch only.
/// Built by one thread, then const and shared.
struct SampleBatch {
  struct LabelSet {
    uint64_t hash;  // base::hash_string of the bytes
    uint32_t offset;
    uint32_t length;
  };
  std::string label_bytes;  // canonical forms (model/labels.h), one after the other
  std::vector<LabelSet> label_sets;

  std::vector<uint32_t> label_set;  // per sample
  std::vector<int64_t> time_ms;
  std::vector<double> value;

  std::vector<uint32_t> exemplar_label_set;
  std::vector<int64_t> exemplar_time_ms;
  std::vector<double> exemplar_value;
  std::vector<TraceId> exemplar_trace_id;  // from the labels trace_id and span_id, or OTLP's fields
  std::vector<SpanId> exemplar_span_id;
  std::vector<std::string> exemplar_labels;  // all of them, canonical

  std::vector<MetricMetadata> metadata;

  size_t size() const { return time_ms.size(); }
  bool empty() const { return time_ms.empty() && exemplar_time_ms.empty() && metadata.empty(); }
  std::string_view labels(uint32_t set) const {
    return std::string_view(label_bytes).substr(label_sets[set].offset, label_sets[set].length);
  }
  /// Adds a label set in canonical form; gives its number.
  uint32_t add_label_set(std::string_view canonical);
  void add(uint32_t set, int64_t time, double v) {
    label_set.push_back(set);
    time_ms.push_back(time);
    value.push_back(v);
  }
  void add_exemplar(uint32_t set, int64_t time, double v, TraceId trace, SpanId span,
                    std::string labels);
  size_t bytes() const;
};

}  // namespace vedette::model
