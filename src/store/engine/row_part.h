// One part of a table of rows, open for reading.
#pragma once

#include <memory>
#include <mutex>
#include <set>
#include <vector>

#include "base/fs.h"
#include "store/engine/group_reader.h"
#include "store/engine/part_file.h"
#include "store/engine/table.h"

namespace vedette::store::engine {

/// Keeps the descriptions of groups that were used lately. Thread-safe.
class GroupCache {
 public:
  void keep(std::shared_ptr<const GroupMeta> group);

 private:
  static constexpr size_t kGroups = 48;
  std::mutex mutex_;
  std::vector<std::shared_ptr<const GroupMeta>> kept_;
  size_t next_ = 0;
};

/// Thread-safe. Keeps its file open, so that it can be read after it was removed from its folder.
class RowPart {
 public:
  static Result<std::shared_ptr<const RowPart>> open(const TableContext& context,
                                                     const PartInfo& info,
                                                     std::shared_ptr<GroupCache> cache);

  const PartInfo& info() const { return info_; }
  const std::vector<GroupPlace>& groups() const { return groups_; }
  /// Null where the group can't be read: reported once, and left out from then on.
  std::shared_ptr<const GroupMeta> group(size_t index) const;
  /// Nothing where the block can't be read: reported once, and left out from then on.
  template <typename Batch>
  std::optional<Batch> read(size_t group, const GroupMeta& meta, size_t block,
                            const ReadSet& set) const;
  /// The whole block, or why not: for those who would otherwise lose rows.
  template <typename Batch>
  Result<Batch> read_all(size_t group, const GroupMeta& meta, size_t block) const;
  /// Was damage found in it?
  bool damaged() const;
  std::optional<Chunks> read_filters(size_t group, const GroupMeta& meta, size_t block,
                                     std::vector<uint32_t> kinds) const;

 private:
  RowPart(const TableContext& context, PartInfo info, std::unique_ptr<base::ReadableFile> file,
          std::vector<GroupPlace> groups, std::shared_ptr<GroupCache> cache);
  bool is_bad(size_t group, size_t block) const;
  void set_bad(size_t group, size_t block, const Error& error) const;

  static constexpr size_t kWholeGroup = SIZE_MAX;
  std::function<void(const std::string&, const std::string&)> report_;
  PartInfo info_;
  std::unique_ptr<base::ReadableFile> file_;
  std::vector<GroupPlace> groups_;
  std::shared_ptr<GroupCache> cache_;
  mutable std::mutex mutex_;  // guards what follows
  mutable std::vector<std::weak_ptr<const GroupMeta>> metas_;
  mutable std::set<std::pair<size_t, size_t>> bad_;
};

}  // namespace vedette::store::engine
