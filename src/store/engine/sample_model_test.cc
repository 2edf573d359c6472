// The table against a map that does the same, through everything the engine may do to it.
#include <gmock/gmock.h>

#include <random>

#include "store/engine/sample_test_kit.h"

namespace vedette::store::engine::testing {
namespace {

constexpr int64_t kDay = 86'400'000;
constexpr int64_t kStart = 19'675 * kDay + kDay / 2;

class Walk {
 public:
  explicit Walk(uint64_t seed) : random_(seed) {
    for (int i = 0; i < 30; ++i) {
      sets_.push_back(labels({{"__name__", i % 3 ? "h_bucket" : "up"},
                              {"le", i % 3 ? std::to_string(i) + ".5" : ""},
                              {"n", std::to_string(i / 4)},
                              {"i", std::to_string(i)}}));
    }
  }

  void step() {
    switch (random_() % 16) {
      case 0:
        if (!bench_.frozen) bench_.freeze();
        break;
      case 1:
        bench_.write_frozen();
        break;
      case 2:
        if (!bench_.frozen) bench_.flush();
        break;
      case 3:
        bench_.merge();
        break;
      case 4:
        merge_neighbours();
        break;
      case 5:
        if (random_() % 4 == 0) bench_.crash();
        break;
      case 6:
        if (random_() % 8 == 0) drop();
        break;
      default:
        write();
        break;
    }
    if (bench_.frozen && random_() % 4 == 0) bench_.write_frozen();
  }

  void check() {
    EXPECT_EQ(read_all(*bench_.table), model_);
    const int64_t begin = kStart - 2 * kDay + static_cast<int64_t>(random_() % (4 * kDay));
    const int64_t end = begin + static_cast<int64_t>(random_() % kDay);
    Oracle part;
    for (const auto& [set, samples] : model_) {
      std::map<int64_t, uint64_t> some(samples.lower_bound(begin), samples.lower_bound(end));
      if (!some.empty()) part[set] = std::move(some);
    }
    EXPECT_EQ(read_all(*bench_.table, {begin * 1'000'000, end * 1'000'000}), part);
    EXPECT_THAT(bench_.reports, ::testing::IsEmpty());
  }

 private:
  void write() {
    model::SampleBatch batch;
    const bool scrape = random_() % 2 == 0;
    now_ += static_cast<int64_t>(random_() % 4 ? 15'000 : 40 * 60'000);
    for (const model::Labels& set : sets_) {
      if (random_() % 8 == 0) continue;
      int64_t time = now_;
      if (!scrape) time += static_cast<int64_t>(random_() % 5);
      if (random_() % 12 == 0) time -= static_cast<int64_t>(random_() % 3'600'000);  // late
      if (random_() % 40 == 0)
        time = kStart + static_cast<int64_t>(random_() % 3) * 1000;  // again and again
      if (random_() % 150 == 0)
        time += (static_cast<int64_t>(random_() % 7) - 5) * kDay;  // an outlier
      put(batch, set, time);
      if (random_() % 10 == 0) put(batch, set, time);
    }
    bench_.apply(batch);
  }
  void put(model::SampleBatch& batch, const model::Labels& set, int64_t time) {
    const double values[] = {1.5, static_cast<double>(random_() % 1000), model::stale_marker(),
                             0.1 * static_cast<double>(random_() % 9),
                             std::bit_cast<double>(random_())};
    const double value = values[random_() % std::size(values)];
    add(batch, set, time, value);
    model_[set.canonical()][time] = std::bit_cast<uint64_t>(value);
  }
  /// Merges are right for any parts that were written one after the other, whatever the policy
  /// would pick.
  void merge_neighbours() {
    if (bench_.frozen || bench_.manifest.size() < 2) return;
    std::vector<std::string> files;
    for (const PartInfo& info : bench_.manifest) files.push_back(info.file);
    bench_.merge(files);
  }
  void drop() {
    bench_.write_frozen();
    bench_.flush();
    const int64_t begin = kStart + static_cast<int64_t>(random_() % (2 * kDay));
    const int64_t end = begin + 3'600'000;
    const std::vector<PartInfo> all = bench_.manifest;
    for (const PartInfo& info : all) {
      auto added = bench_.table->rewrite(info.file, {begin * 1'000'000, end * 1'000'000}, nullptr);
      ASSERT_TRUE(added.ok()) << added.error().message;
      bench_.commit({{info.file}, *added, false});
    }
    for (auto set = model_.begin(); set != model_.end();) {
      set->second.erase(set->second.lower_bound(begin), set->second.lower_bound(end));
      set = set->second.empty() ? model_.erase(set) : std::next(set);
    }
  }

  std::mt19937_64 random_;
  std::vector<model::Labels> sets_;
  int64_t now_ = kStart;
  Bench bench_;
  Oracle model_;
};

TEST(SampleModel, AnswersAsAMapWould) {
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    SCOPED_TRACE(seed);
    Walk walk(seed);
    for (int i = 0; i < 120; ++i) {
      walk.step();
      if (i % 10 == 9) walk.check();
      if (::testing::Test::HasFailure()) return;
    }
  }
}

}  // namespace
}  // namespace vedette::store::engine::testing
