#include "store/engine/manifest.h"

#include "store/engine/checksum.h"

namespace vedette::store::engine {
namespace {

constexpr std::string_view kFirstLine = "vedette manifest 1\n";
constexpr std::string_view kTrailer = "checksum ";

Error corrupt(std::string_view why) {
  return {Code::kCorruption, "the manifest is damaged: " + std::string(why)};
}

/// Words of a line, one after the other.
class Line {
 public:
  explicit Line(std::string_view text) : left_(text) {}
  std::string_view word() {
    const size_t space = left_.find(' ');
    const std::string_view found = left_.substr(0, space);
    left_ = space == std::string_view::npos ? std::string_view() : left_.substr(space + 1);
    if (found.empty()) ok_ = false;
    return found;
  }
  template <typename T>
  T number() {
    const std::string_view text = word();
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) ok_ = false;
    return value;
  }
  bool ended() const { return ok_ && left_.empty(); }
  void fail() { ok_ = false; }

 private:
  std::string_view left_;
  bool ok_ = true;
};

PartInfo part_of(Line& line) {
  PartInfo part;
  const auto table = table_of_name(line.word());
  if (!table) line.fail();
  part.table = table.value_or(Table::kSpans);
  part.file = line.word();
  if (part.file.find('/') != std::string::npos) line.fail();
  part.level = line.number<uint32_t>();
  part.rows = line.number<uint64_t>();
  part.bytes = line.number<uint64_t>();
  part.min_time_ns = line.number<int64_t>();
  part.max_time_ns = line.number<int64_t>();
  return part;
}

std::string hex(uint64_t v) {
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(v));
  return digits;
}

}  // namespace

std::string_view table_name(Table table) {
  switch (table) {
    case Table::kSpans:
      return "spans";
    case Table::kLogs:
      return "logs";
    case Table::kSamples:
      return "samples";
    case Table::kSeries:
      return "series";
    case Table::kExemplars:
      return "exemplars";
    case Table::kTraces:
      return "traces";
  }
  return "unknown";
}

std::optional<Table> table_of_name(std::string_view name) {
  for (const Table table : kEngineTables) {
    if (name == table_name(table)) return table;
  }
  return std::nullopt;
}

std::string Manifest::encode() const {
  std::string text(kFirstLine);
  text += "next " + std::to_string(next_file) + '\n';
  for (size_t i = 0; i < kEngineTables.size(); ++i) {
    text += "replay ";
    text += table_name(kEngineTables[i]);
    text += ' ' + std::to_string(replay_from[i]) + '\n';
  }
  for (const PartInfo& part : parts) {
    text += "part ";
    text += table_name(part.table);
    text += ' ' + part.file;
    text += ' ' + std::to_string(part.level) + ' ' + std::to_string(part.rows);
    text += ' ' + std::to_string(part.bytes) + ' ' + std::to_string(part.min_time_ns);
    text += ' ' + std::to_string(part.max_time_ns) + '\n';
  }
  text += std::string(kTrailer) + hex(checksum(text)) + '\n';
  return text;
}

Result<Manifest> Manifest::decode(std::string_view text) {
  if (!text.starts_with("vedette manifest ")) return corrupt("it does not begin as one");
  if (!text.starts_with(kFirstLine)) {
    return Error{Code::kCorruption, "the data folder was written by a newer version; use that one"};
  }
  const size_t trailer = text.rfind(kTrailer);
  if (trailer == std::string_view::npos) return corrupt("its end is missing");
  const std::string_view body = text.substr(0, trailer);
  if (text.substr(trailer) != std::string(kTrailer) + hex(checksum(body)) + '\n') {
    return corrupt("its checksum does not fit");
  }
  Manifest manifest;
  for (size_t at = kFirstLine.size(); at < body.size();) {
    const size_t end = body.find('\n', at);
    if (end == std::string_view::npos) return corrupt("a line does not end");
    Line line(body.substr(at, end - at));
    at = end + 1;
    const std::string_view kind = line.word();
    if (kind == "next") {
      manifest.next_file = line.number<uint64_t>();
    } else if (kind == "replay") {
      const auto table = table_of_name(line.word());
      const auto from = line.number<uint64_t>();
      for (size_t i = 0; i < kEngineTables.size(); ++i) {
        if (table == kEngineTables[i]) manifest.replay_from[i] = from;
      }
    } else if (kind == "part") {
      manifest.parts.push_back(part_of(line));
    } else {
      line.fail();
    }
    if (!line.ended()) return corrupt("a line is not understood");
  }
  return manifest;
}

Status save_manifest(base::Fs& fs, const std::string& path, const Manifest& manifest,
                     bool& in_place) {
  in_place = false;
  const std::string aside = path + ".tmp";
  ASSIGN_OR_RETURN(const std::unique_ptr<base::WritableFile> file, fs.create(aside));
  RETURN_IF_ERROR(file->append(manifest.encode()));
  RETURN_IF_ERROR(file->sync());
  RETURN_IF_ERROR(file->close());
  in_place = true;
  RETURN_IF_ERROR(fs.rename(aside, path));
  return fs.sync_dir(path.substr(0, path.rfind('/')));
}

}  // namespace vedette::store::engine
