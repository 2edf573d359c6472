// The in-process metric registry: counters, gauges and histograms with labels, and their
// exposition.
//
// Recording is a few relaxed atomics, from any thread. Making a series and a snapshot take a lock,
// rendering itself takes none. The number of series of a metric is bounded: what goes beyond it is
// counted in one series whose labels all read "__overflow__", and the guilty label is named once.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"

namespace vedette::sdk {

enum class MetricType : uint8_t { kCounter, kGauge, kHistogram };

constexpr std::string_view kOverflow = "__overflow__";
/// Label values are cut to this many bytes.
constexpr size_t kLabelBytesMax = 1024;
constexpr size_t kSeriesMax = 2000;

/// One series. Alive as long as somebody holds it, even after its removal from the metric.
class Series {
 public:
  Series(std::string labels_before_le, std::string labels_after_le, size_t buckets);

  void add(double amount) { value_.fetch_add(amount, std::memory_order_relaxed); }
  void set(double value) { value_.store(value, std::memory_order_relaxed); }
  double value() const { return value_.load(std::memory_order_relaxed); }

  /// Counts into the bucket at `index` (bounds.size() is +Inf) and adds to the sum.
  void observe(double amount, size_t index) {
    buckets_[index].fetch_add(1, std::memory_order_relaxed);
    value_.fetch_add(amount, std::memory_order_relaxed);
  }
  uint64_t bucket(size_t index) const { return buckets_[index].load(std::memory_order_relaxed); }

 private:
  friend class Metric;
  // `a="1",` of the labels that sort before "le", `,z="2"` of those after it.
  const std::string before_;
  const std::string after_;
  std::atomic<double> value_{0};
  std::unique_ptr<std::atomic<uint64_t>[]> buckets_;
};

struct MetricOptions {
  MetricType type = MetricType::kCounter;
  std::string name{};  // without "_total"
  std::string help{};
  std::vector<std::string> labels{};
  std::vector<double> bounds{};  // of a histogram, ascending, +Inf left out
  size_t series_max = kSeriesMax;
};

class Metric {
 public:
  /// Checks names and bounds.
  static Result<std::shared_ptr<Metric>> create(MetricOptions options);

  const MetricOptions& options() const { return options_; }
  /// The series with these label values, in the order of options().labels; made when it is new.
  std::shared_ptr<Series> series(const std::vector<std::string_view>& values);
  void remove(const std::vector<std::string_view>& values);
  void clear();
  size_t bucket_of(double amount) const;
  void observe(Series& series, double amount) const { series.observe(amount, bucket_of(amount)); }

  /// Names this metric's samples take: two metrics of a registry may not share one.
  std::vector<std::string> sample_names() const;
  std::vector<std::shared_ptr<Series>> all_series();
  void render(std::string& out, const std::vector<std::shared_ptr<Series>>& series) const;

 private:
  explicit Metric(MetricOptions options);
  static std::string key_of(const std::vector<std::string_view>& values);
  std::shared_ptr<Series> make(const std::vector<std::string_view>& values);
  void name_the_guilty();
  void render_series(std::string& out, const Series& series) const;

  const MetricOptions options_;
  std::vector<size_t> label_order_;       // by name, as exposition has it
  std::vector<std::string> bound_texts_;  // "0.005", …, "+Inf"
  std::mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<Series>> by_key_;
  std::vector<std::shared_ptr<Series>> in_order_;
  std::shared_ptr<Series> overflow_;
};

class Registry {
 public:
  Status add(std::shared_ptr<Metric> metric);
  void remove(const Metric* metric);

  /// What there is now. Taken under the lock of the interpreter, so that no fork() finds a mutex
  /// taken; rendered without.
  using Snapshot =
      std::vector<std::pair<std::shared_ptr<Metric>, std::vector<std::shared_ptr<Series>>>>;
  Snapshot snapshot();
  /// Prometheus text format 0.0.4.
  static void render(const Snapshot& snapshot, std::string& out);

 private:
  std::mutex mutex_;
  std::vector<std::shared_ptr<Metric>> metrics_;
  std::map<std::string, const Metric*> names_;
};

/// process_* as prometheus_client reports them, read from /proc.
void render_process_metrics(std::string& out);

/// A sample's value: "1.0", "0.25", "+Inf", "NaN".
void append_number(std::string& out, double value);
void append_escaped_label(std::string& out, std::string_view value);

}  // namespace vedette::sdk
