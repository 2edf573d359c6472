#include "ingest/ingest.h"

#include "base/log.h"
#include "ingest/otlp_endpoints.h"
#include "ingest/remote_write_endpoint.h"

namespace vedette::ingest {

Ingest::Ingest(const IngestOptions& options, store::Store& store, base::Scheduler& scheduler,
               base::Clock& clock)
    : clock_(clock),
      scheduler_(scheduler),
      interval_(options.span_metrics_interval),
      span_metrics_(options.span_metrics, clock.now_ns()),
      pipeline_(store, span_metrics_, clock, options.pipeline) {}

Result<std::unique_ptr<Ingest>> Ingest::create(IngestOptions options, store::Store& store,
                                               base::Scheduler& scheduler, net::Client& client,
                                               base::Clock& clock) {
  if (options.span_metrics_interval.count() <= 0) {
    return Error{Code::kInvalidArgument, "the interval of span metrics must be more than zero"};
  }
  std::unique_ptr<Ingest> out(new Ingest(options, store, scheduler, clock));
  ASSIGN_OR_RETURN(out->scraper_, Scraper::create(std::move(options.scrape), out->pipeline_, client,
                                                  scheduler, clock));
  return out;
}

void Ingest::add_to(net::Router& router) {
  add_otlp_endpoints(router, pipeline_);
  add_remote_write_endpoint(router, pipeline_);
}

void Ingest::start() {
  timer_ = scheduler_.every(interval_, interval_, [this] { write_span_metrics(); });
  scraper_->start();
}

void Ingest::stop() {
  if (scraper_) scraper_->stop();
  if (timer_ == 0) return;
  scheduler_.cancel(timer_);
  timer_ = 0;
  write_span_metrics();
}

void Ingest::write_span_metrics() {
  auto batch = std::make_shared<model::SampleBatch>(span_metrics_.flush(clock_.now_ns()));
  if (batch->empty()) return;
  pipeline_.samples(Source::kSpanMetrics, std::move(batch), [](Result<Outcome> result) {
    // Counters only grow: the next time makes up for this one.
    if (!result.ok()) {
      log_warn("span metrics were not stored", {{"error", result.error().message}});
    }
  });
}

}  // namespace vedette::ingest
