#include "store/engine/sample_compactor.h"

#include <algorithm>
#include <map>

#include "store/engine/exemplar_codec.h"

namespace vedette::store::engine {

namespace {

void drop_range(MsRange drop, SampleRun& run, std::vector<ExemplarRow>& exemplars) {
  const auto first = std::lower_bound(run.time_ms.begin(), run.time_ms.end(), drop.begin);
  const auto last = std::lower_bound(first, run.time_ms.end(), drop.end);
  run.value.erase(run.value.begin() + (first - run.time_ms.begin()),
                  run.value.begin() + (last - run.time_ms.begin()));
  run.time_ms.erase(first, last);
  std::erase_if(exemplars, [&drop](const ExemplarRow& row) {
    return row.time_ms >= drop.begin && row.time_ms < drop.end;
  });
}

}  // namespace

/// A writer for each day of its own, and one for the rest, each made when it gets its first row.
class SampleCompactor::Writers {
 public:
  Writers(const TableContext& context, std::vector<int64_t> days) : context_(context) {
    for (int64_t day : days) writers_[day];
  }

  void begin_series(SeriesId id, std::string_view canonical) {
    id_ = id;
    canonical_ = canonical;
    for (auto& [day, writer] : writers_) writer.has_series = false;
    rest_.has_series = false;
  }
  Status add(const SampleRun& run) {
    for (size_t begin = 0; begin < run.size();) {
      size_t end = 0;
      Slot& slot = slot_of(run.time_ms[begin]);
      if (&slot == &rest_) {
        end = begin;
        while (end < run.size() && &slot_of(run.time_ms[end]) == &rest_) ++end;
      } else {
        const int64_t midnight = (day_of(run.time_ms[begin]) + 1) * kMsPerDay;
        end = static_cast<size_t>(
            std::lower_bound(run.time_ms.begin() + static_cast<ptrdiff_t>(begin), run.time_ms.end(),
                             midnight) -
            run.time_ms.begin());
      }
      RETURN_IF_ERROR(prepare(slot));
      RETURN_IF_ERROR(slot.writer->add_samples(std::span(run.time_ms).subspan(begin, end - begin),
                                               std::span(run.value).subspan(begin, end - begin)));
      begin = end;
    }
    return {};
  }
  Status add(const std::vector<ExemplarRow>& rows) {
    std::map<Slot*, std::vector<ExemplarRow>> by_slot;
    for (const ExemplarRow& row : rows) by_slot[&slot_of(row.time_ms)].push_back(row);
    for (auto& [slot, some] : by_slot) {
      RETURN_IF_ERROR(prepare(*slot));
      RETURN_IF_ERROR(slot->writer->add_exemplars(some));
    }
    return {};
  }
  /// `even_if_empty`: a part is made for the metadata alone.
  Result<std::vector<SamplePartWriter::Finished>> finish(
      const SamplePartOrigin& origin, const std::vector<model::MetricMetadata>& metadata,
      bool even_if_empty) {
    std::vector<SamplePartWriter::Finished> out;
    std::vector<Slot*> slots;
    for (auto& [day, slot] : writers_) slots.push_back(&slot);
    slots.push_back(&rest_);
    const bool empty = std::none_of(slots.begin(), slots.end(),
                                    [](const Slot* s) { return s->writer != nullptr; });
    if (empty && even_if_empty) RETURN_IF_ERROR(make(rest_));
    for (Slot* slot : slots) {
      if (!slot->writer) continue;
      auto finished = slot->writer->finish(origin, metadata, context_.clock.now_ns() / kNsPerMs);
      if (!finished.ok()) {
        for (const auto& written : out)
          (void)context_.fs.remove(context_.parts_path + "/" + written.info.file);
        return finished.error();
      }
      out.push_back(std::move(*finished));
    }
    return out;
  }

 private:
  struct Slot {
    std::unique_ptr<SamplePartWriter> writer;
    bool has_series = false;
  };

  Slot& slot_of(int64_t time_ms) {
    const auto own = writers_.find(day_of(time_ms));
    return own == writers_.end() ? rest_ : own->second;
  }
  Status make(Slot& slot) {
    ASSIGN_OR_RETURN(slot.writer, SamplePartWriter::create(context_.fs, context_.parts_path,
                                                           context_.new_file_name()));
    return {};
  }
  Status prepare(Slot& slot) {
    if (!slot.writer) RETURN_IF_ERROR(make(slot));
    if (!slot.has_series) slot.writer->begin_series(id_, canonical_);
    slot.has_series = true;
    return {};
  }

