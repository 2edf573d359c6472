// Metrics as samples: of this process, or of all processes of its service.
#pragma once

#include "sdk/metrics.h"

namespace vedette::sdk {

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
  /// The metrics that other processes have and no group had.
  void collect_foreign(SampleSink& sink);

 private:
  std::vector<std::vector<std::unique_ptr<Collection>>> groups_;
  std::shared_ptr<class MetricArena> arena_;
  std::unique_ptr<SharedValues> others_;  // null: this process is alone
};

}  // namespace vedette::sdk
