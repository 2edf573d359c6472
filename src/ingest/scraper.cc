#include "ingest/scraper.h"

#include <algorithm>
#include <mutex>

#include "base/log.h"
#include "base/string_table.h"
#include "ingest/scrape_target.h"
#include "model/labels.h"

namespace vedette::ingest {
namespace {

constexpr const char* kAccept =
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
    "application/openmetrics-text;version=0.0.1;q=0.4,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
constexpr int64_t kNanosPerMilli = 1'000'000;

// One target and the scrape of it that is under way. Kept alive by its callbacks.
class Target : public std::enable_shared_from_this<Target> {
 public:
  Target(const ScrapeConfig& config, const std::string& address, Pipeline& pipeline,
         net::Client& client, base::Clock& clock)
      : config_(config),
        pipeline_(pipeline),
        client_(client),
        clock_(clock),
        series_(options(config, address)) {
    status_.job = config.job;
    status_.instance = address;
    status_.url = "http://" + address + config.metrics_path;
  }

  const ScrapeConfig& config() const { return config_; }

  /// When in its interval this target has its turn: by hash, so that targets are spread and each
  /// keeps its place over restarts.
  std::chrono::nanoseconds first_delay() const {
    const auto interval = std::chrono::nanoseconds(config_.interval).count();
    const auto place = static_cast<int64_t>(base::hash_string(config_.job + ' ' + status_.url) %
                                            static_cast<uint64_t>(interval));
    const int64_t now = clock_.now_ns() % interval;
    return std::chrono::nanoseconds((place - now + interval) % interval);
  }

  void scrape() {
    {
      const std::lock_guard lock(mutex_);
      if (busy_ || stopped_) return;
      busy_ = true;
    }
    net::ClientRequest request;
    request.url = status_.url;
    request.timeout = std::min(config_.timeout, config_.interval);
    request.body_bytes_max = config_.body_size_limit;
    request.headers = {{"accept", kAccept},
                       {"accept-encoding", "gzip"},
                       {"user-agent", "vedette"},
                       {"x-prometheus-scrape-timeout-seconds",
                        std::to_string(std::chrono::duration<double>(request.timeout).count())}};
    client_.send(std::move(request),
                 [self = shared_from_this(), wall = clock_.now_ns(),
                  begin = clock_.monotonic_ns()](Result<net::HttpResponse> response) {
                   self->finish(std::move(response), wall, begin);
                 });
  }

  void stop() {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }

  TargetStatus status() const {
    const std::lock_guard lock(mutex_);
    return status_;
  }

 private:
  static ScrapeTarget::Options options(const ScrapeConfig& config, const std::string& address) {
    ScrapeTarget::Options out;
    out.labels = {{"job", config.job}, {"instance", address}};
    for (const auto& [name, value] : config.labels) {
      std::erase_if(out.labels, [&name = name](const auto& label) { return label.first == name; });
      out.labels.emplace_back(name, value);
    }
    out.honor_labels = config.honor_labels;
    out.honor_timestamps = config.honor_timestamps;
    out.sample_limit = config.sample_limit;
    return out;
  }

  static Result<ScrapeTarget::Page> read(ScrapeTarget& series,
                                         const Result<net::HttpResponse>& response,
                                         int64_t time_ms) {
    if (!response.ok()) return response.error();
    if (response->status != 200) {
      return Error{Code::kUnavailable,
                   "the target answered HTTP " + std::to_string(response->status)};
    }
    const auto format = wire::exposition_format(response->content_type);
    if (!format) {
      return Error{Code::kInvalidArgument,
                   "the target's Content-Type is \"" + response->content_type +
                       "\", not text/plain or application/openmetrics-text"};
    }
    return series.page(response->body, *format, time_ms);
  }

