// A part's file: groups one behind the other, then a footer that says where they are.
// docs/format/row_part.md.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "store/engine/group_writer.h"
#include "store/engine/table.h"

namespace vedette::store::engine {

/// Writes one part. Single-threaded. Without finish(), the file is removed.
class PartFileWriter {
 public:
  PartFileWriter(const TableContext& context, Table table, uint32_t level);
  ~PartFileWriter();
  PartFileWriter(const PartFileWriter&) = delete;
  PartFileWriter& operator=(const PartFileWriter&) = delete;

  template <typename Batch>
  Status add_group(const Batch& sorted) {
    if (sorted.empty()) return {};
    buffer_.clear();
    GroupPlace place = encode_group(sorted, buffer_);
    return append_group(place);
  }
  /// Synced and closed.
  Result<PartInfo> finish();
  uint64_t rows() const { return info_.rows; }

 private:
  Status append_group(GroupPlace place);
  std::string path() const { return context_.parts_path + "/" + info_.file; }

  const TableContext& context_;
  PartInfo info_;
  std::unique_ptr<base::WritableFile> file_;
  std::vector<GroupPlace> groups_;
  std::string buffer_;
};

/// The groups of a part, from its footer; kCorruption where that can't be trusted.
Result<std::vector<GroupPlace>> read_part_footer(const base::ReadableFile& file, Table table);

}  // namespace vedette::store::engine
