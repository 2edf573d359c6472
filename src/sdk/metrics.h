// The in-process metrics: counters, gauges, histograms and summaries with labels.
//
// Recording is a few relaxed loads and stores, by one thread at a time (who holds the GIL). Making
// a series takes a lock, rendering takes none, and both may happen meanwhile. The number of series
// of a metric is bounded: what goes beyond it is counted in one series whose labels all read
// "__overflow__", and the guilty label is named once.
//
// Where a service has several processes their values live in one file (metric_arena.h), and each of
// them answers for all.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "sdk/exposition.h"
#include "sdk/span_record.h"

namespace vedette::sdk {

class Metric;

/// The exemplar that leads to a span. `time`: seconds since 1970.
Exemplar span_exemplar(const TraceId& trace_id, uint64_t span_id, double value, double time);

constexpr std::string_view kOverflow = "__overflow__";
/// Label values are cut to this many bytes.
constexpr size_t kLabelBytesMax = 1024;
constexpr size_t kSeriesMax = 2000;

/// How the values of several processes become one (prometheus_client's multiprocess_mode).
enum class GaugeMode : uint8_t { kAll, kMin, kMax, kSum, kMostRecent };

struct MetricOptions {
  MetricType type = MetricType::kCounter;
  std::string name{};  // without "_total"
  std::string help{};
  std::vector<std::string> labels{};
  std::vector<double> bounds{};  // of a histogram, ascending, +Inf left out
  std::string unit{};
  GaugeMode mode = GaugeMode::kAll;
  bool live = false;      // of a gauge: only living processes count
  bool created = true;    // shows _created where that is wanted at all
  bool everyone = false;  // shown by processes of the service that do not have it
  bool grouped = false;   // one of several of its name, with different labels (MetricFamilies)
  size_t series_max = kSeriesMax;
};

/// The values of a series: [value or sum, time, counts…]. The time is that of its creation, of a
/// gauge when it was set; the counts are a histogram's buckets or a summary's one.
using Cell = std::atomic<double>;
constexpr size_t kValueCell = 0, kTimeCell = 1, kCountCells = 2;
/// How many cells a series of this kind has.
size_t cells_of(const MetricOptions& options);

/// One series. Alive as long as somebody holds it, even after its removal from the metric.
class Series {
 public:
  Series(Metric* metric, Labels labels) : metric_(metric), labels_(std::move(labels)) {}
  Series(const Series&) = delete;
  Series& operator=(const Series&) = delete;

  void add(double amount) { raise(cell(kValueCell), amount); }
  void set(double value) { cell(kValueCell).store(value, std::memory_order_relaxed); }
  void set_time(double seconds) { cell(kTimeCell).store(seconds, std::memory_order_relaxed); }
  double value() { return get(kValueCell); }
  double time() { return get(kTimeCell); }

  /// Counts into the bucket at `index` (bounds.size() is +Inf; 0 of a summary), adds to the sum.
  void observe(double amount, size_t index) {
    Cell* cells = this->cells();
    raise(cells[kCountCells + index], 1);
    raise(cells[kValueCell], amount);
  }
  double bucket(size_t index) { return get(kCountCells + index); }

  const Labels& labels() const { return labels_; }

  /// Under the GIL: the exemplar of a counter (0) or bucket.
  void set_exemplar(size_t index, Exemplar exemplar);
  /// Under the GIL: true once a second, for each index.
  bool exemplar_due(size_t index, int64_t second) {
    if (index < looked_at_.size() && looked_at_[index] == second) return false;
    if (index >= looked_at_.size()) looked_at_.resize(index + 1);
    looked_at_[index] = second;
    return true;
  }
  using Exemplars = std::vector<std::shared_ptr<const Exemplar>>;
  const Exemplars& exemplars() const { return exemplars_; }
  /// The cells; null in a forked child that has not touched the series.
  const Cell* peek() const { return cells_.load(std::memory_order_relaxed); }

 private:
  friend class Metric;
  Cell* cells() {
    Cell* cells = cells_.load(std::memory_order_relaxed);
    return cells ? cells : attach();
  }
  Cell& cell(size_t index) { return cells()[index]; }
  /// Nobody else writes meanwhile, so this needs no read-modify-write, which costs ten times as
  /// much.
  static void raise(Cell& cell, double amount) {
    cell.store(cell.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  double get(size_t index) { return cell(index).load(std::memory_order_relaxed); }
  /// The first touch: the first of all, or that of a forked child.
  Cell* attach();

  Metric* metric_;  // null: removed
  const Labels labels_;
  std::atomic<Cell*> cells_{nullptr};
  std::unique_ptr<Cell[]> private_;  // holds cells_ when they are not shared
  Exemplars exemplars_;
  std::vector<Cell*> shared_exemplars_;  // where others see them; null: nowhere yet
  std::vector<int64_t> looked_at_;
};

class Metric : public Collector, public std::enable_shared_from_this<Metric> {
 public:
  /// Checks bounds and that no label is named twice.
  static Result<std::shared_ptr<Metric>> create(MetricOptions options);
  ~Metric() override;

  const MetricOptions& options() const { return options_; }
  /// The series with these label values, in the order of options().labels; made when it is new.
  std::shared_ptr<Series> series(const std::vector<std::string_view>& values);
  void remove(const std::vector<std::string_view>& values);
  void clear();
  size_t bucket_of(double amount) const;
  void observe(Series& series, double amount) const { series.observe(amount, bucket_of(amount)); }

  std::vector<std::shared_ptr<Series>> all_series();
  std::unique_ptr<Collection> begin() override;
  /// Processes of the service that do not have this metric show it all the same.
  void show_everyone();

  /// What other processes know it by.
  const std::string& identity() const { return identity_; }

  bool claims() const { return claims_; }
  /// "0.005", …, "+Inf" of a histogram.
  const std::vector<std::string>& bound_texts() const { return bound_texts_; }
  const std::shared_ptr<const LabelNames>& label_names() const { return names_; }

  // For the sharing of values; under its lock.
  void share_all();      // moves the values to the arena
  void forget_values();  // in a forked child: they are the parent's

 private:
  friend class Series;
  explicit Metric(MetricOptions options);
  std::string key_of(const std::vector<std::string_view>& values) const;
  std::shared_ptr<Series> make(const std::vector<std::string_view>& values);
  void share(Series& series);
  void share_exemplar(Series& series, size_t index);
  void name_the_guilty();
  void detach(Series& series);
  uint32_t definition();

  MetricOptions options_;
  std::shared_ptr<const LabelNames> names_;
  std::vector<std::string> bound_texts_;  // "0.005", …, "+Inf"
  std::string identity_;
  bool claims_ = false;      // its values are those of this name; else it is on its own
  uint32_t definition_ = 0;  // where the arena has it
  uint64_t defined_in_ = 0;  // in which of this process's slots
  std::mutex mutex_;
  std::unordered_map<std::string, std::shared_ptr<Series>> by_key_;
  std::vector<std::shared_ptr<Series>> in_order_;
  std::shared_ptr<Series> overflow_;
};

/// Whether _created samples are shown (prometheus_client's enable_created_metrics()).
void show_created(bool show);

/// process_* of the process itself, as prometheus_client reports them, read from /proc.
std::unique_ptr<Collection> process_metrics();

}  // namespace vedette::sdk
