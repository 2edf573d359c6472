// All ways in: OTLP, remote write, scrapes, and the metrics made of spans. What an application
// holds.
#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/scheduler.h"
#include "ingest/pipeline.h"
#include "ingest/scraper.h"
#include "ingest/span_metrics.h"
#include "ingest/stats.h"
#include "net/client.h"
#include "net/server.h"
#include "store/store.h"

namespace vedette::ingest {

struct IngestOptions {
  Pipeline::Options pipeline;
  SpanMetrics::Options span_metrics;
  std::chrono::seconds span_metrics_interval{15};
  std::vector<ScrapeConfig> scrape;
};

/// Thread-safe. Store, scheduler, client and clock must outlive it.
class Ingest {
 public:
  /// kInvalidArgument says what of the options makes no sense.
  static Result<std::unique_ptr<Ingest>> create(IngestOptions options, store::Store& store,
                                                base::Scheduler& scheduler, net::Client& client,
                                                base::Clock& clock);
  ~Ingest() { stop(); }

  /// Adds the routes of OTLP and remote write; this must outlive the server that uses the router.
  void add_to(net::Router& router);
  /// Begins scraping and writing span metrics.
  void start();
  /// Ends that, and writes span metrics a last time: after the listeners have stopped, before the
  /// store is closed. Idempotent.
  void stop();

  IngestStats stats() const { return pipeline_.stats(); }
  std::vector<TargetStatus> targets() const { return scraper_->targets(); }
  size_t span_metric_combinations() const { return span_metrics_.combinations(); }

 private:
  Ingest(const IngestOptions& options, store::Store& store, base::Scheduler& scheduler,
         base::Clock& clock);
  void write_span_metrics();

  base::Clock& clock_;
  base::Scheduler& scheduler_;
  const std::chrono::seconds interval_;
  SpanMetrics span_metrics_;
  Pipeline pipeline_;
  std::unique_ptr<Scraper> scraper_;
  base::Scheduler::TimerId timer_ = 0;
};

}  // namespace vedette::ingest
