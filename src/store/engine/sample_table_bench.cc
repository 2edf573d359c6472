// What a sample costs in the sample table, from the decoded batch to the merged part, and what it
// weighs on disk; what it costs to read it back and to open the parts of 100,000 series. The data
// is a fleet of web servers: counters, gauges, histograms with buckets, 500 series a target, scrape
// times that jitter.
#include <benchmark/benchmark.h>
#include <time.h>

#include <cmath>
#include <random>

#include "base/string_table.h"
#include "store/engine/sample_table.h"
#include "store/engine/sample_test_fs.h"

namespace vedette::store::engine {
namespace {

constexpr size_t kSamplesPerBatch = 2500;
constexpr size_t kSeriesPerTarget = 500;
constexpr int64_t kScrapeMs = 15'000;
constexpr int64_t kBegin = 1'700'006'400'000;  // midnight
constexpr size_t kFlushBytes = 16 << 20;

double cpu_seconds() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

/// Makes the batches of one scrape after the other.
class Fleet {
 public:
  explicit Fleet(size_t series) {
    for (size_t target = 0; series_.size() < series; ++target) add_target(target, series);
  }

  std::vector<model::SampleBatch> scrape(int64_t time_ms) {
    for (Histogram& h : histograms_) {
      h.durations.clear();
      for (double left = h.traffic * 0.4; left > unit(); left -= 1) {
        h.durations.push_back(0.004 * std::exp(6.6 * unit() * unit()));
      }
    }
    std::vector<model::SampleBatch> out;
    int64_t jitter = 0;
    for (size_t i = 0; i < series_.size(); ++i) {
      if (i % kSeriesPerTarget == 0) {
        jitter = static_cast<int64_t>(i / kSeriesPerTarget * 331 % kScrapeMs + random_() % 5);
      }
      if (i % kSamplesPerBatch == 0) out.emplace_back();
      model::SampleBatch& batch = out.back();
      batch.label_sets.push_back({series_[i].hash, static_cast<uint32_t>(batch.label_bytes.size()),
                                  static_cast<uint32_t>(series_[i].labels.size())});
      batch.label_bytes += series_[i].labels;
      batch.add(static_cast<uint32_t>(batch.label_sets.size() - 1), time_ms + jitter,
                next(series_[i]));
    }
    return out;
  }

 private:
  enum class Shape { kCounter, kGauge, kBucket, kSum, kCount };
  struct Series {
    std::string labels;
    uint64_t hash;
    Shape shape;
    double rate;
    size_t histogram;
    double bound;
    double value = 0;
  };
  struct Histogram {
    double traffic;
    std::vector<double> durations;
  };

  double unit() { return std::uniform_real_distribution<double>()(random_); }

  void add_target(size_t target, size_t limit) {
    const size_t end = std::min(series_.size() + kSeriesPerTarget, limit);
    const std::vector<std::pair<std::string, double>> bounds = {
        {"0.005", .005}, {"0.01", .01}, {"0.025", .025}, {"0.05", .05},
        {"0.1", .1},     {"0.25", .25}, {"0.5", .5},     {"1.0", 1},
        {"2.5", 2.5},    {"5.0", 5},    {"10.0", 10},    {"+Inf", INFINITY}};
    for (size_t route = 0; series_.size() < end; ++route) {
      const double traffic = 4 * std::exp(-0.25 * static_cast<double>(route));
      const size_t h = histograms_.size();
      histograms_.push_back({traffic, {}});
      add(end, target, route, "http_requests_in_progress", {}, Shape::kGauge, traffic, h);
      for (const char* status : {"200", "201", "404", "503"}) {
        add(end, target, route, "http_requests_total", {"status", status}, Shape::kCounter,
            traffic * (status[0] == '2' ? 1 : 0.02), h);
      }
      for (const auto& [le, bound] : bounds) {
        add(end, target, route, "http_request_duration_seconds_bucket", {"le", le}, Shape::kBucket,
            0, h, bound);
      }
      add(end, target, route, "http_request_duration_seconds_sum", {}, Shape::kSum, 0, h);
      add(end, target, route, "http_request_duration_seconds_count", {}, Shape::kCount, 0, h);
    }
  }

  void add(size_t end, size_t target, size_t route, const char* name, model::Label extra,
           Shape shape, double rate, size_t histogram, double bound = 0) {
    if (series_.size() >= end) return;
    const std::string labels =
        model::Labels::of(
            {{"__name__", name},
             {"instance", "10.4." + std::to_string(target / 200) + "." +
                              std::to_string(target % 200) + ":8000"},
             {"job", "shop"},
             {"namespace", "shop"},
             {"pod", "shop-7d9f4c6b8-" + std::to_string(target)},
             {"tenant_path_method", "GET /api/v1/resource" + std::to_string(route) + "/{id}"},
             std::move(extra)})
            .canonical();
    series_.push_back({labels, base::hash_string(labels), shape, rate, histogram, bound});
  }

  double next(Series& s) {
    const std::vector<double>& durations = histograms_[s.histogram].durations;
    switch (s.shape) {
      case Shape::kCounter:
        if (unit() < s.rate * 4) s.value += std::floor(s.rate * unit() * 2 + unit());
        break;
      case Shape::kGauge:
        s.value = std::floor(s.rate * unit());
        break;
      case Shape::kBucket:
        for (double d : durations) s.value += d <= s.bound;
        break;
      case Shape::kSum:
        for (double d : durations) s.value += d;
        break;
      case Shape::kCount:
        s.value += static_cast<double>(durations.size());
        break;
    }
    return s.value;
  }

