#include "sdk/metrics.h"

#include <time.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/utf8.h"
#include "sdk/diagnostic.h"
#include "sdk/metric_sharing.h"

namespace vedette::sdk {
namespace {

Status check(const MetricOptions& options) {
  const auto bad = [&](const std::string& why) {
    return Status(Code::kInvalidArgument, "metric " + options.name + ": " + why);
  };
  if (options.name.empty()) {
    return {Code::kInvalidArgument, "metric name cannot be empty"};
  }
  std::set<std::string_view> seen;
  for (const std::string& label : options.labels) {
    if (!seen.insert(label).second) return bad("the label " + label + " is there twice");
  }
  for (size_t i = 1; i < options.bounds.size(); ++i) {
    if (!(options.bounds[i - 1] < options.bounds[i])) return bad("Buckets not in sorted order");
  }
  return {};
}

double now() {
  timespec time{};
  clock_gettime(CLOCK_REALTIME, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

/// At most kLabelBytesMax bytes, cut between characters.
std::string_view cut(std::string_view value) {
  if (value.size() <= kLabelBytesMax) return value;
  size_t end = kLabelBytesMax;
  while (end > 0 && (static_cast<unsigned char>(value[end]) & 0xc0) == 0x80) --end;
  return value.substr(0, end);
}

std::unique_ptr<Cell[]> fresh_cells(const MetricOptions& options) {
  auto cells = std::make_unique<Cell[]>(cells_of(options));
  if (!is_set(options.type)) cells[kTimeCell].store(now());
  return cells;
}

}  // namespace

size_t cells_of(const MetricOptions& options) {
  switch (options.type) {
    case MetricType::kHistogram:
      return kCountCells + options.bounds.size() + 1;
    case MetricType::kSummary:
      return kCountCells + 1;
    default:
      return kCountCells;
  }
}

Exemplar span_exemplar(const TraceId& trace_id, uint64_t span_id, double value, double time) {
  char trace[33], span[17];
  std::snprintf(trace, sizeof trace, "%016llx%016llx",
                static_cast<unsigned long long>(trace_id.high),
                static_cast<unsigned long long>(trace_id.low));
  std::snprintf(span, sizeof span, "%016llx", static_cast<unsigned long long>(span_id));
  return {{{"trace_id", trace}, {"span_id", span}}, value, time};
}

void Series::set_exemplar(size_t index, Exemplar exemplar) {
  if (exemplars_.size() <= index) exemplars_.resize(index + 1);
  exemplars_[index] = std::make_shared<const Exemplar>(std::move(exemplar));
  if (!Sharing::has_others()) return;
  const auto lock = Sharing::lock();
  if (metric_) metric_->share_exemplar(*this, index);
}

Cell* Series::attach() {
  const auto lock = Sharing::lock();
  // Only a series of a metric can be without cells: detach() gives it some.
  if (!cells_.load(std::memory_order_relaxed)) metric_->share(*this);
  return cells_.load(std::memory_order_relaxed);
}

Result<std::shared_ptr<Metric>> Metric::create(MetricOptions options) {
  RETURN_IF_ERROR(check(options));
  std::shared_ptr<Metric> made(new Metric(std::move(options)));
  made->claims_ = Sharing::add(made.get());
  return made;
}

Metric::Metric(MetricOptions options)
    : options_(std::move(options)),
      names_(std::make_shared<const LabelNames>(options_.labels)),
      identity_(metric_identity(options_)) {
  for (double bound : options_.bounds) append_number(bound_texts_.emplace_back(), bound);
  bound_texts_.push_back("+Inf");
}

Metric::~Metric() {
  const auto lock = Sharing::lock();
  Sharing::remove(this);
  for (const auto& series : in_order_) detach(*series);
}

std::string Metric::key_of(const std::vector<std::string_view>& values) const {
  std::string key;
  for (std::string_view value : values) key.append(cut(value)) += '\xff';  // never in UTF-8
  return key;
}

std::shared_ptr<Series> Metric::series(const std::vector<std::string_view>& values) {
  const std::string key = key_of(values);
  const auto sharing = Sharing::lock();
  const std::lock_guard lock(mutex_);
  if (const auto found = by_key_.find(key); found != by_key_.end()) return found->second;
  if (in_order_.size() >= options_.series_max && !values.empty()) {
    if (!overflow_) {
      name_the_guilty();
      overflow_ = make(std::vector<std::string_view>(values.size(), kOverflow));
      in_order_.push_back(overflow_);
    }
    return overflow_;
  }
  std::shared_ptr<Series> made = make(values);
  by_key_.emplace(key, made);
  in_order_.push_back(made);
  return made;
}

std::shared_ptr<Series> Metric::make(const std::vector<std::string_view>& values) {
  std::vector<std::string> kept;
  for (std::string_view value : values) {
    kept.push_back(base::is_utf8(cut(value)) ? std::string(cut(value))
                                             : base::sanitize_utf8(cut(value)));
  }
  auto made = std::make_shared<Series>(this, Labels(names_, std::move(kept)));
  share(*made);
  return made;
}

void Metric::share(Series& series) {
  Cell* const old = series.cells_.load();
  MetricArena* arena = claims_ ? Sharing::arena() : nullptr;
  Cell* cells = nullptr;
  if (arena && definition()) {
    cells = arena->add(definition_, join_values(series.labels().values()), cells_of(options_));
    if (!cells) complain("no room is left to share metrics with other processes");
  }
  if (!cells) {
    if (old) return;
    series.private_ = fresh_cells(options_);
    series.cells_.store(series.private_.get());
    return;
  }
  if (old) {
    for (size_t i = 0; i < cells_of(options_); ++i) cells[i].store(old[i].load());
  } else if (!is_set(options_.type)) {
    cells[kTimeCell].store(now());
  }
  series.cells_.store(cells);
  series.private_.reset();
}

/// Under the lock of the sharing.
void Metric::share_exemplar(Series& series, size_t index) {
  MetricArena* arena = claims_ && !series.private_ ? Sharing::arena() : nullptr;
  if (!arena || !definition()) return;
  auto& shared = series.shared_exemplars_;
  if (shared.size() <= index) shared.resize(index + 1);
  if (!shared[index]) {
    shared[index] = arena->add_exemplar(definition_, join_values(series.labels().values()), index);
  }
  if (shared[index]) write_exemplar(shared[index], *series.exemplars_[index]);
}

void Metric::share_all() {
  const std::lock_guard lock(mutex_);
  for (const auto& series : in_order_) share(*series);
}

void Metric::forget_values() {
  if (!claims_) return;
  for (const auto& series : in_order_) {
    series->cells_.store(nullptr);
    series->private_.reset();
    series->exemplars_.clear();
    series->shared_exemplars_.clear();
  }
}

uint32_t Metric::definition() {
  MetricArena* arena = Sharing::arena();
  if (defined_in_ != arena->tenancy()) {
    definition_ = arena->define(identity_, options_.help, options_.everyone);
    defined_in_ = arena->tenancy();
  }
  return definition_;
}

void Metric::show_everyone() {
  const auto lock = Sharing::lock();
  options_.everyone = true;
  MetricArena* arena = claims_ ? Sharing::arena() : nullptr;
  if (arena && definition()) arena->show_everyone(definition_);
}

/// What is counted from now on is seen by nobody but who holds the series.
void Metric::detach(Series& series) {
  Cell* const old = series.cells_.load();
  series.metric_ = nullptr;
  if (series.private_) return;
  series.private_ = fresh_cells(options_);
  if (old) {
    for (size_t i = 0; i < cells_of(options_); ++i) series.private_[i].store(old[i].load());
  }
  series.cells_.store(series.private_.get());
  const std::vector<Cell*> exemplars = std::exchange(series.shared_exemplars_, {});
  MetricArena* arena = old ? Sharing::arena() : nullptr;
  if (!arena || defined_in_ != arena->tenancy()) return;
  arena->remove(old);
  for (Cell* cells : exemplars) {
    if (cells) arena->remove(cells);
  }
}

void Metric::name_the_guilty() {
  std::vector<std::set<std::string_view>> distinct(options_.labels.size());
  for (const auto& [key, series] : by_key_) {
    std::string_view rest = key;
    for (auto& values : distinct) {
      const size_t end = rest.find('\xff');
      values.insert(rest.substr(0, end));
      rest.remove_prefix(end + 1);
    }
  }
  size_t worst = 0;
  for (size_t i = 1; i < distinct.size(); ++i) {
    if (distinct[i].size() > distinct[worst].size()) worst = i;
  }
  complain("metric " + options_.name + " has reached its limit of " +
           std::to_string(options_.series_max) + " series; further ones are counted as " +
           options_.labels[worst] + "=\"" + std::string(kOverflow) +
           "\". The label with the most values is " + options_.labels[worst] + " (" +
           std::to_string(distinct[worst].size()) + ")");
}

void Metric::remove(const std::vector<std::string_view>& values) {
  const auto sharing = Sharing::lock();
  const std::lock_guard lock(mutex_);
  const auto found = by_key_.find(key_of(values));
  if (found == by_key_.end()) return;
  detach(*found->second);
  std::erase(in_order_, found->second);
  by_key_.erase(found);
}

void Metric::clear() {
  const auto sharing = Sharing::lock();
  const std::lock_guard lock(mutex_);
  for (const auto& series : in_order_) detach(*series);
  by_key_.clear();
  in_order_.clear();
  overflow_.reset();
}

size_t Metric::bucket_of(double amount) const {
  const auto& bounds = options_.bounds;
  // A NaN is greater than nothing, and belongs to +Inf.
  if (std::isnan(amount)) return bounds.size();
  if (bounds.size() > 32) {
    return static_cast<size_t>(std::lower_bound(bounds.begin(), bounds.end(), amount) -
                               bounds.begin());
  }
  size_t below = 0;
  while (below < bounds.size() && bounds[below] < amount) ++below;
  return below;
}

std::vector<std::shared_ptr<Series>> Metric::all_series() {
  const std::lock_guard lock(mutex_);
  return in_order_;
}

}  // namespace vedette::sdk