  const TableContext& context_;
  std::map<int64_t, Slot> writers_;
  Slot rest_;
  SeriesId id_ = 0;
  std::string_view canonical_;
};

Result<SamplePartList> SampleCompactor::open_written(
    std::vector<SamplePartWriter::Finished> written) {
  SamplePartList out;
  for (SamplePartWriter::Finished& w : written) {
    auto part =
        SamplePart::open(context_.fs, context_.parts_path, w.info, context_.report_corruption);
    if (!part.ok()) {
      for (const auto& each : written)
        (void)context_.fs.remove(context_.parts_path + "/" + each.info.file);
      return part.error();
    }
    (*part)->bind(std::move(w.ids));
    out.push_back(std::move(*part));
  }
  return out;
}

Result<SamplePartList> SampleCompactor::flush(const HeadSet& head,
                                              const std::vector<model::MetricMetadata>& metadata,
                                              uint64_t sequence) {
  std::vector<std::pair<int64_t, uint64_t>> fullest = head.samples.days();
  std::sort(fullest.begin(), fullest.end(),
            [](const auto& a, const auto& b) { return a.second > b.second; });
  fullest.resize(std::min(fullest.size(), kFlushDays));
  std::vector<int64_t> days;
  for (const auto& [day, rows] : fullest) days.push_back(day);

  const auto pin = index_.pin();
  std::vector<SeriesId> ids = head.samples.series();
  for (SeriesId id : head.exemplars.series()) {
    if (!head.samples.has(id)) ids.push_back(id);
  }
  order_.sort(ids);
  Writers writers(context_, std::move(days));
  SampleRun run;
  std::vector<ExemplarRow> exemplars;
  for (SeriesId id : ids) {
    writers.begin_series(id, index_.canonical(id));
    run.clear();
    head.samples.collect(id, INT64_MIN, INT64_MAX, run);
    RETURN_IF_ERROR(writers.add(run));
    exemplars.clear();
    head.exemplars.collect(id, INT64_MIN, INT64_MAX, exemplars);
    if (!exemplars.empty()) RETURN_IF_ERROR(writers.add(exemplars));
  }
  ASSIGN_OR_RETURN(auto written,
                   writers.finish({sequence, sequence, 0}, metadata, head.metadata_changed));
  return open_written(std::move(written));
}

Result<SampleCompactor::Merged> SampleCompactor::merge(const SamplePartList& parts, uint32_t level,
                                                       MsRange drop, Damage damage) {
  Merged merged;
  SamplePartOrigin origin{UINT64_MAX, 0, level};
  MetadataMap metadata;
  const auto pin = index_.pin();
  std::vector<SeriesId> ids;
  std::vector<SamplePartCursor> cursors;
  cursors.reserve(parts.size());
  for (const auto& part : parts) {
    origin.first_sequence = std::min(origin.first_sequence, part->footer().first_sequence);
    origin.last_sequence = std::max(origin.last_sequence, part->footer().last_sequence);
    ids.insert(ids.end(), part->ids().begin(), part->ids().end());
    ASSIGN_OR_RETURN(const auto known, part->metadata());
    for (const model::MetricMetadata& m : known) metadata.put(m, part->footer().last_sequence);
    cursors.emplace_back(*part);
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  order_.sort(ids);

  Writers writers(context_, {});
  SampleRun run;
  std::vector<ExemplarRow> exemplars;
  for (SeriesId id : ids) {
    writers.begin_series(id, index_.canonical(id));
    run.clear();
    exemplars.clear();
    for (size_t i = 0; i < parts.size(); ++i) {
      const auto place = parts[i]->find(id);
      if (!place) continue;
      const size_t at = run.size();
      RETURN_IF_ERROR(cursors[i].read(*place, INT64_MIN, INT64_MAX, run));
      merge_tail(run, at);
      RETURN_IF_ERROR(parts[i]->read_exemplars(*place, INT64_MIN, INT64_MAX, exemplars));
      if (parts[i]->damaged() && damage == Damage::kRefuse) {
        return Error{Code::kCorruption,
                     "part " + parts[i]->info().file + " is damaged and is not merged"};
      }
    }
    const bool had_any = !run.empty() || !exemplars.empty();
    drop_range(drop, run, exemplars);
    if (run.empty() && exemplars.empty()) {
      merged.lost_series |= had_any;
      continue;
    }
    sort_exemplars(exemplars);
    thin_exemplars(exemplars);
    RETURN_IF_ERROR(writers.add(run));
    if (!exemplars.empty()) RETURN_IF_ERROR(writers.add(exemplars));
  }
  ASSIGN_OR_RETURN(auto written,
                   writers.finish(origin, metadata.get({}), /*even_if_empty=*/!merged.lost_series));
  ASSIGN_OR_RETURN(merged.parts, open_written(std::move(written)));
  return merged;
}

}  // namespace vedette::store::engine
