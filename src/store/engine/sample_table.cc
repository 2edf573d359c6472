// Puts the sample table together: the index of series, heads, parts. Threads: store/engine/table.h.
#include "store/engine/sample_table.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <optional>

#include "base/string_table.h"
#include "store/engine/metadata_map.h"
#include "store/engine/sample_compactor.h"
#include "store/engine/sample_merge_policy.h"
#include "store/engine/sample_snapshot.h"
#include "store/engine/series_index.h"

namespace vedette::store::engine {
namespace {

/// How many look-ups or rows the cache is asked ahead; what takes n steps starts n times as far.
constexpr size_t kAhead = 6;

class SampleTableImpl final : public SampleTable {
 public:
  SampleTableImpl(TableContext context, Options options)
      : context_(std::move(context)),
        index_(options.series_max),
        flusher_(context_, index_),
        merger_(context_, index_),
        active_(std::make_shared<HeadSet>()),
        parts_(std::make_shared<SamplePartList>()) {}

  Status open_part(const PartInfo& info) override;

  // Writer thread.
  void apply(const model::SampleBatch& batch, int64_t oldest_ms, WriteOutcome& outcome) override;
  size_t head_bytes() const override { return active_->since_ns == 0 ? 0 : active_->bytes(); }
  int64_t head_since_ns() const override { return active_->since_ns; }
  bool freeze() override;

  // Background thread.
  Result<std::vector<PartInfo>> write_frozen() override;
  std::vector<std::string> pick_merge() const override {
    return pick_sample_merge(*snapshot().parts, context_.clock.now_ns() / kNsPerMs);
  }
  Result<std::vector<PartInfo>> merge(const std::vector<std::string>& files,
                                      int64_t oldest_ns) override {
    const TimeRange expired{std::numeric_limits<int64_t>::min(), oldest_ns};
    return merge_parts(files, 1, to_ms(expired), SampleCompactor::Damage::kRefuse);
  }
  Result<uint64_t> rows_before(const std::string& file, int64_t time_ns) const override;
  Result<std::vector<PartInfo>> rewrite(const std::string& file, TimeRange drop,
                                        const KeepTrace*) override {
    return merge_parts({file}, 0, to_ms(drop), SampleCompactor::Damage::kLeaveOut);
  }

  // Any thread.
  void publish(const PartChange& change) override;
  void discard(const std::vector<PartInfo>& written) override;
  std::vector<PartInfo> parts() const override;
  TableStats stats() const override;
  Result<std::vector<Series>> series(std::span<const Matcher> matchers, TimeRange range,
                                     const ReadContext& context) override {
    return index_.select(matchers, range, context);
  }
  Status samples(std::span<const SeriesId> ids, TimeRange range, const ReadContext& context,
                 const Store::SampleVisitor& visit) override {
    return read_samples(snapshot(), ids, range, context, visit);
  }
  Result<std::vector<Exemplar>> exemplars(std::span<const SeriesId> ids, TimeRange range,
                                          size_t limit, const ReadContext& context) override {
    return read_exemplars(snapshot(), ids, range, limit, context);
  }
  std::vector<model::MetricMetadata> metadata(const std::string& family) override {
    return metadata_.get(family);
  }
  Result<std::vector<std::string>> label_names(const ValuesQuery& query,
                                               const ReadContext&) override {
    return index_.label_names(query);
  }
  Result<std::vector<std::string>> label_values(const ValuesQuery& query,
                                                const ReadContext&) override {
    return index_.label_values(query);
  }
  uint64_t series_count() const override { return index_.size(); }

 private:
  static constexpr SeriesId kRefused = UINT32_MAX - 1;

