// What the tests of the sample table share: a batch in few words, an oracle of std::map, reads into
// plain values.
#pragma once

#include <gtest/gtest.h>

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

inline model::Labels labels(std::vector<model::Label> pairs) {
  return model::Labels::of(std::move(pairs));
}

inline void add(model::SampleBatch& batch, const model::Labels& set, int64_t time_ms,
                double value) {
  batch.add(batch.add_label_set(set.canonical()), time_ms, value);
}

inline constexpr int64_t kKeepAll = INT64_MIN;  // merges drop nothing

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
    for (size_t j = 0; j < times.size(); ++j)
      samples[times[j]] = std::bit_cast<uint64_t>(values[j]);
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

  /// As after a crash: parts are opened, what was not in one is applied again from the log.
  void restart() {
    TableContext context{fs, clock, "parts",
                         [this] { return "samples-" + std::to_string(++files); },
                         [this](const std::string& file, const std::string& why) {
                           reports.push_back(file + ": " + why);
                         }};
    table = SampleTable::create(std::move(context), options);
    for (const PartInfo& info : manifest) EXPECT_TRUE(table->open_part(info).ok());
    const std::vector<model::SampleBatch> again = std::exchange(log, {});
    for (const model::SampleBatch& batch : again) apply(batch);
  }
  WriteOutcome apply(const model::SampleBatch& batch) {
    WriteOutcome outcome;
    table->apply(batch, INT64_MIN, outcome);
    log.push_back(batch);
    return outcome;
  }
  WriteOutcome write(const std::vector<Sample>& samples) {
    model::SampleBatch batch;
    for (const Sample& s : samples) add(batch, s.set, s.time_ms, s.value);
    return apply(batch);
  }
  void freeze() {
    if (!table->freeze()) return;
    frozen = true;
    log_of_frozen = std::exchange(log, {});
  }
  void write_frozen() {
    if (!frozen) return;
    auto added = table->write_frozen();
    ASSERT_TRUE(added.ok()) << added.error().message;
    commit({{}, *added, true});
    frozen = false;
    log_of_frozen.clear();
  }
  void flush() {
    freeze();
    write_frozen();
  }
  bool merge() {
    const std::vector<std::string> picked = table->pick_merge();
    if (picked.empty()) return false;
    merge(picked);
    return true;
  }
  void merge(const std::vector<std::string>& picked) {
    auto added = table->merge(picked, kKeepAll);
    ASSERT_TRUE(added.ok()) << added.error().message;
    commit({picked, *added, false});
  }
  void commit(const PartChange& change) {
    for (const std::string& file : change.removed) {
      std::erase_if(manifest, [&file](const PartInfo& info) { return info.file == file; });
    }
    manifest.insert(manifest.end(), change.added.begin(), change.added.end());
    table->publish(change);
    for (const std::string& file : change.removed) EXPECT_TRUE(fs.remove("parts/" + file).ok());
  }
  void crash() {
    if (frozen) log.insert(log.begin(), log_of_frozen.begin(), log_of_frozen.end());
    frozen = false;
    restart();
  }

  MemoryFs fs;
  base::SimClock clock{1'700'000'000'000'000'000};
  SampleTable::Options options;
  std::vector<std::string> reports;
  int files = 0;
  bool frozen = false;
  std::vector<PartInfo> manifest;
  std::vector<model::SampleBatch> log, log_of_frozen;
  std::unique_ptr<SampleTable> table;
};

}  // namespace vedette::store::engine::testing
