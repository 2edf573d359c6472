// A table of rows, spans or log records: the head, and parts on disk.
#pragma once

#include <functional>
#include <map>
#include <mutex>

#include "store/engine/row_order.h"
#include "store/engine/row_part.h"
#include "store/engine/row_reads.h"
#include "store/engine/table.h"

namespace vedette::store::engine {

template <typename Batch>
class RowTable final : public EngineTable {
 public:
  explicit RowTable(TableContext context);

  /// Writer thread. Visible to the next snapshot().
  void apply(std::shared_ptr<const Batch> batch, int64_t now_ns);
  /// Any thread.
  RowSnapshot<Batch> snapshot() const;

  Status open_part(const PartInfo& info) override;
  size_t head_bytes() const override { return head_bytes_; }
  int64_t head_since_ns() const override { return head_since_ns_; }
  bool freeze() override;
  Result<std::vector<PartInfo>> write_frozen() override;
  std::vector<std::string> pick_merge() const override;
  Result<std::vector<PartInfo>> merge(const std::vector<std::string>& files,
                                      int64_t oldest_ns) override;
  Result<uint64_t> rows_before(const std::string& file, int64_t time_ns) const override;
  Result<std::vector<PartInfo>> rewrite(const std::string& file, TimeRange drop,
                                        const KeepTrace* keep) override;
  void publish(const PartChange& change) override;
  void discard(const std::vector<PartInfo>& written) override;
  std::vector<PartInfo> parts() const override;
  TableStats stats() const override;

 private:
  using Part = std::shared_ptr<const RowPart>;
  using Sources = std::span<const Batch* const>;

  static constexpr Table kTable =
      std::is_same_v<Batch, model::SpanBatch> ? Table::kSpans : Table::kLogs;

  Part find(const std::string& file) const;
  /// Finishes the file, if it was begun, and opens it for publish().
  Status finish(PartFileWriter& writer, std::vector<PartInfo>& written);
  /// After a failure.
  void remove_files(std::vector<PartInfo>& written);
  /// Writes `traces` of an order as groups.
  Status write_groups(Sources sources, const RowOrder& order, std::span<const TraceRange> traces,
                      PartFileWriter& writer);
  /// Says of each row of a block whether it is taken over.
  using Choice = std::function<std::vector<bool>(const Batch& block)>;
  /// One part of several, or of one. Blocks whose rows are all older than `oldest_ns` are not read.
  Result<std::vector<PartInfo>> join(const std::vector<std::string>& files, uint32_t level,
                                     int64_t oldest_ns, const Choice& choice);
  std::vector<bool> kept_rows(const Batch& block, TimeRange drop, const KeepTrace* keep) const;

  TableContext context_;
  std::shared_ptr<GroupCache> cache_;
  size_t head_bytes_ = 0;  // writer thread
  int64_t head_since_ns_ = 0;

  mutable std::mutex mutex_;  // guards what follows; held to copy pointers only
  RowSnapshot<Batch> current_;
  std::map<std::string, Part> written_;  // files that are not published yet
};

extern template class RowTable<model::SpanBatch>;
extern template class RowTable<model::LogBatch>;

}  // namespace vedette::store::engine