  void finish(Result<net::HttpResponse> response, int64_t wall_ns, int64_t begin_ns) {
    const std::lock_guard lock(mutex_);
    busy_ = false;
    if (stopped_) return;
    const int64_t time_ms = wall_ns / kNanosPerMilli;
    auto page = read(series_, response, time_ms);
    ScrapeReport report;
    report.up = page.ok();
    report.duration_seconds = static_cast<double>(clock_.monotonic_ns() - begin_ns) / 1e9;
    auto batch = std::make_shared<model::SampleBatch>();
    if (page.ok()) {
      report.scraped = report.kept = page->scraped;
      report.added = page->added;
      *batch = std::move(page->batch);
    } else {
      *batch = series_.failed(time_ms);
    }
    series_.report(report, time_ms, *batch);
    note(page.status(), report, wall_ns);
    pipeline_.samples(Source::kScrape, std::move(batch), [](Result<Outcome> result) {
      if (!result.ok()) log_warn("a scrape was not stored", {{"error", result.error().message}});
    });
  }

  // Under the lock.
  void note(const Status& outcome, const ScrapeReport& report, int64_t wall_ns) {
    const std::string error = outcome.ok() ? "" : outcome.error().message;
    if (!outcome.ok() && (status_.up || !status_.scraped)) {
      log_warn("scrape failed", {{"job", status_.job}, {"url", status_.url}, {"error", error}});
    } else if (outcome.ok() && status_.scraped && !status_.up) {
      log_info("scrape works again", {{"job", status_.job}, {"url", status_.url}});
    }
    status_.scraped = true;
    status_.up = report.up;
    status_.error = error;
    status_.last_scrape_ns = wall_ns;
    status_.duration_seconds = report.duration_seconds;
    status_.samples = report.scraped;
  }

  const ScrapeConfig config_;
  Pipeline& pipeline_;
  net::Client& client_;
  base::Clock& clock_;

  mutable std::mutex mutex_;
  ScrapeTarget series_;
  TargetStatus status_;
  bool busy_ = false;
  bool stopped_ = false;
};

Status check(const ScrapeConfig& config) {
  const auto invalid = [&](std::string what) {
    return Status(Code::kInvalidArgument, "scrape job \"" + config.job + "\": " + std::move(what));
  };
  if (config.job.empty()) return invalid("it needs a name");
  if (config.interval.count() <= 0) return invalid("the interval must be more than zero");
  if (config.timeout.count() <= 0) return invalid("the timeout must be more than zero");
  if (!config.metrics_path.starts_with('/')) return invalid("metrics_path must begin with /");
  for (const std::string& target : config.targets) {
    if (target.empty() || target.find_first_of("/ ") != target.npos) {
      return invalid("target \"" + target + "\" must be host:port");
    }
  }
  for (const auto& [name, value] : config.labels) {
    if (!model::is_legacy_label_name(name))
      return invalid("\"" + name + "\" is no name of a label");
  }
  return {};
}

class StaticScraper final : public Scraper {
 public:
  StaticScraper(std::vector<std::shared_ptr<Target>> targets, base::Scheduler& scheduler)
      : targets_(std::move(targets)), scheduler_(scheduler) {}
  ~StaticScraper() override { stop(); }

  void start() override {
    for (const auto& target : targets_) {
      timers_.push_back(scheduler_.every(target->first_delay(), target->config().interval,
                                         [target] { target->scrape(); }));
    }
  }

  void stop() override {
    for (const auto timer : timers_) scheduler_.cancel(timer);
    timers_.clear();
    for (const auto& target : targets_) target->stop();
  }

  std::vector<TargetStatus> targets() const override {
    std::vector<TargetStatus> out;
    for (const auto& target : targets_) out.push_back(target->status());
    return out;
  }

 private:
  const std::vector<std::shared_ptr<Target>> targets_;
  base::Scheduler& scheduler_;
  std::vector<base::Scheduler::TimerId> timers_;
};

}  // namespace

Result<std::unique_ptr<Scraper>> Scraper::create(std::vector<ScrapeConfig> configs,
                                                 Pipeline& pipeline, net::Client& client,
                                                 base::Scheduler& scheduler, base::Clock& clock) {
  std::vector<std::shared_ptr<Target>> targets;
  for (const ScrapeConfig& config : configs) {
    RETURN_IF_ERROR(check(config));
    for (const std::string& address : config.targets) {
      targets.push_back(std::make_shared<Target>(config, address, pipeline, client, clock));
    }
  }
  return std::unique_ptr<Scraper>(std::make_unique<StaticScraper>(std::move(targets), scheduler));
}

}  // namespace vedette::ingest