  SampleSnapshot snapshot() const {
    const std::lock_guard lock(state_mutex_);
    return {parts_, frozen_, active_};
  }
  void touch() {
    if (active_->since_ns == 0) active_->since_ns = context_.clock.now_ns();
  }
  void resolve_label_sets(const model::SampleBatch& batch, WriteOutcome& outcome);
  void apply_samples(const model::SampleBatch& batch, int64_t oldest_ms, WriteOutcome& outcome);
  void apply_exemplars(const model::SampleBatch& batch, int64_t oldest_ms);
  Status index_part(SamplePart& part);
  void forget_series();
  /// Null if it is not there.
  std::shared_ptr<const SamplePart> find(const std::string& file) const;
  Result<std::vector<PartInfo>> merge_parts(const std::vector<std::string>& files,
                                            uint32_t levels_up, MsRange drop,
                                            SampleCompactor::Damage damage);
  std::vector<PartInfo> keep_until_published(const SamplePartList& parts, bool lost_series);

  TableContext context_;
  SeriesIndex index_;
  SampleCompactor flusher_;
  SampleCompactor merger_;
  MetadataMap metadata_;
  std::vector<SeriesId> ids_;  // by label set of the batch at hand

  mutable std::mutex state_mutex_;  // held to copy or set the pointers below
  std::shared_ptr<HeadSet> active_;
  std::shared_ptr<const HeadSet> frozen_;
  std::shared_ptr<const SamplePartList> parts_;
  struct Written {
    std::shared_ptr<const SamplePart> part;
    bool lost_series;  // of the parts it was made from
  };
  std::map<std::string, Written> written_;  // not published yet
  uint64_t next_sequence_ = 1;
  std::atomic<bool> series_may_be_gone_{false};
};

void refuse(WriteOutcome& outcome, const std::string& reason) {
  ++outcome.rejected_samples;
  if (outcome.reason.empty()) outcome.reason = reason;
}

void SampleTableImpl::resolve_label_sets(const model::SampleBatch& batch, WriteOutcome& outcome) {
  const size_t count = batch.label_sets.size();
  ids_.resize(count);
  for (size_t i = 0; i < count; ++i) {
    if (i + 3 * kAhead < count) index_.prefetch_slot(batch.label_sets[i + 3 * kAhead].hash);
    if (i + 2 * kAhead < count) index_.prefetch_entry(batch.label_sets[i + 2 * kAhead].hash);
    if (i + kAhead < count) index_.prefetch_bytes(batch.label_sets[i + kAhead].hash);
    const Result<SeriesId> id =
        index_.resolve(batch.label_sets[i].hash, batch.labels(static_cast<uint32_t>(i)));
    ids_[i] = id.ok() ? *id : kRefused;
    if (!id.ok() && outcome.reason.empty()) outcome.reason = id.error().message;
  }
}

void SampleTableImpl::apply_samples(const model::SampleBatch& batch, int64_t oldest_ms,
                                    WriteOutcome& outcome) {
  SampleHead& head = active_->samples;
  for (size_t i = 0; i < batch.size(); ++i) {
    if (i + 2 * kAhead < batch.size()) head.prefetch_slot(ids_[batch.label_set[i + 2 * kAhead]]);
    if (i + kAhead < batch.size()) head.prefetch_row(ids_[batch.label_set[i + kAhead]]);
    const SeriesId id = ids_[batch.label_set[i]];
    const int64_t time = batch.time_ms[i];
    if (id == kRefused) {
      ++outcome.rejected_samples;
    } else if (time < oldest_ms) {
      refuse(outcome, "a sample is older than the retention");
    } else if (time > kTimeMsMax || time < -kTimeMsMax) {
      refuse(outcome, "the time of a sample is not between the years 1677 and 2262");
    } else {
      index_.cover(id, time);
      head.append(id, time, batch.value[i]);
    }
  }
}

void SampleTableImpl::apply_exemplars(const model::SampleBatch& batch, int64_t oldest_ms) {
  for (size_t i = 0; i < batch.exemplar_time_ms.size(); ++i) {
    const SeriesId id = ids_[batch.exemplar_label_set[i]];
    const int64_t time = batch.exemplar_time_ms[i];
    if (id == kRefused || time < oldest_ms || time > kTimeMsMax || time < -kTimeMsMax) continue;
    index_.cover(id, time);
    active_->exemplars.add(id, {time, batch.exemplar_value[i], batch.exemplar_trace_id[i],
                                batch.exemplar_span_id[i], batch.exemplar_labels[i]});
  }
}

void SampleTableImpl::apply(const model::SampleBatch& batch, int64_t oldest_ms,
                            WriteOutcome& outcome) {
  resolve_label_sets(batch, outcome);
  apply_samples(batch, oldest_ms, outcome);
  apply_exemplars(batch, oldest_ms);
  for (const model::MetricMetadata& metadata : batch.metadata) {
    if (metadata_.put(metadata)) active_->metadata_changed = true;
  }
  const bool holds_something =
      active_->samples.rows() > 0 || active_->metadata_changed || !batch.exemplar_time_ms.empty();
  if (holds_something) touch();
}

/// Brings the part's series, their times and its metadata into memory.
Status SampleTableImpl::index_part(SamplePart& part) {
  std::vector<SeriesId> ids;
  ids.reserve(part.directory().series());
  RETURN_IF_ERROR(
      part.read_dictionary([&](std::string_view canonical, std::span<const LabelView> labels) {
        ids.push_back(index_.restore(base::hash_string(canonical), canonical, labels));
      }));
  const SampleDirectory& directory = part.directory();
  for (size_t i = 0; i < ids.size(); ++i) {
    const uint32_t first = directory.first_block[i], end = directory.first_block[i + 1];
    // A series without blocks is there for its exemplars.
    index_.cover(ids[i], first < end ? directory.columns[directory.blocks[first].column].first_ms
                                     : part.footer().min_ms);
    index_.cover(ids[i], first < end ? directory.columns[directory.blocks[end - 1].column].last_ms
                                     : part.footer().max_ms);
  }
  part.bind(std::move(ids));
  ASSIGN_OR_RETURN(const auto known, part.metadata());
  for (const model::MetricMetadata& m : known) metadata_.put(m, part.footer().last_sequence);
  return {};
}

Status SampleTableImpl::open_part(const PartInfo& info) {
  auto part = SamplePart::open(context_.fs, context_.parts_path, info, context_.report_corruption);
  Status status = part.status();
  if (part.ok()) status = index_part(**part);
  if (!status.ok()) {
    context_.report_corruption(info.file, status.error().message);
    return {};
  }
  const std::lock_guard lock(state_mutex_);
  auto parts = std::make_shared<SamplePartList>(*parts_);
  parts->push_back(std::move(*part));
  sort_parts(*parts);
  next_sequence_ = std::max(next_sequence_, parts->back()->footer().last_sequence + 1);
  parts_ = std::move(parts);
  return {};
}

bool SampleTableImpl::freeze() {
  if (active_->since_ns == 0) return false;
  if (series_may_be_gone_) forget_series();
  auto fresh = std::make_shared<HeadSet>();
  const std::lock_guard lock(state_mutex_);
  frozen_ = std::exchange(active_, std::move(fresh));
  return true;
}

/// Series that were in dropped parts alone leave the index. On the writer thread, when no other
/// head is frozen.
void SampleTableImpl::forget_series() {
  PostingsSet live;
  for (const auto& part : *snapshot().parts) {
    for (SeriesId id : part->ids()) live.add(id);
  }
  for (SeriesId id : active_->samples.series()) live.add(id);
  for (SeriesId id : active_->exemplars.series()) live.add(id);
  if (index_.collect(live)) series_may_be_gone_ = false;
}

std::vector<PartInfo> SampleTableImpl::keep_until_published(const SamplePartList& parts,
                                                            bool lost_series) {
  std::vector<PartInfo> out;
  const std::lock_guard lock(state_mutex_);
  for (const auto& part : parts) {
    out.push_back(part->info());
    written_[part->info().file] = {part, lost_series};
  }
  return out;
}

Result<std::vector<PartInfo>> SampleTableImpl::write_frozen() {
  const SampleSnapshot now = snapshot();
  if (!now.frozen) return std::vector<PartInfo>();
  ASSIGN_OR_RETURN(const SamplePartList parts,
                   flusher_.flush(*now.frozen, metadata_.get({}), next_sequence_));
  ++next_sequence_;
  return keep_until_published(parts, false);
}

std::shared_ptr<const SamplePart> SampleTableImpl::find(const std::string& file) const {
  for (const auto& part : *snapshot().parts) {
    if (part->info().file == file) return part;
  }
  return nullptr;
}

Result<uint64_t> SampleTableImpl::rows_before(const std::string& file, int64_t time_ns) const {
  const auto part = find(file);
  if (!part) return Error{Code::kNotFound, "a sample part to look into is not there any more"};
  const TimeRange before{std::numeric_limits<int64_t>::min(), time_ns};
  return SamplePartCursor(*part).rows_before(to_ms(before).end);
}

Result<std::vector<PartInfo>> SampleTableImpl::merge_parts(const std::vector<std::string>& files,
                                                           uint32_t levels_up, MsRange drop,
                                                           SampleCompactor::Damage damage) {
  SamplePartList inputs;
  uint32_t level = 0;
  for (const auto& part : *snapshot().parts) {
    if (std::find(files.begin(), files.end(), part->info().file) == files.end()) continue;
    level = std::max(level, part->info().level);
    inputs.push_back(part);
  }
  if (inputs.size() != files.size())
    return Error{Code::kNotFound, "a sample part to merge is not there any more"};
  ASSIGN_OR_RETURN(const SampleCompactor::Merged merged,
                   merger_.merge(inputs, level + levels_up, drop, damage));
  return keep_until_published(merged.parts, merged.lost_series);
}

void SampleTableImpl::publish(const PartChange& change) {
  const std::lock_guard lock(state_mutex_);
  auto parts = std::make_shared<SamplePartList>();
  for (const auto& part : *parts_) {
    const auto& removed = change.removed;
    if (std::find(removed.begin(), removed.end(), part->info().file) == removed.end())
      parts->push_back(part);
  }
  for (const PartInfo& info : change.added) {
    const auto made = written_.extract(info.file);
    if (made.empty()) continue;
    parts->push_back(made.mapped().part);
    if (made.mapped().lost_series) series_may_be_gone_ = true;
  }
  sort_parts(*parts);
  parts_ = std::move(parts);
  if (change.frozen_written) frozen_.reset();
  if (!change.removed.empty() && change.added.empty()) series_may_be_gone_ = true;
}

void SampleTableImpl::discard(const std::vector<PartInfo>& written) {
  const std::lock_guard lock(state_mutex_);
  for (const PartInfo& info : written) written_.erase(info.file);
}

std::vector<PartInfo> SampleTableImpl::parts() const {
  std::vector<PartInfo> out;
  for (const auto& part : *snapshot().parts) out.push_back(part->info());
  return out;
}

TableStats SampleTableImpl::stats() const {
  const SampleSnapshot now = snapshot();
  TableStats out;
  out.table = "samples";
  out.parts = now.parts->size();
  out.memory_bytes = index_.bytes();
  for (const auto& part : *now.parts) {
    out.rows += part->info().rows;
    out.disk_bytes += part->info().bytes;
    out.memory_bytes += part->memory_bytes();
  }
  for (const HeadSet* head : {now.frozen.get(), now.active.get()}) {
    if (!head) continue;
    out.rows += head->samples.rows();
    out.memory_bytes += head->bytes();
  }
  return out;
}

}  // namespace

std::unique_ptr<SampleTable> SampleTable::create(TableContext context, Options options) {
  return std::make_unique<SampleTableImpl>(std::move(context), options);
}

}  // namespace vedette::store::engine
