// Reads blocks of groups back into batches, only the columns that are asked for.
#pragma once

#include <map>
#include <string>

#include "base/fs.h"
#include "model/log_batch.h"
#include "model/span_batch.h"
#include "store/engine/group_writer.h"
#include "store/engine/row_group.h"
#include "store/store.h"

namespace vedette::store::engine {

/// Times are always read; of the rest, what is set.
struct ReadSet {
  bool trace_ids = true;
  bool span_ids = true;  // and parents
  bool durations = true;
  bool resources = true;
  Columns columns;

  static ReadSet everything() { return {true, true, true, true, Columns::everything()}; }
};

Result<GroupMeta> read_group_meta(const base::ReadableFile& file, const GroupPlace& place);

/// The bytes of some chunks of a block, their checksums compared.
class Chunks {
 public:
  /// Kinds that the block does not have are left out.
  static Result<Chunks> load(const base::ReadableFile& file, const GroupPlace& place,
                             const BlockMeta& block, std::vector<uint32_t> kinds);
  /// Empty if not there.
  std::string_view find(uint32_t kind) const;

 private:
  std::vector<std::unique_ptr<std::string>> pieces_;
  std::map<uint32_t, std::string_view> by_kind_;
};

/// kCorruption where bytes fail their checksum or their format.
template <typename Batch>
Result<Batch> read_block(const base::ReadableFile& file, const GroupPlace& place,
                         const GroupMeta& meta, const BlockMeta& block, const ReadSet& set);

}  // namespace vedette::store::engine
