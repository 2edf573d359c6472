#include "app/serve.h"

#include <pthread.h>
#include <signal.h>

#include <cstdio>
#include <filesystem>

#include "api/answer.h"
#include "api/jaeger_api.h"
#include "api/loki_api.h"
#include "api/prometheus_api.h"
#include "api/runner.h"
#include "api/ui.h"
#include "api/vedette_api.h"
#include "app/command_line.h"
#include "app/self_metrics.h"
#include "base/log.h"
#include "base/scheduler.h"
#include "base/time_text.h"
#include "ingest/ingest.h"
#include "net/client.h"
#include "net/server.h"
#include "store/engine/engine.h"

namespace vedette::app {
namespace {

constexpr std::chrono::seconds kStopGrace{10};

/// SIGTERM and SIGINT, held back from every thread so that one can wait for them.
class StopSignals {
 public:
  StopSignals() {
    sigemptyset(&set_);
    sigaddset(&set_, SIGTERM);
    sigaddset(&set_, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
    signal(SIGPIPE, SIG_IGN);
  }
  void wait() const {
    int signal_number = 0;
    sigwait(&set_, &signal_number);
    // The next one ends the process at once.
    pthread_sigmask(SIG_UNBLOCK, &set_, nullptr);
  }

 private:
  sigset_t set_;
};

net::HttpResponse plain(int status, std::string text) {
  return {status, "text/plain; charset=utf-8", std::move(text)};
}

Result<std::unique_ptr<store::engine::Engine>> open_store(const Config& config) {
  store::engine::Options options;
  options.path = config.data_dir;
  options.durability = config.durability == Durability::kFsync ? store::engine::Durability::kFsync
                                                               : store::engine::Durability::kWal;
  options.retention = config.retention;
  options.queue_bytes_max = config.limits.write_queue_bytes;
  options.head_bytes_max = config.limits.head_bytes;
  auto engine = store::engine::Engine::open(std::move(options));
  if (engine.ok()) return engine;
  if (engine.error().code == Code::kAlreadyExists) {
    return Error{
        Code::kAlreadyExists,
        "the data folder " + config.data_dir +
            " is in use by another vedette; stop that one, or choose a folder with --data"};
  }
  return Error{engine.error().code, "the data folder " + config.data_dir +
                                        " can't be opened: " + engine.error().message};
}

/// The running server. Members are destroyed from the last to the first: listeners before what they
/// call.
class App {
 public:
  App(const Config& config, std::unique_ptr<store::engine::Engine> store)
      : config_(config), store_(std::move(store)), runner_(runner_options(config)) {}

  Status start() {
    ASSIGN_OR_RETURN(ingest_, ingest::Ingest::create(ingest_options(), *store_, scheduler_,
                                                     *client_, base::Clock::system()));
    auto api_router = std::make_shared<net::Router>();
    auto otlp_router = std::make_shared<net::Router>();
    for (const auto& router : {api_router, otlp_router}) ingest_->add_to(*router);
    add_apis(*api_router);
    RETURN_IF_ERROR(listen("http", "--http", {config_.listeners.http}, api_router));
    RETURN_IF_ERROR(listen("otlp_http", "--otlp-http", {config_.listeners.otlp_http}, otlp_router));
    RETURN_IF_ERROR(listen("otlp_grpc", "--otlp-grpc", {config_.listeners.otlp_grpc}, otlp_router));
    ingest_->start();
    scheduler_.start();
    return {};
  }

  /// Tells the person where everything is.
  void announce() const {
    const auto address = [&](std::string_view serves) {
      for (const auto& [name, at] : listeners_) {
        if (name == serves) return at;
      }
      return std::string();
    };
    std::string text = std::string("Vedette ") + kVersion + " is ready";
    if (const auto http = address("http"); !http.empty()) text += ": http://" + http;
    text += "\n";
    if (const auto grpc = address("otlp_grpc"); !grpc.empty())
      text += "  OTLP over gRPC  http://" + grpc + "\n";
    if (const auto http = address("otlp_http"); !http.empty())
      text += "  OTLP over HTTP  http://" + http + "\n";
    text +=
        "  data            " + data_dir() + ", kept " +
        (config_.retention
             ? "for " + base::format_duration(std::chrono::nanoseconds(*config_.retention).count())
             : "for ever") +
        "\n";
    std::fputs(text.c_str(), stdout);
    std::fflush(stdout);
  }

  Status stop() {
    stopping_ = true;
    for (const auto& server : servers_) server->stop(kStopGrace);
    ingest_->stop();
    scheduler_.stop();
    return store_->close();
  }

 private:
  static api::Runner::Options runner_options(const Config& config) {
    api::Runner::Options options;
    const unsigned cores = std::max(2u, std::thread::hardware_concurrency());
    options.threads =
        config.limits.query_threads ? static_cast<unsigned>(config.limits.query_threads) : cores;
    options.timeout = config.limits.query_timeout;
    return options;
  }

  ingest::IngestOptions ingest_options() const {
    ingest::IngestOptions options;
    options.pipeline.body_bytes_max = config_.limits.request_body_bytes;
    for (const ScrapeJob& job : config_.scrape) {
      ingest::ScrapeConfig scrape;
      scrape.job = job.job;
      scrape.targets = job.targets;
      scrape.interval = job.interval;
      scrape.timeout = job.timeout;
      scrape.metrics_path = job.path;
      scrape.labels = job.labels;
      options.scrape.push_back(std::move(scrape));
    }
    return options;
  }