  std::mt19937_64 random_{1};
  std::vector<Series> series_;
  std::vector<Histogram> histograms_;
};

/// A table and the part of the engine that moves its data on.
struct Host {
  Host() { reopen(); }
  void reopen() {
    table = SampleTable::create(
        {fs, clock, "parts", [this] { return std::to_string(++files); }, {}}, {});
  }
  void commit(const PartChange& change) {
    table->publish(change);
    for (const std::string& file : change.removed) (void)fs.remove("parts/" + file);
  }
  void flush() {
    const double begin = cpu_seconds();
    if (!table->freeze()) return;
    auto added = table->write_frozen();
    if (!added.ok()) abort();
    commit({{}, *added, true});
    flush_seconds += cpu_seconds() - begin;
  }
  void merge() {
    const double begin = cpu_seconds();
    for (auto picked = table->pick_merge(); !picked.empty(); picked = table->pick_merge()) {
      auto added = table->merge(picked, INT64_MIN);
      if (!added.ok()) abort();
      commit({picked, *added, false});
    }
    merge_seconds += cpu_seconds() - begin;
  }
  /// The fleet's samples of some hours.
  void fill(Fleet& fleet, double hours) {
    const auto scrapes = static_cast<int64_t>(hours * 3'600'000 / kScrapeMs);
    for (int64_t i = 0; i < scrapes; ++i) {
      const auto batches = fleet.scrape(kBegin + i * kScrapeMs);
      const double begin = cpu_seconds();
      WriteOutcome outcome;
      for (const model::SampleBatch& batch : batches) table->apply(batch, 0, outcome);
      apply_seconds += cpu_seconds() - begin;
      for (const model::SampleBatch& batch : batches) samples += static_cast<double>(batch.size());
      if (table->head_bytes() < kFlushBytes) continue;
      flush();
      merge();
    }
    flush();
    merge();
  }

  testing::MemoryFs fs;
  base::SimClock clock{kBegin * 1'000'000};
  int files = 0;
  double samples = 0, apply_seconds = 0, flush_seconds = 0, merge_seconds = 0;
  std::unique_ptr<SampleTable> table;
};

void ingest(benchmark::State& state) {
  for (auto _ : state) {
    Host host;
    Fleet fleet(static_cast<size_t>(state.range(0)));
    host.fill(fleet, static_cast<double>(state.range(1)));
    const double ns = 1e9 / host.samples;
    state.counters["samples"] = host.samples;
    state.counters["apply_ns"] = host.apply_seconds * ns;
    state.counters["flush_ns"] = host.flush_seconds * ns;
    state.counters["merge_ns"] = host.merge_seconds * ns;
    state.counters["total_ns"] =
        (host.apply_seconds + host.flush_seconds + host.merge_seconds) * ns;
    state.counters["parts"] = static_cast<double>(host.table->parts().size());
    state.counters["B/sample"] = static_cast<double>(host.table->stats().disk_bytes) / host.samples;
  }
}
BENCHMARK(ingest)
    ->Args({10'000, 6})
    ->Args({10'000, 1})
    ->Args({2'000, 24})
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

void open_100k_series(benchmark::State& state) {
  Host host;
  Fleet fleet(100'000);
  host.fill(fleet, 0.05);
  const auto parts = host.table->parts();
  for (auto _ : state) {
    host.reopen();
    for (const PartInfo& part : parts) {
      if (!host.table->open_part(part).ok()) abort();
    }
    if (host.table->series_count() != 100'000) abort();
  }
  state.counters["parts"] = static_cast<double>(parts.size());
}
BENCHMARK(open_100k_series)->Unit(benchmark::kMillisecond);

void query(benchmark::State& state) {
  static Host host;
  static bool filled = false;
  if (!filled) {
    Fleet fleet(10'000);
    host.fill(fleet, 6);
    filled = true;
  }
  const std::vector<std::vector<Matcher>> queries = {
      {{MatchOp::kEqual, "__name__", "http_requests_total"}, {MatchOp::kRegex, "status", "2.."}},
      {{MatchOp::kEqual, "__name__", "http_request_duration_seconds_bucket"}},
      {{MatchOp::kEqual, "__name__", "http_requests_in_progress"},
       {MatchOp::kEqual, "pod", "shop-7d9f4c6b8-3"}}};
  const int64_t end = kBegin + 6 * 3'600'000;
  const TimeRange range{(end - state.range(1) * 60'000) * 1'000'000, end * 1'000'000};
  size_t samples = 0, count = 0;
  for (auto _ : state) {
    const auto series = host.table->series(queries[static_cast<size_t>(state.range(0))], range, {});
    std::vector<SeriesId> ids;
    for (const Series& s : *series) ids.push_back(s.id);
    count = ids.size();
    samples = 0;
    const Status read = host.table->samples(ids, range, {}, [&](size_t, auto times, auto values) {
      samples += times.size();
      benchmark::DoNotOptimize(values.back());
      return true;
    });
    if (!read.ok()) abort();
  }
  state.counters["series"] = static_cast<double>(count);
  state.counters["samples"] = static_cast<double>(samples);
}
BENCHMARK(query)
    ->ArgNames({"query", "minutes"})
    ->ArgsProduct({{0, 1, 2}, {5, 60, 360}})
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace vedette::store::engine
