#include "store/engine/row_part.h"

namespace vedette::store::engine {

void GroupCache::keep(std::shared_ptr<const GroupMeta> group) {
  const std::lock_guard lock(mutex_);
  if (kept_.size() < kGroups) {
    kept_.push_back(std::move(group));
  } else {
    kept_[next_++ % kGroups].swap(group);
  }
}

RowPart::RowPart(const TableContext& context, PartInfo info,
                 std::unique_ptr<base::ReadableFile> file, std::vector<GroupPlace> groups,
                 std::shared_ptr<GroupCache> cache)
    : report_(context.report_corruption),
      info_(std::move(info)),
      file_(std::move(file)),
      groups_(std::move(groups)),
      cache_(std::move(cache)),
      metas_(groups_.size()) {}

Result<std::shared_ptr<const RowPart>> RowPart::open(const TableContext& context,
                                                     const PartInfo& info,
                                                     std::shared_ptr<GroupCache> cache) {
  ASSIGN_OR_RETURN(std::unique_ptr<base::ReadableFile> file,
                   context.fs.open(context.parts_path + "/" + info.file));
  ASSIGN_OR_RETURN(std::vector<GroupPlace> groups, read_part_footer(*file, info.table));
  return std::shared_ptr<const RowPart>(
      new RowPart(context, info, std::move(file), std::move(groups), std::move(cache)));
}

std::shared_ptr<const GroupMeta> RowPart::group(size_t index) const {
  if (is_bad(index, kWholeGroup)) return nullptr;
  {
    const std::lock_guard lock(mutex_);
    if (auto known = metas_[index].lock()) return known;
  }
  Result<GroupMeta> read = read_group_meta(*file_, groups_[index]);
  if (!read.ok()) {
    set_bad(index, kWholeGroup, read.error());
    return nullptr;
  }
  auto meta = std::make_shared<const GroupMeta>(*std::move(read));
  cache_->keep(meta);
  const std::lock_guard lock(mutex_);
  metas_[index] = meta;
  return meta;
}

template <typename Batch>
std::optional<Batch> RowPart::read(size_t group, const GroupMeta& meta, size_t block,
                                   const ReadSet& set) const {
  if (is_bad(group, block)) return std::nullopt;
  Result<Batch> batch = read_block<Batch>(*file_, groups_[group], meta, meta.blocks[block], set);
  if (batch.ok()) return *std::move(batch);
  set_bad(group, block, batch.error());
  return std::nullopt;
}
template std::optional<model::SpanBatch> RowPart::read(size_t, const GroupMeta&, size_t,
                                                       const ReadSet&) const;
template std::optional<model::LogBatch> RowPart::read(size_t, const GroupMeta&, size_t,
                                                      const ReadSet&) const;

template <typename Batch>
Result<Batch> RowPart::read_all(size_t group, const GroupMeta& meta, size_t block) const {
  Result<Batch> batch =
      read_block<Batch>(*file_, groups_[group], meta, meta.blocks[block], ReadSet::everything());
  if (!batch.ok()) set_bad(group, block, batch.error());
  return batch;
}
template Result<model::SpanBatch> RowPart::read_all(size_t, const GroupMeta&, size_t) const;
template Result<model::LogBatch> RowPart::read_all(size_t, const GroupMeta&, size_t) const;

bool RowPart::damaged() const {
  const std::lock_guard lock(mutex_);
  return !bad_.empty();
}

std::optional<Chunks> RowPart::read_filters(size_t group, const GroupMeta& meta, size_t block,
                                            std::vector<uint32_t> kinds) const {
  Result<Chunks> chunks =
      Chunks::load(*file_, groups_[group], meta.blocks[block], std::move(kinds));
  // A bad filter only means that the block must be read.
  if (chunks.ok()) return *std::move(chunks);
  return std::nullopt;
}

bool RowPart::is_bad(size_t group, size_t block) const {
  const std::lock_guard lock(mutex_);
  return bad_.contains({group, block});
}

void RowPart::set_bad(size_t group, size_t block, const Error& error) const {
  {
    const std::lock_guard lock(mutex_);
    // A disk that fails once may answer the next time; damage stays.
    if (error.code == Code::kCorruption && !bad_.insert({group, block}).second) return;
  }
  const std::string where = "group " + std::to_string(group) +
                            (block == kWholeGroup ? "" : ", block " + std::to_string(block)) + ": ";
  report_(info_.file, where + error.message);
}

}  // namespace vedette::store::engine
