// The streams of one metric reader, collected and sent without Python.
//
// A collection makes one OTLP Metric message of each stream and queues it like a span; the lane's
// export thread makes requests of them. MetricTicker is the thread that does so periodically. Any
// thread may add streams and collect.
#pragma once

#include <chrono>
#include <condition_variable>
#include <thread>

#include "sdk/export_thread.h"
#include "sdk/metric_stream.h"

namespace vedette::sdk {

/// Where a reader's metrics go.
struct MetricSink {
  std::shared_ptr<ExportThread> thread;
  Lane* lane = nullptr;
  size_t points_max = 0;  // of one Metric message; 0: any number
};

class MetricReader {
 public:
  /// `source` comes from the SourceTable: resource and scope.
  void add(std::shared_ptr<MetricStream> stream, uint32_t source);
  /// Forgets all streams; in a forked child they come back with another resource.
  void clear();
  /// Of every stream what there is to report, one after the other, in the order they were added.
  template <typename Visit>
  void collect(Visit visit) {
    const uint64_t now = unix_now();
    for (const auto& [stream, source] : streams()) {
      std::vector<Point> points = collect_one(*stream, now);
      if (!points.empty()) visit(*stream, source, points);
    }
  }
  /// Shows what was observed of asynchronous instruments (MetricStream::publish).
  void publish() {
    for (const auto& [stream, source] : streams()) stream->publish();
  }
  /// Collects into the sink's queue and has it sent. False: something did not fit the queue.
  bool collect_into(const MetricSink& sink);

 private:
  struct Entry {
    std::shared_ptr<MetricStream> stream;
    uint32_t source;
  };
  std::vector<Entry> streams();
  static std::vector<Point> collect_one(MetricStream& stream, uint64_t now);

  std::mutex mutex_;
  std::vector<Entry> streams_;
};

/// Queues one metric of so many points. False: it does not fit.
bool queue_metric(const MetricSink& sink, uint32_t source, ProtoBuffer& encoded, size_t points);

/// Collects every `interval` on a thread of its own. A forked child makes a new one.
class MetricTicker {
 public:
  MetricTicker(std::shared_ptr<MetricReader> reader, MetricSink sink,
               std::chrono::milliseconds interval);
  ~MetricTicker();
  void stop();
  /// In a forked child, where the thread does not exist: forgets it.
  void abandon();

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
  std::thread thread_;
};

}  // namespace vedette::sdk
