// One target of the scraper: what a page of it means as samples, and what it had before.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/result.h"
#include "model/sample_batch.h"
#include "wire/exposition.h"
#include "wire/label_builder.h"

namespace vedette::ingest {

/// What the scraper writes of itself for each scrape.
struct ScrapeReport {
  bool up = false;
  double duration_seconds = 0;
  uint64_t scraped = 0;
  uint64_t kept = 0;
  uint64_t added = 0;  // series that were not there last time
};

/// Used by one scrape at a time.
class ScrapeTarget {
 public:
  struct Options {
    std::vector<std::pair<std::string, std::string>>
        labels;  // of every series: job, instance, others
    bool honor_labels =
        false;  // a clash is decided for the page; else its label becomes exported_…
    bool honor_timestamps = true;
    uint64_t sample_limit = 0;  // 0: none
  };
  explicit ScrapeTarget(Options options) : options_(std::move(options)) {}

  struct Page {
    model::SampleBatch batch;
    uint64_t scraped = 0;
    uint64_t added = 0;
  };
  /// Samples of a page scraped at `time_ms`, with stale markers for series that are gone. After an
  /// error nothing of the page counts: follow it with failed().
  Result<Page> page(std::string_view text, wire::ExpositionFormat format, int64_t time_ms);
  /// Stale markers for all series of the last good page.
  model::SampleBatch failed(int64_t time_ms);
  /// Adds up, scrape_duration_seconds and the like.
  void report(const ScrapeReport& report, int64_t time_ms, model::SampleBatch& out);

 private:
  struct Series {
    std::string labels;  // canonical, the target's among them
    uint64_t seen = 0;   // number of the page
    bool kept = false;   // was on a good page
    bool timed = false;  // carries its own times: no marker ends it
  };

  Series& series_of(const wire::ExpositionParser& parser, bool& fresh);
  std::string_view final_labels(const wire::ExpositionParser& parser);
  void add_metadata(const wire::ExpositionParser& parser, wire::ExpositionParser::Entry entry,
                    std::vector<model::MetricMetadata>& out) const;
  void keep_changed(std::vector<model::MetricMetadata> metadata, model::SampleBatch& out);

  const Options options_;
  uint64_t pages_ = 0;
  std::unordered_map<uint64_t, Series> series_;         // by hash of name and labels as they stand
  std::unordered_map<std::string, uint64_t> metadata_;  // hash of what was sent last, by family
  wire::LabelBuilder builder_;
};

}  // namespace vedette::ingest
