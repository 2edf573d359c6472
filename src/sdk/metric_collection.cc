#include "sdk/metric_collection.h"

#include <algorithm>
#include <deque>
#include <set>

#include "sdk/metric_sharing.h"

namespace vedette::sdk {
namespace {

std::atomic<bool> created_shown{true};

/// How the samples of a metric look; common to its series.
struct Shape {
  const MetricOptions& options;
  const std::vector<std::string>& bound_texts;
};

const Exemplar* exemplar_of(const Series::Exemplars& exemplars, size_t index) {
  return index < exemplars.size() ? exemplars[index].get() : nullptr;
}

/// One series as samples.
void emit(SampleSink& sink, const Shape& shape, const Labels& labels, const double* cells,
          const Series::Exemplars& exemplars) {
  const MetricOptions& options = shape.options;
  const auto plain = [&](std::string_view suffix, double value) {
    sink.sample({.suffix = suffix, .labels = &labels, .value = value});
  };
  switch (options.type) {
    case MetricType::kGauge:
    case MetricType::kStateSet:
    case MetricType::kPlainCounter:
      return plain("", cells[kValueCell]);
    case MetricType::kInfo:
      return plain("_info", cells[kValueCell]);
    case MetricType::kCounter:
      sink.sample({.suffix = "_total",
                   .labels = &labels,
                   .value = cells[kValueCell],
                   .exemplar = exemplar_of(exemplars, 0)});
      break;
    case MetricType::kSummary:
      plain("_count", cells[kCountCells]);
      plain("_sum", cells[kValueCell]);
      break;
    case MetricType::kHistogram: {
      double count = 0;
      for (size_t i = 0; i < shape.bound_texts.size(); ++i) {
        count += cells[kCountCells + i];
        sink.sample({.suffix = "_bucket",
                     .labels = &labels,
                     .extra_name = "le",
                     .extra_value = shape.bound_texts[i],
                     .value = count,
                     .exemplar = exemplar_of(exemplars, i)});
      }
      plain("_count", count);
      if (options.bounds.empty() || options.bounds[0] >= 0) plain("_sum", cells[kValueCell]);
      break;
    }
  }
  if (options.created && created_shown.load(std::memory_order_relaxed)) {
    plain("_created", cells[kTimeCell]);
  }
}

/// One series of several processes.
struct Merged {
  const Labels* labels;
  std::vector<double> cells;
  std::vector<std::pair<int32_t, double>> by_process;  // of a gauge that keeps them apart
  Series::Exemplars exemplars;
};

class Merger {
 public:
  Merger(const MetricOptions& options, std::shared_ptr<const LabelNames> names)
      : options_(options), names_(std::move(names)) {}

  Merged& at(const std::vector<std::string>& values, const Labels* labels) {
    const auto [place, fresh] = index_.emplace(join_values(values), merged_.size());
    if (fresh) {
      if (!labels) labels = &foreign_.emplace_back(names_, values);
      merged_.push_back({labels, {}, {}, {}});
    }
    return merged_[place->second];
  }

  /// Of several the newest is shown.
  void add(const SharedExemplar& other) {
    const auto found = index_.find(join_values(other.values));
    if (found == index_.end()) return;
    Series::Exemplars& exemplars = merged_[found->second].exemplars;
    if (exemplars.size() <= other.index) exemplars.resize(other.index + 1);
    auto& kept = exemplars[other.index];
    if (!kept || kept->time < other.exemplar->time) kept = other.exemplar;
  }

  void add(Merged& to, const double* cells, int32_t pid, bool alive) {
    if (is_set(options_.type)) return add_gauge(to, cells, pid, alive);
    const size_t count = cells_of(options_);
    if (to.cells.empty()) {
      to.cells.assign(cells, cells + count);
      return;
    }
    for (size_t i = 0; i < count; ++i) {
      if (i != kTimeCell) to.cells[i] += cells[i];
    }
    to.cells[kTimeCell] = std::min(to.cells[kTimeCell], cells[kTimeCell]);
  }

  /// prometheus_client labels such gauges with the process as soon as there are several.
  void emit_all(SampleSink& sink, const Shape& shape, bool several) {
    for (const Merged& series : merged_) {
      if (!series.cells.empty()) {
        emit(sink, shape, *series.labels, series.cells.data(), series.exemplars);
      }
      for (const auto& [pid, value] : series.by_process) {
        const std::string text = std::to_string(pid);
        Sample sample{.labels = series.labels, .value = value};
        if (several) {
          sample.extra_name = "pid";
          sample.extra_value = text;
        }
        sink.sample(sample);
      }
    }
  }

 private:
  void add_gauge(Merged& to, const double* cells, int32_t pid, bool alive) {
    if (options_.live && !alive) return;
    const double value = cells[kValueCell];
    if (options_.mode == GaugeMode::kAll) {
      to.by_process.emplace_back(pid, value);
    } else if (to.cells.empty()) {
      to.cells = {value, cells[kTimeCell]};
    } else if (options_.mode == GaugeMode::kSum) {
      to.cells[kValueCell] += value;
    } else if (options_.mode == GaugeMode::kMin) {
      to.cells[kValueCell] = std::min(to.cells[kValueCell], value);
    } else if (options_.mode == GaugeMode::kMax) {
      to.cells[kValueCell] = std::max(to.cells[kValueCell], value);
    } else if (cells[kTimeCell] > to.cells[kTimeCell]) {
      to.cells = {value, cells[kTimeCell]};
    }
  }

