#include "store/engine/part_file.h"

#include "base/log.h"
#include "store/engine/checksum.h"
#include "store/engine/plain_columns.h"

namespace vedette::store::engine {
namespace {

constexpr std::string_view kMagic = "VDTROWS1";
constexpr size_t kTailBytes = 4 + 8 + 8;  // footer's length, checksum, magic

Error corrupt(std::string_view why) {
  return {Code::kCorruption, "the part's footer is damaged: " + std::string(why)};
}

std::string encode_footer(Table table, const std::vector<GroupPlace>& groups) {
  std::string out;
  base::ByteWriter w(out);
  w.fixed(static_cast<uint8_t>(table));
  w.varint(groups.size());
  for (const GroupPlace& g : groups) {
    w.varint(g.offset);
    w.varint(g.blocks_bytes);
    w.varint(g.meta_packed);
    w.varint(g.meta_size);
    w.fixed(g.meta_checksum);
    w.varint(g.rows);
    w.varint(g.blocks);
    w.fixed(g.min_ns);
    w.fixed(g.max_ns);
    w.fixed(g.first_start_ns);
  }
  return out;
}

}  // namespace

PartFileWriter::PartFileWriter(const TableContext& context, Table table, uint32_t level)
    : context_(context) {
  info_.table = table;
  info_.level = level;
}

PartFileWriter::~PartFileWriter() {
  if (!file_) return;
  file_.reset();
  if (Status status = context_.fs.remove(path()); !status.ok()) {
    log_warn("cannot remove a part that was not finished", {{"why", status.error().message}});
  }
}

Status PartFileWriter::append_group(GroupPlace place) {
  if (!file_) {
    info_.file = context_.new_file_name();
    ASSIGN_OR_RETURN(file_, context_.fs.create(path()));
    RETURN_IF_ERROR(file_->append(kMagic));
    info_.bytes = kMagic.size();
    info_.min_time_ns = place.min_ns;
    info_.max_time_ns = place.max_ns;
  }
  place.offset = info_.bytes;
  RETURN_IF_ERROR(file_->append(buffer_));
  info_.bytes += buffer_.size();
  info_.rows += place.rows;
  info_.min_time_ns = std::min(info_.min_time_ns, place.min_ns);
  info_.max_time_ns = std::max(info_.max_time_ns, place.max_ns);
  groups_.push_back(place);
  return {};
}

Result<PartInfo> PartFileWriter::finish() {
  std::string tail = encode_footer(info_.table, groups_);
  const auto length = static_cast<uint32_t>(tail.size());
  const uint64_t sum = checksum(tail);
  base::ByteWriter w(tail);
  w.fixed(length);
  w.fixed(sum);
  w.raw(kMagic);
  RETURN_IF_ERROR(file_->append(tail));
  RETURN_IF_ERROR(file_->sync());
  RETURN_IF_ERROR(file_->close());
  info_.bytes += tail.size();
  file_.reset();
  return info_;
}

Result<std::vector<GroupPlace>> read_part_footer(const base::ReadableFile& file, Table table) {
  if (file.size() < kMagic.size() + kTailBytes) return corrupt("the file is too short");
  std::string tail(kTailBytes, '\0');
  RETURN_IF_ERROR(file.read(file.size() - kTailBytes, tail));
  base::ByteReader t(tail);
  const auto length = t.fixed<uint32_t>();
  const auto sum = t.fixed<uint64_t>();
  if (t.raw(kMagic.size()) != kMagic) return corrupt("it is not a part, or not of this version");
  if (length > file.size() - kTailBytes - kMagic.size())
    return corrupt("it is longer than the file");
  const uint64_t end = file.size() - kTailBytes - length;
  std::string footer(length, '\0');
  RETURN_IF_ERROR(file.read(end, footer));
  if (checksum(footer) != sum) return corrupt("its checksum does not fit");

  PlainReader r(footer);
  if (r.fixed<uint8_t>() != static_cast<uint8_t>(table)) return corrupt("it is of another table");
  std::vector<GroupPlace> groups(r.count());
  for (GroupPlace& g : groups) {
    g.offset = r.varint();
    g.blocks_bytes = r.varint();
    g.meta_packed = static_cast<uint32_t>(r.varint());
    g.meta_size = static_cast<uint32_t>(r.varint());
    g.meta_checksum = r.fixed<uint64_t>();
    g.rows = static_cast<uint32_t>(r.varint());
    g.blocks = static_cast<uint32_t>(r.varint());
    g.min_ns = r.fixed<int64_t>();
    g.max_ns = r.fixed<int64_t>();
    g.first_start_ns = r.fixed<int64_t>();
    if (g.offset > end || g.blocks_bytes > end - g.offset ||
        g.meta_packed > end - g.offset - g.blocks_bytes) {
      return corrupt("a group lies outside the file");
    }
  }
  if (!r.ok() || r.left() != 0) return corrupt("its format is unknown");
  return groups;
}

}  // namespace vedette::store::engine
