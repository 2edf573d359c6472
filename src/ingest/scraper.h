// Scrapes static targets as Prometheus does (prometheus/scrape): spread in time, strict about what
// a page may be, with stale markers for what goes away.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/scheduler.h"
#include "ingest/pipeline.h"
#include "net/client.h"

namespace vedette::ingest {

/// The targets of one job, and how to scrape them.
struct ScrapeConfig {
  std::string job;
  std::vector<std::string> targets = {};  // "host:port"
  std::chrono::milliseconds interval{15'000};
  std::chrono::milliseconds timeout{10'000};  // at most the interval
  std::string metrics_path = "/metrics";
  std::vector<std::pair<std::string, std::string>> labels = {};  // of every series of the job
  bool honor_labels = false;
  bool honor_timestamps = true;
  uint64_t sample_limit = 0;           // per page; 0: none
  size_t body_size_limit = 64u << 20;  // bytes, decompressed
};

/// What is known of a target, for APIs.
struct TargetStatus {
  std::string job;
  std::string url;
  std::string instance;
  bool scraped = false;  // at least once
  bool up = false;
  std::string error;  // of the last scrape
  int64_t last_scrape_ns = 0;
  double duration_seconds = 0;
  uint64_t samples = 0;
};

/// Thread-safe. The scheduler, client and pipeline must outlive it; a scrape that is under way when
/// it stops is answered to nobody.
class Scraper {
 public:
  /// kInvalidArgument says which job or target makes no sense.
  static Result<std::unique_ptr<Scraper>> create(std::vector<ScrapeConfig> configs,
                                                 Pipeline& pipeline, net::Client& client,
                                                 base::Scheduler& scheduler, base::Clock& clock);
  virtual ~Scraper() = default;

  virtual void start() = 0;
  /// Begins no more scrapes; what is under way is left out. Idempotent.
  virtual void stop() = 0;
  virtual std::vector<TargetStatus> targets() const = 0;
};

}  // namespace vedette::ingest
