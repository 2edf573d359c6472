#include "store/engine/wal.h"

#include "base/bytes.h"
#include "base/log.h"
#include "store/engine/checksum.h"

namespace vedette::store::engine {
namespace {

constexpr std::string_view kSegmentMagic = "VDTWAL01";
constexpr uint32_t kRecordMagic = 0x5ec0ad1eu;
constexpr size_t kHeaderBytes = 4 + 4 + 8 + 8;  // magic, length, number, checksum
constexpr size_t kGroupBytesKept = 4u << 20;    // of buffer, between commits
constexpr std::string_view kSuffix = ".wal";

std::string segment_name(uint64_t first) {
  std::string digits = std::to_string(first);
  return std::string(20 - digits.size(), '0') + digits + std::string(kSuffix);
}

std::optional<uint64_t> first_of_name(std::string_view name) {
  if (!name.ends_with(kSuffix)) return std::nullopt;
  name.remove_suffix(kSuffix.size());
  uint64_t first = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), first);
  if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return first;
}

uint64_t record_checksum(uint64_t sequence, std::string_view payload) {
  return checksum(payload, sequence * 0x9e3779b97f4a7c15ull + payload.size());
}

struct Found {
  uint64_t sequence = 0;
  std::string_view payload;
  size_t end = 0;
};

/// The whole and undamaged record at `at`, if there is one.
std::optional<Found> record_at(std::string_view file, size_t at) {
  if (file.size() - at < kHeaderBytes) return std::nullopt;
  base::ByteReader r(file.substr(at));
  if (r.fixed<uint32_t>() != kRecordMagic) return std::nullopt;
  const auto length = r.fixed<uint32_t>();
  Found found;
  found.sequence = r.fixed<uint64_t>();
  const auto sum = r.fixed<uint64_t>();
  if (length > r.left()) return std::nullopt;
  found.payload = r.raw(length);
  found.end = at + kHeaderBytes + length;
  if (record_checksum(found.sequence, found.payload) != sum) return std::nullopt;
  return found;
}

/// Where the next undamaged record starts, from `at` on.
std::optional<size_t> next_record(std::string_view file, size_t at) {
  const std::string_view magic(reinterpret_cast<const char*>(&kRecordMagic), sizeof kRecordMagic);
  for (at = file.find(magic, at); at != std::string_view::npos; at = file.find(magic, at + 1)) {
    if (record_at(file, at)) return at;
  }
  return std::nullopt;
}

}  // namespace

Result<std::unique_ptr<Wal>> Wal::open(base::Fs& fs, Options options, uint64_t sequence_min,
                                       const Replay& replay, const Report& report) {
  std::unique_ptr<Wal> wal(new Wal(fs, std::move(options)));
  wal->next_sequence_ = std::max<uint64_t>(sequence_min, 1);
  RETURN_IF_ERROR(fs.make_dirs(wal->options_.folder));
  ASSIGN_OR_RETURN(const std::vector<std::string> names, fs.list(wal->options_.folder));
  for (const std::string& name : names) {
    const auto first = first_of_name(name);
    if (first) wal->segments_.push_back({*first, wal->options_.folder + "/" + name, 0});
  }
  for (Segment& segment : wal->segments_) {
    const bool last = &segment == &wal->segments_.back();
    RETURN_IF_ERROR(wal->replay_segment(segment, last, replay, report));
    wal->next_sequence_ = std::max(wal->next_sequence_, segment.first + 1);
    wal->bytes_ += segment.bytes;
  }
  return wal;
}

