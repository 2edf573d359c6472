// A part's groups behind right checksums: a description and a block's chunks of any bytes. Input: a
// byte that chooses the table, four bytes of length, so many bytes of description, the rest are the
// blocks' chunks.
#include <cstring>

#include "base/sim_fs.h"
#include "store/engine/checksum.h"
#include "store/engine/group_filter.h"
#include "store/engine/group_reader.h"

using namespace vedette;
using namespace vedette::store;
using namespace vedette::store::engine;

namespace {

/// Bytes in memory as a file.
class Bytes final : public base::ReadableFile {
 public:
  explicit Bytes(std::string_view bytes) : bytes_(bytes) {}
  Status read(uint64_t offset, std::span<char> out) const override {
    if (offset > bytes_.size() || out.size() > bytes_.size() - offset)
      return {Code::kCorruption, "short"};
    if (!out.empty()) std::memcpy(out.data(), bytes_.data() + offset, out.size());
    return {};
  }
  uint64_t size() const override { return bytes_.size(); }

 private:
  std::string_view bytes_;
};

template <typename Batch>
void read(GroupMeta meta, std::string_view blocks, Table table) {
  Predicate where;
  where.field = Field::kAttribute;
  where.key = "user.id";
  where.text = "7";
  const auto filter = RowFilter::make(table, {}, std::span(&where, 1));
  const GroupFilter pruned(meta, *filter);
  const Bytes file(blocks);
  GroupPlace place;
  place.blocks_bytes = blocks.size();
  for (BlockMeta& block : meta.blocks) {
    for (ChunkPlace& chunk : block.chunks) {
      if (chunk.offset > blocks.size() || chunk.length > blocks.size() - chunk.offset) continue;
      chunk.checksum = static_cast<uint32_t>(checksum(blocks.substr(chunk.offset, chunk.length)));
    }
    (void)pruned.may_match(block);
    const auto batch = read_block<Batch>(file, place, meta, block, ReadSet::everything());
    std::vector<uint32_t> rows;
    if (batch.ok()) filter->select(*batch, rows);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 5) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  uint32_t length;
  std::memcpy(&length, data + 1, 4);
  if (length > size - 5) return 0;
  auto meta = GroupMeta::decode(input.substr(5, length));
  if (!meta.ok()) return 0;
  const std::string_view blocks = input.substr(5 + length);
  if (data[0] & 1) {
    read<model::SpanBatch>(*std::move(meta), blocks, Table::kSpans);
  } else {
    read<model::LogBatch>(*std::move(meta), blocks, Table::kLogs);
  }
  return 0;
}
