// A table of rows, spans or log records: the head, and parts on disk.
#pragma once

#include <mutex>

#include "store/engine/row_reads.h"
#include "store/engine/table.h"

namespace vedette::store::engine {

template <typename Batch>
class RowTable final : public EngineTable {
 public:
  explicit RowTable(TableContext context) : context_(std::move(context)) {}

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
  Result<std::vector<PartInfo>> merge(const std::vector<std::string>& files) override;
  Result<std::vector<PartInfo>> rewrite(const std::string& file, TimeRange drop,
                                        const KeepTrace* keep) override;
  void publish(const PartChange& change) override;
  std::vector<PartInfo> parts() const override;
  TableStats stats() const override;

 private:
  TableContext context_;
  mutable std::mutex mutex_;  // guards current_; held to copy pointers only
  RowSnapshot<Batch> current_;
  size_t head_bytes_ = 0;  // writer thread
  int64_t head_since_ns_ = 0;
};

extern template class RowTable<model::SpanBatch>;
extern template class RowTable<model::LogBatch>;

}  // namespace vedette::store::engine