Status Wal::replay_segment(Segment& segment, bool last, const Replay& replay,
                           const Report& report) {
  ASSIGN_OR_RETURN(const std::string content, base::read_file(fs_, segment.path));
  segment.bytes = content.size();
  size_t at = kSegmentMagic.size();
  if (!content.starts_with(kSegmentMagic)) {
    // Where nothing can be read at all, it is the torn tail of a log that had just begun this
    // segment; else the search below finds and reports what is damaged.
    at = 0;
  }
  while (at < content.size()) {
    const std::optional<Found> found = record_at(content, at);
    if (!found) {
      const std::optional<size_t> next = next_record(content, at + 1);
      if (!next) break;
      report(segment.path,
             "damaged bytes from " + std::to_string(at) + " to " + std::to_string(*next));
      at = *next;
      continue;
    }
    at = found->end;
    next_sequence_ = std::max(next_sequence_, found->sequence + 1);
    Result<WalRecord> record = decode_record(found->payload);
    if (record.ok()) {
      replay(found->sequence, *std::move(record));
    } else {
      report(segment.path, record.error().message);
    }
  }
  if (at >= content.size()) return {};
  log_warn("log segment ends in a record that was not finished; cut off",
           {{"file", segment.path}, {"bytes", content.size() - at}});
  if (!last) return {};
  segment.bytes = at;
  return fs_.truncate(segment.path, at);
}

uint64_t Wal::add(const WalRecord& record) {
  if (group_.empty()) group_first_ = next_sequence_;
  const size_t header = group_.size();
  group_.resize(header + kHeaderBytes);
  encode_record(record, group_);
  const std::string_view payload = std::string_view(group_).substr(header + kHeaderBytes);
  const auto length = static_cast<uint32_t>(payload.size());
  const uint64_t sum = record_checksum(next_sequence_, payload);
  char* at = group_.data() + header;
  std::memcpy(at, &kRecordMagic, 4);
  std::memcpy(at + 4, &length, 4);
  std::memcpy(at + 8, &next_sequence_, 8);
  std::memcpy(at + 16, &sum, 8);
  return next_sequence_++;
}

Status Wal::commit() {
  if (group_.empty()) return {};
  Status status = write_group();
  if (!status.ok()) abandon_segment();
  group_.clear();
  if (group_.capacity() > kGroupBytesKept) group_.shrink_to_fit();
  return status;
}

Status Wal::write_group() {
  if (file_ && segments_.back().bytes > options_.segment_bytes_max) rotate();
  if (!file_) RETURN_IF_ERROR(open_segment());
  RETURN_IF_ERROR(file_->append(group_));
  if (options_.sync) RETURN_IF_ERROR(file_->sync());
  segments_.back().bytes += group_.size();
  bytes_ += group_.size();
  return {};
}

Status Wal::open_segment() {
  const std::string path = options_.folder + "/" + segment_name(group_first_);
  ASSIGN_OR_RETURN(file_, fs_.create(path));
  segments_.push_back({group_first_, path, 0});
  RETURN_IF_ERROR(file_->append(kSegmentMagic));
  segments_.back().bytes = kSegmentMagic.size();
  bytes_ += kSegmentMagic.size();
  if (options_.sync) RETURN_IF_ERROR(fs_.sync_dir(options_.folder));
  return {};
}

void Wal::abandon_segment() {
  if (!file_) return;
  file_.reset();
  // Should this fail too, the refused records may come back after a restart: the promise is that
  // what was acknowledged is kept, and content hashes still find repeated requests.
  const Segment& segment = segments_.back();
  if (Status status = fs_.truncate(segment.path, segment.bytes); !status.ok()) {
    log_warn("cannot cut a log segment back", {{"why", status.error().message}});
  }
}

void Wal::rotate() {
  if (!file_) return;
  if (Status status = file_->close(); !status.ok()) {
    log_warn("cannot close a log segment", {{"why", status.error().message}});
  }
  file_.reset();
}

uint64_t Wal::first_kept(uint64_t sequence) const {
  for (size_t i = 0; i < segments_.size(); ++i) {
    const bool written = i + 1 == segments_.size() && file_;
    const uint64_t end = i + 1 < segments_.size() ? segments_[i + 1].first : next_sequence_;
    if (written || end > sequence) return segments_[i].first;
  }
  return next_sequence_;
}

Status Wal::remove_before(uint64_t sequence) {
  const uint64_t first = first_kept(sequence);
  while (!segments_.empty() && segments_.front().first < first) {
    if (Status status = fs_.remove(segments_.front().path);
        !status.ok() && status.error().code != Code::kNotFound) {
      return status;
    }
    bytes_ -= segments_.front().bytes;
    segments_.erase(segments_.begin());
  }
  return {};
}

}  // namespace vedette::store::engine
