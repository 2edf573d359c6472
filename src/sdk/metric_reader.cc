#include "sdk/metric_reader.h"

#include <pthread.h>
#include <signal.h>

#include "sdk/metric_encoder.h"

namespace vedette::sdk {
namespace {

/// Held while a stream is collected, and across a fork(): no child inherits a stream or cell that
/// another thread had locked. Never held over I/O.
std::mutex& fork_gate() {
  static auto* gate = new std::mutex;
  [[maybe_unused]] static const int once = pthread_atfork(
      [] { fork_gate().lock(); }, [] { fork_gate().unlock(); }, [] { fork_gate().unlock(); });
  return *gate;
}

}  // namespace

void MetricReader::add(std::shared_ptr<MetricStream> stream, uint32_t source) {
  fork_gate();
  const std::lock_guard lock(mutex_);
  streams_.push_back({std::move(stream), source});
}

void MetricReader::clear() {
  const std::lock_guard lock(mutex_);
  streams_.clear();
}

std::vector<MetricReader::Entry> MetricReader::streams() {
  const std::lock_guard gate(fork_gate());
  const std::lock_guard lock(mutex_);
  return streams_;
}

std::vector<Point> MetricReader::collect_one(MetricStream& stream, uint64_t now) {
  const std::lock_guard gate(fork_gate());
  return stream.collect(now);
}

bool queue_metric(const MetricSink& sink, uint32_t source, ProtoBuffer& encoded, size_t points) {
  if (encoded.failed()) return false;
  char* record = sink.lane->reserve(encoded.size(), source, points);
  if (!record) return false;
  std::memcpy(record, encoded.data(), encoded.size());
  sink.thread->commit(*sink.lane, record, points);
  return true;
}

bool MetricReader::collect_into(const MetricSink& sink) {
  bool fits = true;
  ProtoBuffer encoded;
  collect([&](const MetricStream& stream, uint32_t source, std::span<const Point> points) {
    const StreamOptions& options = stream.options();
    const MetricHead head{options.name,           options.description, options.unit,
                          options.aggregation,    options.monotonic,   options.delta ? 1 : 2,
                          options.record_min_max, options.bounds};
    const size_t step = sink.points_max ? sink.points_max : points.size();
    for (size_t at = 0; at < points.size(); at += step) {
      const auto piece = points.subspan(at, std::min(step, points.size() - at));
      encoded.clear();
      encode_metric(encoded, head, piece);
      fits = queue_metric(sink, source, encoded, piece.size()) && fits;
    }
  });
  // Not waited for: this only tells the export thread not to wait for more.
  sink.thread->flush(std::chrono::milliseconds(0));
  return fits;
}

struct MetricTicker::Shared {
  std::shared_ptr<MetricReader> reader;
  MetricSink sink;
  std::chrono::milliseconds interval;
  std::mutex mutex;
  std::condition_variable changed;
  bool stopped = false;

  void run() {
    pthread_setname_np(pthread_self(), "vedette-metrics");
    auto next = std::chrono::steady_clock::now() + interval;
    std::unique_lock lock(mutex);
    while (!changed.wait_until(lock, next, [this] { return stopped; })) {
      lock.unlock();
      reader->collect_into(sink);
      lock.lock();
      // A tick that was missed, on a machine that slept, is not made up for.
      next = std::max(next + interval, std::chrono::steady_clock::now());
    }
  }
};

MetricTicker::MetricTicker(std::shared_ptr<MetricReader> reader, MetricSink sink,
                           std::chrono::milliseconds interval)
    : shared_(std::make_shared<Shared>()) {
  shared_->reader = std::move(reader);
  shared_->sink = std::move(sink);
  shared_->interval = interval;
  // The application's signals are for the application's threads.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    thread_ = std::thread([shared = shared_] { shared->run(); });
  } catch (const std::exception&) {
    // No thread to be had: what is recorded goes when it is flushed.
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

MetricTicker::~MetricTicker() {
  stop();
}

void MetricTicker::stop() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->stopped = true;
    shared_->changed.notify_all();
  }
  thread_.join();
}

void MetricTicker::abandon() {
  // Neither thread nor lock may be touched here; both stay as they were.
  [[maybe_unused]] auto* left = new std::thread(std::move(thread_));
  [[maybe_unused]] auto* kept = new std::shared_ptr<Shared>(std::move(shared_));
  thread_ = std::thread();
}

}  // namespace vedette::sdk
