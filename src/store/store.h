// The one door to what is stored. Query languages, rules and APIs know only this interface; the
// embedded engine (store/engine) implements it, other back ends can.
//
// Thread-safe. Reads work on an immutable snapshot taken when they begin and never wait for writes;
// what was acknowledged before a read began is in its snapshot.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/labels.h"
#include "model/log_batch.h"
#include "model/sample_batch.h"
#include "model/span_batch.h"
#include "store/predicate.h"

namespace vedette::store {

enum class Table : uint8_t { kSpans, kLogs, kSamples, kSeries, kExemplars, kTraces };

/// One request: kept whole or lost whole. Any of the batches may be null.
struct Write {
  std::shared_ptr<const model::SpanBatch> spans;
  std::shared_ptr<const model::LogBatch> logs;
  std::shared_ptr<const model::SampleBatch> samples;
  /// Of the request's bytes; a request with the hash of one from the last ten minutes is
  /// acknowledged and not stored again. Zero: never compared.
  struct ContentHash {
    uint64_t hi = 0, lo = 0;
    bool operator==(const ContentHash&) const = default;
  } content_hash;
};

/// What became of a write that was not refused whole. Rows outside the retention are dropped and
/// counted here.
struct WriteOutcome {
  uint64_t rejected_spans = 0;
  uint64_t rejected_logs = 0;
  uint64_t rejected_samples = 0;
  std::string reason;      // of the first rejection, for people
  bool duplicate = false;  // of an earlier request
};

/// Bounds of one read. Readers check it between blocks.
struct ReadContext {
  int64_t deadline_monotonic_ns = std::numeric_limits<int64_t>::max();
  const std::atomic<bool>* cancelled = nullptr;
  /// kCancelled or kDeadlineExceeded when the read should end.
  Status check() const;
};

using SeriesId = uint32_t;

struct Series {
  SeriesId id = 0;
  model::Labels labels;
};

/// Which columns of a block a reader needs; others may be empty. Ids, times, resource are always
/// there.
struct Columns {
  bool names = true;     // name, kind, status (spans); severity, body (logs)
  bool details = false;  // status message, trace state, flags, scope, dropped counts, observed time
  bool all_attributes = false;
  std::vector<std::string> attributes;  // by key, where not all
  bool events_and_links = false;

  static Columns everything() { return {true, true, true, {}, true}; }
};

enum class Order : uint8_t { kAny, kNewestFirst, kOldestFirst };

/// Order concerns blocks, and rows within a block: with kNewestFirst a reader that wants the newest
/// N can stop once N rows are newer than `bound_ns` of the next block.
struct RowQuery {
  TimeRange range;
  std::vector<Predicate> where;
  Columns columns;
  Order order = Order::kAny;
};

/// Matching rows of one block. `bound_ns`: no later block has a row newer (kNewestFirst) or older
/// (kOldestFirst) than this; meaningless with kAny.
template <typename Batch>
struct Block {
  const Batch& batch;
  std::span<const uint32_t> rows;
  int64_t bound_ns;
};

/// Returns false to end the scan. Called on the caller's thread.
template <typename Batch>
using Visitor = std::function<bool(const Block<Batch>&)>;

/// A trace as a list shows it, put together from all of its spans that are stored.
struct TraceSummary {
  model::TraceId trace_id;
  int64_t start_ns = 0;
  int64_t end_ns = 0;
  std::string root_service;  // of the root span; of the earliest span where the root is missing
  std::string root_name;
  bool has_root = false;
  uint32_t spans = 0;
  uint32_t errors = 0;
  std::vector<std::pair<std::string, uint32_t>> services;  // spans by service, by name
};

struct CountQuery {
  Table table = Table::kLogs;  // kLogs or kSpans
  TimeRange range;             // both ends must be finite
  int64_t step_ns = 0;         // bucket i is [begin + i * step, begin + (i + 1) * step)
  std::vector<Predicate> where;
  /// Rows are counted apart by the text of this field (such as kService, kSeverity, kAttribute with
  /// `key`).
  std::optional<Field> group_by;
  std::string group_key;
};

struct CountSeries {
  std::string group;  // empty without group_by
  std::vector<uint64_t> counts;
};

/// Distinct values of a column, sorted, at most `limit`.
struct ValuesQuery {
  Table table = Table::kSpans;
  TimeRange range;
  /// For spans and logs: kService, kSpanName, kAttribute with `key`, …; unset: the attribute keys
  /// themselves. For series: label values of `key`; unset: label names.
  std::optional<Field> field;
  std::string key;
  std::vector<Predicate> where;                // spans and logs
  std::vector<std::vector<Matcher>> matchers;  // series: any of these sets
  size_t limit = 10'000;
};

struct Exemplar {
  SeriesId series = 0;
  int64_t time_ms = 0;
  double value = 0;
  model::TraceId trace_id;
  model::SpanId span_id = 0;
  model::Labels labels;
};

/// Decides what rewrite() keeps of a trace.
using KeepTrace = std::function<bool(const TraceSummary&)>;

/// Figures of the store for its own /metrics and for `/vedette/v1/status`.
struct TableStats {
  std::string table;
  uint64_t rows = 0;
  uint64_t disk_bytes = 0;
  uint64_t memory_bytes = 0;
  uint64_t parts = 0;
};
struct StoreStats {
  std::vector<TableStats> tables;
  uint64_t series = 0;
  uint64_t wal_bytes = 0;
  uint64_t writes = 0;
  uint64_t duplicates = 0;
  uint64_t rejected_rows = 0;
  uint64_t flushes = 0;
  uint64_t merges = 0;
  uint64_t quarantined_blocks = 0;
  bool read_only = false;  // disk nearly full
  std::string read_only_reason;
};

class Store {
 public:
  virtual ~Store() = default;

