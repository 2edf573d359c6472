// What the tests of the sample table share: a batch in few words, an oracle of std::map, reads into plain values.
#pragma once

#include <bit>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "model/sample_batch.h"
#include "store/engine/sample_table.h"
#include "store/engine/sample_test_fs.h"

namespace vedette::store::engine::testing {

inline model::Labels labels(std::vector<model::Label> pairs) { return model::Labels::of(std::move(pairs)); }

inline void add(model::SampleBatch& batch, const model::Labels& set, int64_t time_ms, double value) {
  batch.add(batch.add_label_set(set.canonical()), time_ms, value);
}

/// Value bits by time, by canonical labels: what a correct table answers.
using Oracle = std::map<std::string, std::map<int64_t, uint64_t>>;

/// All that the table holds in the range.
inline Oracle read_all(SampleTable& table, TimeRange range = {}) {
  Oracle out;
  const ReadContext context;
  const auto series = table.series({}, range, context);
  if (!series.ok()) return out;
  std::vector<SeriesId> ids;
  for (const Series& s : *series) ids.push_back(s.id);
  const Status read = table.samples(ids, range, context, [&](size_t i, auto times, auto values) {
    auto& samples = out[(*series)[i].labels.canonical()];
    for (size_t j = 0; j < times.size(); ++j) samples[times[j]] = std::bit_cast<uint64_t>(values[j]);
    return samples.size() == times.size();  // distinct, or the read ends early and the test sees it
  });
  if (!read.ok()) out.clear();
  return out;
}

/// A table over a file system in memory, and what the engine does to it.
struct Bench {
  struct Sample {
    model::Labels set;
    int64_t time_ms;
    double value;
  };

  Bench() { restart(); }

  void restart() {
    TableContext context{fs, clock, "parts", [this] { return "samples-" + std::to_string(++files); },
                         [this](const std::string& file, const std::string& why) { reports.push_back(file + ": " + why); }};
    table = SampleTable::create(std::move(context), options);
  }
  WriteOutcome apply(const model::SampleBatch& batch) {
    WriteOutcome outcome;
    table->apply(batch, INT64_MIN, outcome);
    return outcome;
  }
  WriteOutcome write(const std::vector<Sample>& samples) {
    model::SampleBatch batch;
    for (const Sample& s : samples) add(batch, s.set, s.time_ms, s.value);
    return apply(batch);
  }

  MemoryFs fs;
  base::SimClock clock{1'700'000'000'000'000'000};
  SampleTable::Options options;
  std::vector<std::string> reports;
  int files = 0;
  std::unique_ptr<SampleTable> table;
};

}  // namespace vedette::store::engine::testing
