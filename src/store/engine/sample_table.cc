// Puts the sample table together: the index of series, heads, parts. Threads: store/engine/table.h.
#include "store/engine/sample_table.h"

#include <algorithm>
#include <mutex>

#include "store/engine/metadata_map.h"
#include "store/engine/sample_snapshot.h"
#include "store/engine/series_index.h"

namespace vedette::store::engine {
namespace {

/// How many label sets the cache is asked for ahead of their use.
constexpr size_t kPrefetchDistance = 8;

class SampleTableImpl final : public SampleTable {
 public:
  SampleTableImpl(TableContext context, Options options)
      : context_(std::move(context)), index_(options.series_max), active_(std::make_shared<HeadSet>()) {}

  Status open_part(const PartInfo& info) override {
    return {Code::kUnimplemented, "sample parts are not read yet: " + info.file};
  }

  // Writer thread.
  void apply(const model::SampleBatch& batch, int64_t oldest_ms, WriteOutcome& outcome) override;
  size_t head_bytes() const override { return active_->bytes(); }
  int64_t head_since_ns() const override { return active_->since_ns; }
  bool freeze() override { return false; }

  // Background thread.
  Result<std::vector<PartInfo>> write_frozen() override { return std::vector<PartInfo>(); }
  std::vector<std::string> pick_merge() const override { return {}; }
  Result<std::vector<PartInfo>> merge(const std::vector<std::string>&) override {
    return std::vector<PartInfo>();
  }
  Result<std::vector<PartInfo>> rewrite(const std::string&, TimeRange, const KeepTrace*) override {
    return std::vector<PartInfo>();
  }

  // Any thread.
  void publish(const PartChange&) override {}
  std::vector<PartInfo> parts() const override { return {}; }
  TableStats stats() const override {
    const SampleSnapshot now = snapshot();
    TableStats out;
    out.table = "samples";
    out.rows = now.active->samples.rows() + (now.frozen ? now.frozen->samples.rows() : 0);
    out.memory_bytes = index_.bytes();
    return out;
  }
  Result<std::vector<Series>> series(std::span<const Matcher> matchers, TimeRange range,
                                     const ReadContext& context) override {
    return index_.select(matchers, range, context);
  }
  Status samples(std::span<const SeriesId> ids, TimeRange range, const ReadContext& context,
                 const Store::SampleVisitor& visit) override {
    return read_samples(snapshot(), ids, range, context, visit);
  }
  Result<std::vector<Exemplar>> exemplars(std::span<const SeriesId> ids, TimeRange range, size_t limit,
                                          const ReadContext& context) override {
    return read_exemplars(snapshot(), ids, range, limit, context);
  }
  std::vector<model::MetricMetadata> metadata(const std::string& family) override { return metadata_.get(family); }
  Result<std::vector<std::string>> label_names(const ValuesQuery& query, const ReadContext&) override {
    return index_.label_names(query);
  }
  Result<std::vector<std::string>> label_values(const ValuesQuery& query, const ReadContext&) override {
    return index_.label_values(query);
  }
  uint64_t series_count() const override { return index_.size(); }

 private:
  static constexpr SeriesId kUnknown = UINT32_MAX;
  static constexpr SeriesId kRefused = UINT32_MAX - 1;

  SampleSnapshot snapshot() const {
    const std::lock_guard lock(state_mutex_);
    return {frozen_, active_};
  }
  void touch() {
    if (active_->since_ns == 0) active_->since_ns = context_.clock.now_ns();
  }
  void resolve_label_sets(const model::SampleBatch& batch, WriteOutcome& outcome);
  void apply_samples(const model::SampleBatch& batch, int64_t oldest_ms, WriteOutcome& outcome);
  void apply_exemplars(const model::SampleBatch& batch, int64_t oldest_ms);

  TableContext context_;
  SeriesIndex index_;
  MetadataMap metadata_;
  std::vector<SeriesId> ids_;  // by label set of the batch at hand

  mutable std::mutex state_mutex_;  // held to copy or set the pointers below
  std::shared_ptr<HeadSet> active_;
  std::shared_ptr<const HeadSet> frozen_;
};

void refuse(WriteOutcome& outcome, const std::string& reason) {
  ++outcome.rejected_samples;
  if (outcome.reason.empty()) outcome.reason = reason;
}

void SampleTableImpl::resolve_label_sets(const model::SampleBatch& batch, WriteOutcome& outcome) {
  const size_t count = batch.label_sets.size();
  ids_.resize(count);
  for (size_t i = 0; i < count; ++i) {
    if (i + kPrefetchDistance < count) index_.prefetch(batch.label_sets[i + kPrefetchDistance].hash);
    const Result<SeriesId> id = index_.resolve(batch.label_sets[i].hash, batch.labels(static_cast<uint32_t>(i)));
    ids_[i] = id.ok() ? *id : kRefused;
    if (!id.ok() && outcome.reason.empty()) outcome.reason = id.error().message;
  }
}

void SampleTableImpl::apply_samples(const model::SampleBatch& batch, int64_t oldest_ms, WriteOutcome& outcome) {
  SampleHead& head = active_->samples;
  for (size_t i = 0; i < batch.size(); ++i) {
    if (i + kPrefetchDistance < batch.size()) head.prefetch(ids_[batch.label_set[i + kPrefetchDistance]]);
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

void SampleTableImpl::apply(const model::SampleBatch& batch, int64_t oldest_ms, WriteOutcome& outcome) {
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

}  // namespace

std::unique_ptr<SampleTable> SampleTable::create(TableContext context, Options options) {
  return std::make_unique<SampleTableImpl>(std::move(context), options);
}

}  // namespace vedette::store::engine
