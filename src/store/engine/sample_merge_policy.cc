#include "store/engine/sample_merge_policy.h"

#include <algorithm>
#include <map>
#include <optional>

namespace vedette::store::engine {
namespace {

constexpr uint64_t kMergedBytesMax = 1u << 30;
constexpr size_t kPartsMax = 32;
/// A day takes late samples for a while; after that its parts are merged more eagerly.
constexpr int64_t kDaySettlesMs = 2 * 3'600'000;
constexpr int64_t kOverflow = INT64_MIN;

struct Tier {
  size_t parts_min;
  double growth_min;  // bytes of all parts to bytes of the largest
};
constexpr Tier kOpenDay{4, 2.5};
constexpr Tier kSettledDay{2, 1.2};

int64_t partition_of(const PartInfo& info) {
  const int64_t first = day_of(info.min_time_ns / kNsPerMs),
                last = day_of(info.max_time_ns / kNsPerMs);
  return first == last ? first : kOverflow;
}

/// Whether some other part was written between those of the run and has data of their times.
bool is_interleaved(const SamplePartList& parts, const std::vector<const SamplePart*>& run) {
  uint64_t first = UINT64_MAX, last = 0;
  int64_t begin = INT64_MAX, end = INT64_MIN;
  for (const SamplePart* part : run) {
    first = std::min(first, part->footer().first_sequence);
    last = std::max(last, part->footer().last_sequence);
    begin = std::min(begin, part->info().min_time_ns);
    end = std::max(end, part->info().max_time_ns);
  }
  return std::any_of(parts.begin(), parts.end(), [&](const auto& part) {
    if (std::find(run.begin(), run.end(), part.get()) != run.end()) return false;
    return part->info().max_time_ns >= begin && part->info().min_time_ns <= end &&
           part->footer().first_sequence < last && part->footer().last_sequence > first;
  });
}

struct Candidate {
  double growth = 0;
  std::vector<const SamplePart*> run;
};

void look_in(const SamplePartList& all, const std::vector<const SamplePart*>& parts,
             const Tier& tier, Candidate& best) {
  for (size_t begin = 0; begin < parts.size(); ++begin) {
    uint64_t sum = 0, largest = 0;
    for (size_t end = begin; end < parts.size() && end - begin < kPartsMax; ++end) {
      if (parts[end]->damaged()) break;  // stays as it is, so that nothing in it is lost for good
      sum += parts[end]->info().bytes;
      largest = std::max(largest, parts[end]->info().bytes);
      if (sum > kMergedBytesMax) break;
      const double growth =
          static_cast<double>(sum) / static_cast<double>(std::max<uint64_t>(largest, 1));
      if (end + 1 - begin < tier.parts_min || growth < tier.growth_min || growth <= best.growth)
        continue;
      std::vector<const SamplePart*> run(parts.begin() + static_cast<ptrdiff_t>(begin),
                                         parts.begin() + static_cast<ptrdiff_t>(end) + 1);
      if (!is_interleaved(all, run)) best = {growth, std::move(run)};
    }
  }
}

}  // namespace

std::vector<std::string> pick_sample_merge(const SamplePartList& parts, int64_t now_ms) {
  std::map<int64_t, std::vector<const SamplePart*>> partitions;
  for (const auto& part : parts) partitions[partition_of(part->info())].push_back(part.get());
  Candidate best;
  for (const auto& [day, some] : partitions) {
    const bool settled = day != kOverflow && now_ms > (day + 1) * kMsPerDay + kDaySettlesMs;
    look_in(parts, some, settled ? kSettledDay : kOpenDay, best);
  }
  std::vector<std::string> out;
  for (const SamplePart* part : best.run) out.push_back(part->info().file);
  return out;
}

}  // namespace vedette::store::engine
