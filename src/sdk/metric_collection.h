// Metrics as samples: of this process, or of all processes of its service.
#pragma once

#include "sdk/metric_arena.h"
#include "sdk/metrics.h"

namespace vedette::sdk {

/// A metric that this process does not have.
void collect_foreign_metric(SampleSink& sink, const SharedMetric& shared);

/// Passes on the first header of several families of one name that follow one another.
class OneHeader : public SampleSink {
 public:
  explicit OneHeader(SampleSink& sink) : sink_(sink) {}
  void family(const Family& family) override {
    if (family.name == last_) return;
    last_ = family.name;
    sink_.family(family);
  }
  void sample(const Sample& sample) override { sink_.sample(sample); }

 private:
  SampleSink& sink_;
  std::string last_;
};

/// What one scrape shows, in groups; begun under the GIL, collected without.
class Scrape {
 public:
  Scrape();
  ~Scrape();
  void begin_group() { groups_.emplace_back(); }
  void add(std::unique_ptr<Collection> collection) {
    groups_.back().push_back(std::move(collection));
  }
  size_t groups() const { return groups_.size(); }

  /// Reads what the other processes have; before the rest.
  void read_others();
  void collect(size_t group, SampleSink& sink);
  /// The metrics that other processes have and no group had; those of meters if wanted.
  void collect_foreign(SampleSink& sink, bool meters);

 private:
  std::vector<std::vector<std::unique_ptr<Collection>>> groups_;
  std::shared_ptr<MetricArena> arena_;
  std::unique_ptr<SharedValues> others_;  // null: this process is alone
};

}  // namespace vedette::sdk
