#include "store/engine/engine.h"

#include "base/log.h"
#include "store/engine/engine_impl.h"

namespace vedette::store::engine {
namespace {

constexpr std::string_view kPartSuffix = ".part";

std::optional<uint64_t> number_of_part(std::string_view name) {
  if (!name.ends_with(kPartSuffix)) return std::nullopt;
  name.remove_suffix(kPartSuffix.size());
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return number;
}

std::string part_name(uint64_t number) {
  const std::string digits = std::to_string(number);
  return std::string(digits.size() < 10 ? 10 - digits.size() : 0, '0') + digits +
         std::string(kPartSuffix);
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::open(Options options, base::Fs& fs, base::Clock& clock) {
  auto engine = std::make_unique<EngineImpl>(std::move(options), fs, clock);
  RETURN_IF_ERROR(engine->open());
  return std::unique_ptr<Engine>(std::move(engine));
}

EngineImpl::EngineImpl(Options options, base::Fs& fs, base::Clock& clock)
    : options_(std::move(options)),
      fs_(fs),
      clock_(clock),
      parts_path_(options_.path + "/parts"),
      opened_ns_(clock.now_ns()),
      opened_monotonic_ns_(clock.monotonic_ns()) {
  spans_ = std::make_unique<RowTable<model::SpanBatch>>(table_context());
  logs_ = std::make_unique<RowTable<model::LogBatch>>(table_context());
  samples_ = SampleTable::create(table_context(), {});
  states_[0].table = spans_.get();
  states_[1].table = logs_.get();
  states_[2].table = samples_.get();
}

EngineImpl::~EngineImpl() {
  stop_background();
  writer_.reset();
}

TableContext EngineImpl::table_context() {
  return {
      .fs = fs_,
      .clock = clock_,
      .parts_path = parts_path_,
      .new_file_name = [this] { return part_name(next_file_++); },
      .report_corruption = [this](const std::string& file,
                                  const std::string& why) { report_corruption(file, why); },
  };
}

void EngineImpl::report_corruption(const std::string& file, const std::string& why) {
  ++quarantined_;
  log_error("stored data is damaged; it is left out and the rest is served",
            {{"file", file}, {"why", why}});
}

Status EngineImpl::open() {
  RETURN_IF_ERROR(fs_.make_dirs(options_.path));
  RETURN_IF_ERROR(fs_.make_dirs(parts_path_));
  ASSIGN_OR_RETURN(lock_, fs_.lock(options_.path + "/LOCK"));
  RETURN_IF_ERROR(recover());
  RETURN_IF_ERROR(replay_log());
  check_disk();
  if (options_.manual_background) return {};
  flusher_ = std::thread([this] { flush_loop(); });
  merger_ = std::thread([this] { merge_loop(); });
  return {};
}

Status EngineImpl::recover() {
  const std::string path = options_.path + "/MANIFEST";
  ASSIGN_OR_RETURN(const std::vector<std::string> files, fs_.list(parts_path_));
  if (fs_.exists(path)) {
    ASSIGN_OR_RETURN(const std::string text, base::read_file(fs_, path));
    ASSIGN_OR_RETURN(manifest_, Manifest::decode(text));
  } else if (!files.empty()) {
    return {Code::kCorruption,
            path +
                " is missing, but there are parts beside it; restore it from a backup, or "
                "move the folder away to start anew"};
  } else {
    bool in_place = false;
    RETURN_IF_ERROR(save_manifest(fs_, path, manifest_, in_place));
  }
  next_file_ = manifest_.next_file;
  remove_strays(files);
  for (const PartInfo& part : manifest_.parts) {
    for (size_t i = 0; i < states_.size(); ++i) {
      if (kEngineTables[i] != part.table) continue;
      if (Status status = states_[i].table->open_part(part); !status.ok()) {
        log_error("a part can't be opened; it is left out",
                  {{"file", part.file}, {"why", status.error().message}});
      }
    }
  }
  return {};
}

void EngineImpl::remove_strays(const std::vector<std::string>& files) {
  std::set<std::string> known;
  for (const PartInfo& part : manifest_.parts) known.insert(part.file);
  for (const std::string& file : files) {
    const auto number = number_of_part(file);
    if (!number) continue;
    next_file_ = std::max<uint64_t>(next_file_, *number + 1);
    if (known.contains(file)) continue;
    if (Status status = fs_.remove(part_path(file)); !status.ok()) {
      log_warn("cannot remove a part that was not finished", {{"why", status.error().message}});
    }
  }
}

Status EngineImpl::replay_log() {
  DedupeWindow window;
  uint64_t records = 0;
  uint64_t sequence_min = 1;
  for (const uint64_t from : manifest_.replay_from) sequence_min = std::max(sequence_min, from);
  const auto replay = [&](uint64_t sequence, WalRecord record) {
    ++records;
    for (const SeenHash& seen : record.carried) window.insert(seen, sequence);
    // A request twice in the log was refused the first time, and could not be cut out of the log
    // then.
    if (!window.insert({record.write.content_hash, record.time_ns}, sequence)) return;
    Write& write = record.write;
    if (sequence < manifest_.replay_from[0]) write.spans.reset();
    if (sequence < manifest_.replay_from[1]) write.logs.reset();
    if (sequence < manifest_.replay_from[2]) write.samples.reset();
    WriteOutcome outcome;
    apply(write, sequence, outcome);
  };
  const auto report = [&](const std::string& file, const std::string& why) {
    report_corruption(file, why);
  };
  Wal::Options wal_options;
  wal_options.folder = options_.path + "/wal";
  wal_options.sync = options_.durability == Durability::kFsync;
  ASSIGN_OR_RETURN(std::unique_ptr<Wal> wal,
                   Wal::open(fs_, wal_options, sequence_min, replay, report));
  window.expire(clock_.now_ns());
  if (records > 0) log_info("log replayed", {{"records", records}, {"bytes", wal->bytes()}});
  writer_ = std::make_unique<Writer>(clock_, std::move(wal), std::move(window),
                                     options_.queue_bytes_max, writer_hooks());
  return {};
}

Status EngineImpl::close() {
  stop_background();
  const std::lock_guard merging(merge_mutex_);
  const std::lock_guard flushing(flush_mutex_);
  if (closed_ || !writer_) return {};
  writer_->stop();
  closed_ = true;
  return flush_all();
}

}  // namespace vedette::store::engine