  const MetricOptions& options_;
  const std::shared_ptr<const LabelNames> names_;
  std::unordered_map<std::string, size_t> index_;
  std::vector<Merged> merged_;
  std::deque<Labels> foreign_;
};

Family family_of(const MetricOptions& options) {
  return {options.name, options.help, options.type, options.unit};
}

class MetricNow : public Collection {
 public:
  explicit MetricNow(std::shared_ptr<Metric> metric)
      : metric_(std::move(metric)), series_(metric_->all_series()) {
    for (size_t i = 0; i < series_.size(); ++i) {
      if (series_[i]->exemplars().empty()) continue;
      exemplars_.resize(series_.size());
      exemplars_[i] = series_[i]->exemplars();
    }
  }

  void collect(SampleSink& sink, SharedValues* others) override {
    const MetricOptions& options = metric_->options();
    SharedMetric* shared =
        others && metric_->claims() ? others->find(metric_->identity()) : nullptr;
    sink.family(family_of(options));
    const Shape shape{options, metric_->bound_texts()};
    if (shared) return collect_merged(sink, shape, *shared);
    std::vector<double> cells(cells_of(options));
    for (size_t i = 0; i < series_.size(); ++i) {
      if (read(*series_[i], cells)) {
        emit(sink, shape, series_[i]->labels(), cells.data(), exemplars_of(i));
      }
    }
  }

 private:
  static bool read(const Series& series, std::vector<double>& out) {
    const Cell* cells = series.peek();
    if (!cells) return false;
    for (size_t i = 0; i < out.size(); ++i) out[i] = cells[i].load(std::memory_order_relaxed);
    return true;
  }

  const Series::Exemplars& exemplars_of(size_t index) const {
    static const Series::Exemplars kNone;
    return exemplars_.empty() ? kNone : exemplars_[index];
  }

  void collect_merged(SampleSink& sink, const Shape& shape, SharedMetric& shared) {
    shared.shown = true;
    Merger merger(metric_->options(), metric_->label_names());
    std::vector<double> cells(cells_of(metric_->options()));
    const int32_t self = this_process().pid;
    bool own = false;
    for (size_t i = 0; i < series_.size(); ++i) {
      if (!read(*series_[i], cells)) continue;
      own = true;
      Merged& series = merger.at(series_[i]->labels().values(), &series_[i]->labels());
      series.exemplars = exemplars_of(i);
      merger.add(series, cells.data(), self, true);
    }
    std::set<int32_t> owners;
    if (own) owners.insert(self);
    for (const SharedSeries& other : shared.series) {
      owners.insert(other.owner.pid);
      merger.add(merger.at(other.values, nullptr), other.cells.data(), other.owner.pid,
                 other.alive);
    }
    for (const SharedExemplar& exemplar : shared.exemplars) merger.add(exemplar);
    merger.emit_all(sink, shape, owners.size() > 1);
  }

  const std::shared_ptr<Metric> metric_;
  const std::vector<std::shared_ptr<Series>> series_;
  std::vector<Series::Exemplars> exemplars_;  // empty: there are none
};

}  // namespace

void collect_foreign_metric(SampleSink& sink, const SharedMetric& shared) {
  std::vector<std::string> bound_texts;
  for (double bound : shared.options.bounds) append_number(bound_texts.emplace_back(), bound);
  bound_texts.push_back("+Inf");
  Merger merger(shared.options, std::make_shared<const LabelNames>(shared.options.labels));
  std::set<int32_t> owners;
  for (const SharedSeries& series : shared.series) {
    owners.insert(series.owner.pid);
    merger.add(merger.at(series.values, nullptr), series.cells.data(), series.owner.pid,
               series.alive);
  }
  for (const SharedExemplar& exemplar : shared.exemplars) merger.add(exemplar);
  sink.family(family_of(shared.options));
  merger.emit_all(sink, {shared.options, bound_texts}, owners.size() > 1);
}

void show_created(bool show) {
  created_shown.store(show);
}

std::unique_ptr<Collection> Metric::begin() {
  return std::make_unique<MetricNow>(shared_from_this());
}

Scrape::Scrape() : arena_(Sharing::before_scrape()) {}
Scrape::~Scrape() = default;

void Scrape::read_others() {
  if (!arena_) return;
  others_ = std::make_unique<SharedValues>();
  arena_->read_others(others_.get());
}

void Scrape::collect(size_t group, SampleSink& sink) {
  for (const auto& collection : groups_[group]) collection->collect(sink, others_.get());
}

void Scrape::collect_foreign(SampleSink& sink, bool meters) {
  if (!others_) return;
  std::vector<const SharedMetric*> left;
  for (const SharedMetric& metric : others_->metrics) {
    const MetricType type = metric.options.type;
    const bool own = type == MetricType::kInfo || type == MetricType::kStateSet;
    const bool of_meter = metric.options.grouped && !own;
    if (metric.shown || !metric.options.everyone || (of_meter && !meters)) continue;
    left.push_back(&metric);
  }
  std::stable_sort(left.begin(), left.end(),
                   [](auto* a, auto* b) { return a->options.name < b->options.name; });
  OneHeader each_once(sink);
  for (const SharedMetric* metric : left) collect_foreign_metric(each_once, *metric);
}

}  // namespace vedette::sdk
