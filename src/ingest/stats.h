// What ingest counts about itself, for the server's own /metrics. All monotonic.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

namespace vedette::ingest {

/// Where data comes from; "otlp_traces", "otlp_logs", "otlp_metrics", "remote_write", "scrape",
/// "span_metrics".
enum class Source : uint8_t { kTraces, kLogs, kMetrics, kRemoteWrite, kScrape, kSpanMetrics };
inline constexpr size_t kSources = 6;
std::string_view source_name(Source source);

/// Why records were not taken.
enum class Reject : uint8_t {
  kInvalid,           // the record makes no sense: "invalid"
  kOutsideRetention,  // the store no longer keeps that time: "outside_retention"
  kBusy,              // the queue was full, the client was told to retry: "busy"
  kUnavailable,       // read-only or stopping, likewise: "unavailable"
  kFailed,            // an error of ours: "failed"
};
inline constexpr size_t kRejects = 5;
std::string_view reject_name(Reject reject);

struct SourceStats {
  uint64_t requests = 0;
  uint64_t bytes = 0;       // of bodies, decompressed
  uint64_t malformed = 0;   // requests that could not be read at all
  uint64_t duplicates = 0;  // requests stored before already
  uint64_t accepted = 0;    // spans, log records or samples
  std::array<uint64_t, kRejects> rejected{};
  uint64_t sanitized = 0;           // texts that were not UTF-8
  uint64_t truncated = 0;           // texts over the limit
  uint64_t dropped_attributes = 0;  // over the limits
};

using IngestStats = std::array<SourceStats, kSources>;

/// The same, counted from any thread.
class StatCounters {
 public:
  struct PerSource {
    std::atomic<uint64_t> requests{0}, bytes{0}, malformed{0}, duplicates{0}, accepted{0};
    std::array<std::atomic<uint64_t>, kRejects> rejected{};
    std::atomic<uint64_t> sanitized{0}, truncated{0}, dropped_attributes{0};
  };
  PerSource& of(Source source) { return sources_[static_cast<size_t>(source)]; }
  IngestStats snapshot() const;

 private:
  std::array<PerSource, kSources> sources_;
};

}  // namespace vedette::ingest