  /// Called once, when the write is durable as configured and visible to the next read: on a thread
  /// of the store's, or, for a write that is refused at once, within append(). Must not block.
  using Done = std::function<void(Result<WriteOutcome>)>;
  /// Never blocks. kResourceExhausted when the queue is full, kUnavailable when read-only or
  /// stopping: through `done`.
  virtual void append(Write write, Done done) = 0;

  /// Series that match all of `matchers` and may have samples in the range, sorted by labels.
  virtual Result<std::vector<Series>> series(std::span<const Matcher> matchers, TimeRange range,
                                             const ReadContext& context) = 0;

  /// Samples of `ids` in the range, series by series in the order given, times ascending and
  /// distinct, in milliseconds. Series without samples in the range are not visited. Stale markers
  /// are among the values.
  using SampleVisitor = std::function<bool(size_t index, std::span<const int64_t> time_ms,
                                           std::span<const double> value)>;
  virtual Status samples(std::span<const SeriesId> ids, TimeRange range, const ReadContext& context,
                         const SampleVisitor& visit) = 0;

  virtual Result<std::vector<Exemplar>> exemplars(std::span<const SeriesId> ids, TimeRange range,
                                                  size_t limit, const ReadContext& context) = 0;
  /// By family name; all where `family` is empty.
  virtual std::vector<model::MetricMetadata> metadata(const std::string& family) = 0;

  virtual Status scan_spans(const RowQuery& query, const ReadContext& context,
                            const Visitor<model::SpanBatch>& visit) = 0;
  virtual Status scan_logs(const RowQuery& query, const ReadContext& context,
                           const Visitor<model::LogBatch>& visit) = 0;

  /// Summaries of these traces, in the order given; traces that are not stored are left out.
  virtual Result<std::vector<TraceSummary>> traces(std::span<const model::TraceId> ids,
                                                   const ReadContext& context) = 0;

  virtual Result<std::vector<CountSeries>> counts(const CountQuery& query,
                                                  const ReadContext& context) = 0;
  virtual Result<std::vector<std::string>> values(const ValuesQuery& query,
                                                  const ReadContext& context) = 0;

  /// Rewrites the span parts that lie in the range, keeping whole traces that `keep` says yes to.
  virtual Status rewrite(TimeRange range, const KeepTrace& keep) = 0;
  /// Removes all rows of a table in the range.
  virtual Status drop(Table table, TimeRange range) = 0;

  virtual StoreStats stats() const = 0;
  /// Writes heads to parts and the rest of the log away; after it the store refuses writes.
  /// Idempotent.
  virtual Status close() = 0;
};

}  // namespace vedette::store
