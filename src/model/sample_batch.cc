#include "model/sample_batch.h"

#include "base/string_table.h"

namespace vedette::model {

std::string_view metric_type_name(MetricType type) {
  switch (type) {
    case MetricType::kUnknown:
      return "unknown";
    case MetricType::kCounter:
      return "counter";
    case MetricType::kGauge:
      return "gauge";
    case MetricType::kHistogram:
      return "histogram";
    case MetricType::kSummary:
      return "summary";
    case MetricType::kInfo:
      return "info";
    case MetricType::kStateset:
      return "stateset";
  }
  return "unknown";
}

uint32_t SampleBatch::add_label_set(std::string_view canonical) {
  label_sets.push_back({base::hash_string(canonical), static_cast<uint32_t>(label_bytes.size()),
                        static_cast<uint32_t>(canonical.size())});
  label_bytes.append(canonical);
  return static_cast<uint32_t>(label_sets.size() - 1);
}

void SampleBatch::add_exemplar(uint32_t set, int64_t time, double v, TraceId trace, SpanId span,
                               std::string labels) {
  exemplar_label_set.push_back(set);
  exemplar_time_ms.push_back(time);
  exemplar_value.push_back(v);
  exemplar_trace_id.push_back(trace);
  exemplar_span_id.push_back(span);
  exemplar_labels.push_back(std::move(labels));
}

size_t SampleBatch::bytes() const {
  size_t total = label_bytes.capacity() + label_sets.capacity() * sizeof(LabelSet) +
                 label_set.capacity() * 4 + time_ms.capacity() * 8 + value.capacity() * 8;
  for (const std::string& labels : exemplar_labels) total += 64 + labels.capacity();
  for (const MetricMetadata& m : metadata)
    total += sizeof m + m.family.capacity() + m.help.capacity();
  return total;
}

}  // namespace vedette::model