  std::vector<api::ScrapeTargetState> targets() const {
    std::vector<api::ScrapeTargetState> states;
    for (const ingest::TargetStatus& t : ingest_->targets()) {
      api::ScrapeTargetState state;
      state.job = t.job;
      state.instance = t.instance;
      state.url = t.url;
      state.health = !t.scraped ? "unknown" : t.up ? "up" : "down";
      state.last_scrape_ns = t.last_scrape_ns;
      state.last_duration_ns = static_cast<int64_t>(t.duration_seconds * 1e9);
      state.last_error = t.error;
      state.samples = t.samples;
      states.push_back(std::move(state));
    }
    return states;
  }

  void add_apis(net::Router& router) {
    router.http("GET", "/-/healthy", [](net::HttpRequest&&, net::Responder respond) {
      respond(plain(200, "healthy\n"));
    });
    router.http("GET", "/-/ready",
                [this](net::HttpRequest&&, net::Responder respond) { respond(readiness()); });
    runner_.serve(
        router, "GET", "/metrics",
        [this](const net::HttpRequest&, const store::ReadContext&) {
          return net::HttpResponse{200, "text/plain; version=0.0.4; charset=utf-8",
                                   render_self_metrics(figures())};
        },
        api::error_answer);
    api::serve_vedette_api(
        router, runner_,
        {*store_, base::Clock::system(), [this] { return targets(); }, [this] { return facts(); }});
    api::serve_prometheus_api(router, runner_, *store_, base::Clock::system());
    api::serve_jaeger_api(router, runner_, *store_, base::Clock::system());
    api::serve_loki_api(router, runner_, *store_, base::Clock::system());
    api::add_ui_routes(router);
  }

  Status listen(const char* serves, const char* flag, std::vector<std::string> addresses,
                const std::shared_ptr<const net::Router>& router) {
    if (addresses.front().empty()) return {};
    net::ServerOptions options;
    options.listen = std::move(addresses);
    options.limits.body_bytes_max = config_.limits.request_body_bytes;
    options.limits.connections_max = config_.limits.connections;
    auto server = net::Server::start(std::move(options), router);
    if (!server.ok()) {
      return {server.error().code,
              server.error().message + "; choose another address with " + flag + ", or none"};
    }
    const std::lock_guard lock(servers_mutex_);
    for (const std::string& address : (*server)->addresses())
      listeners_.emplace_back(serves, address);
    servers_.push_back(std::move(server).value());
    return {};
  }

  net::HttpResponse readiness() const {
    if (stopping_) return plain(503, "stopping\n");
    const store::StoreStats stats = store_->stats();
    if (stats.read_only) return plain(503, "read-only: " + stats.read_only_reason + "\n");
    return plain(200, "ready\n");
  }

  SelfFigures figures() const {
    SelfFigures f;
    f.store = store_->stats();
    f.ingest = ingest_->stats();
    f.queries = runner_.stats();
    f.started_ns = started_ns_;
    const std::lock_guard lock(servers_mutex_);
    for (const auto& server : servers_) {
      const net::ServerStats s = server->stats();
      f.net.connections_accepted += s.connections_accepted;
      f.net.connections_refused += s.connections_refused;
      f.net.connections_open += s.connections_open;
      f.net.requests += s.requests;
      f.net.bytes_in += s.bytes_in;
      f.net.bytes_out += s.bytes_out;
    }
    return f;
  }

  std::string data_dir() const {
    std::error_code error;
    const auto path = std::filesystem::absolute(config_.data_dir, error);
    return error ? config_.data_dir : path.lexically_normal().string();
  }

  api::ServerFacts facts() const {
    api::ServerFacts f;
    f.version = kVersion;
    f.started_ns = started_ns_;
    f.data_dir = data_dir();
    if (config_.retention) f.retention_ns = std::chrono::nanoseconds(*config_.retention).count();
    f.durability = config_.durability == Durability::kFsync ? "fsync" : "wal";
    const std::lock_guard lock(servers_mutex_);
    f.listeners = listeners_;
    return f;
  }

  const Config config_;
  const int64_t started_ns_ = base::Clock::system().now_ns();
  std::atomic<bool> stopping_{false};
  std::unique_ptr<store::engine::Engine> store_;
  base::Scheduler scheduler_{base::Clock::system()};
  std::unique_ptr<net::Client> client_ = net::Client::create();
  std::unique_ptr<ingest::Ingest> ingest_;
  api::Runner runner_;
  mutable std::mutex servers_mutex_;  // requests come in while the last listeners start
  std::vector<std::pair<std::string, std::string>> listeners_;  // what it serves, address
  std::vector<std::unique_ptr<net::Server>> servers_;
};

}  // namespace

Status serve(const Config& config) {
  const StopSignals signals;
  ASSIGN_OR_RETURN(auto store, open_store(config));
  App app(config, std::move(store));
  RETURN_IF_ERROR(app.start());
  app.announce();
  signals.wait();
  log_info("stopping");
  RETURN_IF_ERROR(app.stop());
  log_info("stopped");
  return {};
}

}  // namespace vedette::app
