// The engine's parts put together. Its work is in five files: engine.cc (opening and closing),
// engine_write.cc (what the writer thread asks), engine_background.cc (flushes and merges),
// engine_retention.cc (what is deleted), engine_reads.cc.
#pragma once

#include <array>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "store/engine/engine.h"
#include "store/engine/manifest.h"
#include "store/engine/row_table.h"
#include "store/engine/sample_table.h"
#include "store/engine/writer.h"

namespace vedette::store::engine {

class EngineImpl final : public Engine {
 public:
  EngineImpl(Options options, base::Fs& fs, base::Clock& clock);
  ~EngineImpl() override;
  Status open();

  // Store
  void append(Write write, Done done) override;
  Result<std::vector<Series>> series(std::span<const Matcher> matchers, TimeRange range,
                                     const ReadContext& context) override;
  Status samples(std::span<const SeriesId> ids, TimeRange range, const ReadContext& context,
                 const SampleVisitor& visit) override;
  Result<std::vector<Exemplar>> exemplars(std::span<const SeriesId> ids, TimeRange range,
                                          size_t limit, const ReadContext& context) override;
  std::vector<model::MetricMetadata> metadata(const std::string& family) override;
  Status scan_spans(const RowQuery& query, const ReadContext& context,
                    const Visitor<model::SpanBatch>& visit) override;
  Status scan_logs(const RowQuery& query, const ReadContext& context,
                   const Visitor<model::LogBatch>& visit) override;
  Result<std::vector<TraceSummary>> traces(std::span<const model::TraceId> ids,
                                           const ReadContext& context) override;
  Result<std::vector<CountSeries>> counts(const CountQuery& query,
                                          const ReadContext& context) override;
  Result<std::vector<std::string>> values(const ValuesQuery& query,
                                          const ReadContext& context) override;
  Status rewrite(TimeRange range, const KeepTrace& keep) override;
  Status drop(Table table, TimeRange range) override;
  StoreStats stats() const override;
  Status close() override;

  // Engine
  Status flush() override;
  Result<bool> run_background_once() override;

 private:
  /// What the engine knows of a table beyond the table itself.
  struct TableState {
    EngineTable* table = nullptr;
    uint64_t head_first = 0;  // first log record with rows in the head, 0: empty; writer thread
    std::atomic<uint64_t> frozen_first = 0;  // same of the frozen head, 0: there is none
    int64_t merge_not_before_ns = 0;         // monotonic; after a merge that failed; merge_mutex_
  };

  // engine.cc
  Status recover();
  Status replay_log();
  void remove_strays(const std::vector<std::string>& files);
  void report_corruption(const std::string& file, const std::string& why);
  TableContext table_context();
  std::string part_path(const std::string& file) const { return parts_path_ + "/" + file; }

  // engine_write.cc: on the writer thread
  Writer::Hooks writer_hooks();
  Result<bool> admit();
  void screen(Write& write, WriteOutcome& outcome) const;
  void apply(const Write& write, uint64_t sequence, WriteOutcome& outcome);
  /// Bytes in the heads, without the frozen ones.
  size_t heads_bytes() const;
  /// Freezes heads that are too big or too old; tells the background thread.
  void freeze_due();
  void freeze(TableState& state);
  /// Read-only or not? Any thread.
  void check_disk();

  // engine_reads.cc: without what is older than the retention
  TimeRange shown(TimeRange range) const;
  template <typename Batch>
  RowSnapshot<Batch> shown(const RowTable<Batch>& table) const;

  // engine_background.cc
  void stop_background();
  void flush_loop();
  void merge_loop();
  // With flush_mutex_ held.
  Status flush_all();
  Status write_frozen_heads(bool& something);
  Status remove_log();
  // With flush_mutex_ or merge_mutex_ held.
  Status commit(std::vector<PartChange>& changes);
  Status save_and_publish(const std::vector<PartChange>& changes, bool& in_place);
  void remove_parts(const std::vector<std::string>& files);
  // With merge_mutex_ held.
  bool merge_round();
  bool run_merge(TableState& state);
  /// What a merge or a rewrite of these files came to: committed, if it went well.
  Status replace_parts(const TableState& state, std::vector<std::string> files,
                       Result<std::vector<PartInfo>> written);

  // engine_retention.cc
  /// Nothing older is accepted, shown or, in the end, kept. Any thread.
  int64_t oldest_ns() const;
  // With merge_mutex_ held.
  /// Those that could not be opened too.
  std::vector<PartInfo> parts_of_manifest();
  bool drop_expired_parts();
  bool trim_one_part();
  Result<bool> worth_trimming(const TableState& state, const PartInfo& part, int64_t oldest) const;
  Status rewrite_part(TableState& state, const std::string& file, TimeRange drop,
                      const KeepTrace* keep);

  size_t table_index(const TableState& state) const {
    return static_cast<size_t>(&state - states_.data());
  }

  Options options_;
  base::Fs& fs_;
  base::Clock& clock_;
  std::string parts_path_;
  std::unique_ptr<void, void (*)(void*)> lock_{nullptr, nullptr};
  std::atomic<uint64_t> next_file_ = 1;
  std::atomic<uint64_t> quarantined_ = 0;
  std::atomic<uint64_t> flushes_ = 0;
  std::atomic<uint64_t> merges_ = 0;
  int64_t opened_ns_ = 0;
  int64_t opened_monotonic_ns_ = 0;

  std::unique_ptr<RowTable<model::SpanBatch>> spans_;
  std::unique_ptr<RowTable<model::LogBatch>> logs_;
  std::unique_ptr<SampleTable> samples_;
  std::array<TableState, kEngineTables.size()> states_;

  // A flush never waits for a merge: each has its lock, held for as long as it takes, and for the
  // moment of the commit both need the third. Taken in this order.
  std::mutex merge_mutex_;     // of whoever merges, rewrites or drops parts
  std::mutex flush_mutex_;     // of whoever makes parts of heads
  std::mutex manifest_mutex_;  // guards manifest_, and that tables show the parts it names
  Manifest manifest_;
  int64_t drop_not_before_ns_ = 0;  // monotonic, as the next; merge_mutex_
  int64_t trim_not_before_ns_ = 0;
  bool closed_ = false;  // set with merge_mutex_ and flush_mutex_ held

  mutable std::mutex state_mutex_;  // guards what follows
  std::condition_variable background_wake_;
  bool stopping_ = false;
  bool flush_due_ = false;
  bool read_only_ = false;
  std::string read_only_reason_;
  std::string flush_error_;  // of the latest flush; empty: it went well
  int64_t disk_checked_ns_ = std::numeric_limits<int64_t>::min();
  uint64_t disk_checked_wal_bytes_ = 0;

  std::unique_ptr<Writer> writer_;
  std::thread flusher_;
  std::thread merger_;
};

}  // namespace vedette::store::engine
