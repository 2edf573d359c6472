// One metric stream: an instrument as one view of one reader sees it, aggregated by attribute set
// (OpenTelemetry specification, "Metrics SDK": View, Aggregation, Cardinality limits, Exemplar).
//
// Recording takes a cell's own lock, which is only ever held for a few stores; a new attribute set
// and a collection take the stream's. No lock is held over I/O. Any thread may record or collect.
//
// What goes beyond the cardinality limit is counted in one cell, otel.metric.overflow=true. With
// delta temporality the limit holds for each cycle: a collected cell is inactive until something is
// recorded into it again.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <set>
#include <string_view>
#include <thread>
#include <unordered_map>

#include "sdk/exponential_histogram.h"
#include "sdk/metric_families.h"
#include "sdk/metric_point.h"

namespace vedette::sdk {

constexpr size_t kCardinalityMax = 2000;

struct StreamOptions {
  std::string name{};
  std::string description{};
  std::string unit{};
  Aggregation aggregation = Aggregation::kSum;
  bool monotonic = false;
  bool asynchronous = false;  // what is recorded are totals, observed once a collection
  bool delta = false;
  bool record_min_max = true;
  std::vector<double> bounds{};  // of a histogram, ascending
  uint32_t max_size = 160;       // of an exponential histogram
  int32_t max_scale = 20;
  size_t cardinality_max = kCardinalityMax;
  bool exemplars = true;                        // false: somebody else keeps them
  std::optional<std::set<std::string>> keys{};  // attributes to keep; none: all
  std::set<std::string> excluded_keys{};        // attributes to leave out
};

class SpinLock {
 public:
  void lock() {
    for (int spins = 0; taken_.exchange(true, std::memory_order_acquire); ++spins) {
      if (spins >= 64) std::this_thread::yield();
    }
  }
  void unlock() { taken_.store(false, std::memory_order_release); }

 private:
  std::atomic<bool> taken_{false};
};

/// Where a measurement was made, for an exemplar of it.
struct Measured {
  TraceId trace_id;
  uint64_t span_id = 0;
  const std::string* attributes = nullptr;  // as PointExemplar::attributes
};

/// The aggregate of one attribute set.
class MetricCell {
 public:
  MetricCell(const StreamOptions& options, std::string attributes);

  /// False: not active, the stream has to resolve() again. `measured` null: no exemplar.
  bool record(Number value, const Measured* measured);

  const std::string& attributes() const { return attributes_; }
  /// Something the cell's owner keeps with it. Set before anybody else sees the cell.
  std::shared_ptr<void> extension;
  /// From now on what is recorded is counted there, at once, and collect() has nothing to say; of
  /// an asynchronous instrument it is set there by publish(). Under the GIL, as record() then.
  void expose(Exposed exposed) { exposed_ = std::make_unique<Exposed>(std::move(exposed)); }

 private:
  friend class MetricStream;
  void aggregate(Number value, size_t bucket);
  void record_exposed(double value, size_t bucket, const Measured* measured);
  void publish();
  void keep_exemplar(Number value, size_t bucket, const Measured& measured);
  bool collect(uint64_t now, Point* out);
  void fill(Point* out);
  void reset();

  const StreamOptions& options_;  // the stream's
  const std::string attributes_;
  SpinLock lock_;
  bool active_ = false;
  bool touched_ = false;  // since the last collection
  uint64_t start_ = 0;
  Number value_;     // sum or last value
  Number previous_;  // of an asynchronous sum, as of the last collection
  uint64_t count_ = 0;
  Number min_, max_;
  std::vector<uint64_t> buckets_;
  std::optional<ExponentialHistogram> exponential_;
  std::unique_ptr<Exposed> exposed_;
  std::vector<PointExemplar> exemplars_;  // time 0: free
  uint64_t offered_ = 0;                  // since the last collection
};

class MetricStream {
 public:
  explicit MetricStream(StreamOptions options) : options_(std::move(options)) {}
  MetricStream(const MetricStream&) = delete;
  MetricStream& operator=(const MetricStream&) = delete;

  const StreamOptions& options() const { return options_; }
  bool keeps(const std::string& key) const {
    return (!options_.keys || options_.keys->contains(key)) &&
           !options_.excluded_keys.contains(key);
  }

  struct Resolved {
    std::shared_ptr<MetricCell> cell;
    bool made = false;
    bool overflow = false;
    uint64_t cycle = 0;  // an overflow holds for this cycle only
  };
  /// The active cell of these encoded attributes, or that of the overflow.
  Resolved resolve(const std::string& attributes);
  uint64_t cycle() const { return cycle_.load(std::memory_order_relaxed); }

  /// Of exposed cells of an asynchronous instrument: shows what was observed, and only that.
  void publish();
  /// What there is to report; begins a new cycle.
  std::vector<Point> collect(uint64_t now);

 private:
  bool activate(MetricCell& cell);
  void forget_inactive();

  const StreamOptions options_;
  std::mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<MetricCell>> by_attributes_;
  std::vector<std::shared_ptr<MetricCell>> in_order_;
  std::shared_ptr<MetricCell> overflow_;
  size_t active_ = 0;
  uint64_t last_collected_ = 0;
  std::atomic<uint64_t> cycle_{0};
};

/// Unix time, ns.
uint64_t unix_now();

}  // namespace vedette::sdk
