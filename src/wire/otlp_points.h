// OTLP's data points as samples of Prometheus series.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/sample_batch.h"
#include "wire/decoded.h"
#include "wire/label_builder.h"
#include "wire/otlp_envelope.h"

namespace vedette::wire {

struct MetricHeader {
  std::string_view name, description, unit;
  model::MetricType type = model::MetricType::kUnknown;
};

/// Single-threaded; calls nest as the request does. A point goes in whole or not at all.
class PointSink {
 public:
  PointSink(Decoded<model::SampleBatch>& out, const DecodeOptions& options)
      : batch_(out.batch), report_(out.report), options_(options) {}

  /// A Resource message: labels job and instance, and the series target_info.
  AnyValueFault begin_resource(std::string_view resource);
  void end_resource();
  /// An InstrumentationScope message: labels otel_scope_….
  AnyValueFault begin_scope(std::string_view scope, std::string_view schema_url);
  /// False if the metric can have no name in Prometheus.
  bool begin_metric(const MetricHeader& header);

  AnyValueFault number(std::string_view point);     // NumberDataPoint
  AnyValueFault histogram(std::string_view point);  // HistogramDataPoint
  AnyValueFault summary(std::string_view point);    // SummaryDataPoint

 private:
  struct Exemplar {
    int64_t time_ms = 0;
    double value = 0;
    model::TraceId trace_id;
    model::SpanId span_id = 0;
    std::string labels;
  };
  struct KeyText {
    std::string key;
    std::string value;
  };
  // The sizes of the batch before a point, to take it back.
  struct Before {
    size_t label_bytes, label_sets, samples, exemplars;
  };

  AnyValueFault attribute(std::string_view key_value, std::vector<KeyText>& out);
  void add_attributes(std::vector<KeyText>& attributes, std::string_view prefix);
  AnyValueFault exemplar(std::string_view bytes);
  std::string label_value(std::string_view text);
  int64_t time_ms(uint64_t nanos);
  void begin_point();
  void end_point();
  /// One sample of the current point; gives the series' label set.
  uint32_t sample(std::string_view name, double value);
  uint32_t sample_with(std::string_view name, std::string_view label, double number, double value);
  void attach(uint32_t label_set, const Exemplar& exemplar);
  void reject(std::string_view why);

  model::SampleBatch& batch_;
  DecodeReport& report_;
  const DecodeOptions& options_;

  LabelBuilder labels_;
  LabelBuilder exemplar_labels_;
  LabelBuilder::Mark resource_mark_, scope_mark_;
  std::string target_info_;  // canonical; empty where there is nothing to tell
  int64_t last_time_ms_ = 0;
  std::string name_, bucket_, sum_, count_;

  // The point being read.
  std::vector<KeyText> attributes_;
  std::vector<Exemplar> exemplars_;
  std::vector<uint64_t> counts_;
  std::vector<double> bounds_;
  int64_t time_ms_ = 0;
  bool full_ = false;  // a limit was met
  Before before_{};
};

}  // namespace vedette::wire
