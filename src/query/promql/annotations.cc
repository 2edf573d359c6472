#include "query/promql/annotations.h"

#include <algorithm>

#include "query/promql/text.h"

namespace vedette::promql {

Annotations::Entry& Annotations::add(bool warning, const std::string& text, Span at) {
  return entries_.try_emplace(text, Entry{warning, at, {}}).first->second;
}

void Annotations::invalid_quantile(double q, Span at) {
  warn("quantile value should be between 0 and 1, got " + format_general(q), at);
}

void Annotations::possible_non_counter(std::string_view metric, Span at) {
  info("metric might not be a counter, name does not end in _total/_sum/_count/_bucket: " +
           quote(metric),
       at);
}

void Annotations::bad_bucket_label(std::string_view metric, std::string_view label, Span at) {
  std::string text = "bucket label \"le\" is missing or has a malformed value of " + quote(label);
  if (!metric.empty()) text += " for metric name " + quote(metric);
  warn(text, at);
}

void Annotations::forced_monotonicity(Span at, int64_t time_ms, double bucket_min,
                                      double bucket_max, double difference) {
  Monotonicity& m = monotonicity_;
  if (m.samples++ == 0) m = {1, time_ms, time_ms, bucket_min, bucket_max, difference};
  m.time_min = std::min(m.time_min, time_ms);
  m.time_max = std::max(m.time_max, time_ms);
  m.bucket_min = std::min(m.bucket_min, bucket_min);
  m.bucket_max = std::max(m.bucket_max, bucket_max);
  m.difference = std::max(m.difference, difference);
  Entry& entry =
      add(false,
          "input to histogram_quantile needed to be fixed for monotonicity (see "
          "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)",
          at);
  entry.detail = ", from buckets " + format_general(m.bucket_min) + " to " +
                 format_general(m.bucket_max) + ", with a max diff of " +
                 format_general(m.difference, 2) + ", over " + std::to_string(m.samples) +
                 " samples from " + format_rfc3339(m.time_min / 1000) + " to " +
                 format_rfc3339(m.time_max / 1000);
}

std::vector<std::string> Annotations::texts(bool warning, std::string_view query) const {
  std::vector<std::string> out;
  for (const auto& [text, entry] : entries_) {
    if (entry.warning != warning) continue;
    out.push_back((warning ? "PromQL warning: " : "PromQL info: ") + text + entry.detail + " (" +
                  format_position(query, entry.at.start) + ")");
  }
  return out;
}

}  // namespace vedette::promql
