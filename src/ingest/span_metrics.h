// Rate, errors and duration of everything that spans tell of, counted before anything can drop a
// span:
//
//   traces_span_metrics_calls_total                    spans
//   traces_span_metrics_duration_seconds_{bucket,…}    their durations
//
// by service_name, span_name, span_kind, status_code and, where spans have them,
// http_request_method, http_route, http_response_status_code, db_system_name, db_operation_name,
// server_address, error_type. A span that stands for several, by the probability in its tracestate
// (`ot=th:…`), counts as many.
//
// Thread-safe. A batch is first summed up without a lock, on the dictionary codes of its columns;
// the sums are added once the store has the batch, so that a retried request is counted once.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "model/sample_batch.h"
#include "model/span_batch.h"

namespace vedette::ingest {

/// Upper bounds of the duration buckets, in seconds; one more bucket has no bound.
inline constexpr std::array<double, 11> kDurationBounds = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                                           0.5,   1,    2.5,   5,    10};

class SpanMetrics {
 public:
  struct Options {
    size_t combinations_max = 10'000;   // of label values; the rest is counted together
    int64_t idle_ns = 900'000'000'000;  // a combination not seen for so long ends
  };
  /// `now_ns`: counting starts now.
  SpanMetrics(Options options, int64_t now_ns) : options_(options), last_flush_ns_(now_ns) {}

  /// The spans of one batch that share all labels.
  struct Group {
    uint64_t key = 0;      // hash of the label values
    uint32_t row = 0;      // one of the spans
    uint32_t slowest = 0;  // row of the one that took longest
    double calls = 0;
    double nanos = 0;
    std::array<double, kDurationBounds.size() + 1> buckets{};
  };
  using Sums = std::vector<Group>;

  static Sums sum_up(const model::SpanBatch& batch);
  void add(const Sums& sums, const model::SpanBatch& batch, int64_t now_ns);

  /// All series as they stand, with an exemplar of each combination's slowest span since the last
  /// time. A new series starts with a zero at the time of the last flush, so that its first
  /// increase is seen; a series that ends gets a stale marker.
  model::SampleBatch flush(int64_t now_ns);

  size_t combinations() const;

 private:
  struct Combination {
    // The labels before and behind `le` in canonical form: each series is put together from them.
    std::string before_le, behind_le;
    double calls = 0;
    double nanos = 0;
    std::array<double, kDurationBounds.size() + 1> buckets{};
    int64_t seen_ns = 0;
    bool fresh = true;
    // The slowest span since the last flush.
    double exemplar_seconds = -1;
    int64_t exemplar_ns = 0;
    model::TraceId trace_id;
    model::SpanId span_id = 0;
  };

  Combination& find(const Group& group, const model::SpanBatch& batch);
  static void append(model::SampleBatch& out, const Combination& c, int64_t time_ms, bool zero,
                     bool stale);

  const Options options_;
  mutable std::mutex mutex_;
  std::unordered_map<uint64_t, Combination> combinations_;
  int64_t last_flush_ns_;
};

/// How many spans one span stands for, by the threshold in its W3C tracestate (OpenTelemetry,
/// "TraceState: Probability Sampling"); 1 without one.
double sampling_weight(std::string_view trace_state);

}  // namespace vedette::ingest
