#include "bench/load/metrics.h"

#include <snappy.h>

#include <algorithm>
#include <cmath>

#include "bench/load/proto.h"

namespace vedette::bench {
namespace {

constexpr size_t kSamplesPerRequest = 2500;
constexpr int64_t kScrapeMs = 15'000;
constexpr size_t kSeriesPerTarget = 500;

enum class Shape { kCounter, kGauge, kBucket, kSum, kCount, kCpuSeconds, kMemory, kConstant };

struct Series {
  std::string labels;  // fields 1 of TimeSeries
  Shape shape;
  double value = 0;
  double rate = 0;       // mean increase a scrape
  size_t histogram = 0;  // which one a bucket, sum or count belongs to
  double bound = 0;      // le
};

void label(std::string& out, std::string_view name, std::string_view value) {
  std::string pair;
  bytes(pair, 1, name);
  bytes(pair, 2, value);
  bytes(out, 1, pair);
}

class Fleet {
 public:
  Fleet(uint64_t series, uint64_t seed) : random_(seed) {
    for (size_t target = 0; series_.size() < series; ++target) add_target(target, series);
  }

  Load run(double hours, int64_t end_ms) {
    Load load;
    const auto scrapes = static_cast<int64_t>(hours * 3600'000 / kScrapeMs);
    for (int64_t i = 0; i < scrapes; ++i) scrape(end_ms - (scrapes - i) * kScrapeMs, load);
    flush(load);
    return load;
  }

 private:
  std::string common(size_t target, const char* name) {
    std::vector<std::pair<std::string, std::string>> pairs = {
        {"__name__", name},
        {"instance",
         "10.4." + std::to_string(target / 200) + "." + std::to_string(target % 200) + ":8000"},
        {"job", "shop"},
        {"namespace", "shop"},
        {"pod", "shop-7d9f4c6b8-" + std::to_string(target)},
    };
    std::string out;
    for (const auto& [key, value] : pairs) label(out, key, value);
    return out;
  }

  void add_target(size_t target, uint64_t limit) {
    const size_t end = std::min<size_t>(series_.size() + kSeriesPerTarget, limit);
    add_process(target, end);
    for (size_t route = 0; series_.size() < end; ++route) {
      const std::string path = "/api/v1/resource" + std::to_string(route) + "/{id}";
      const double traffic = 4.0 * std::exp(-0.12 * static_cast<double>(route));
      add(common(target, "http_requests_in_progress"), Shape::kGauge, traffic, path, "GET", end);
      for (const char* status : {"200", "201", "404", "503"}) {
        std::string labels = common(target, "http_requests_total");
        label(labels, "status", status);
        add(std::move(labels), Shape::kCounter, traffic * (status[0] == '2' ? 1 : 0.02), path,
            "GET", end);
      }
      const size_t histogram = observations_.size();
      observations_.push_back({traffic, {}});
      for (const char* le : {"0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1.0", "2.5",
                             "5.0", "10.0", "+Inf"}) {
        std::string labels = common(target, "http_request_duration_seconds_bucket");
        label(labels, "le", le);
        add(std::move(labels), Shape::kBucket, 0, path, "GET", end, histogram,
            le[0] == '+' ? 1e300 : std::stod(le));
      }
      add(common(target, "http_request_duration_seconds_sum"), Shape::kSum, 0, path, "GET", end,
          histogram);
      add(common(target, "http_request_duration_seconds_count"), Shape::kCount, 0, path, "GET", end,
          histogram);
    }
  }

  /// What every process says of itself, as the client libraries name it.
  void add_process(size_t target, size_t end) {
    const auto one = [&](const char* name, Shape shape, double value, double rate) {
      if (series_.size() < end) series_.push_back({common(target, name), shape, value, rate});
    };
    one("process_cpu_seconds_total", Shape::kCpuSeconds, 0.31, 1.2 * random_.unit());
    one("process_resident_memory_bytes", Shape::kMemory, 88e6, 64);
    one("process_virtual_memory_bytes", Shape::kMemory, 410e6, 8);
    one("process_open_fds", Shape::kGauge, 0, 40);
    one("process_start_time_seconds", Shape::kConstant, 1.7e9 + random_.unit() * 1e6, 0);
    one("python_gc_collections_total", Shape::kCounter, 0, 3);
    one("event_loop_lag_seconds", Shape::kCpuSeconds, 0, 0.004);
  }

  void add(std::string labels, Shape shape, double rate, const std::string& path,
           const char* method, size_t end, size_t histogram = 0, double bound = 0) {
    if (series_.size() >= end) return;
    label(labels, "tenant_path_method", std::string(method) + " " + path);
    series_.push_back({std::move(labels), shape, 0, rate, histogram, bound});
  }

  void scrape(int64_t time_ms, Load& load) {
    // The day's rhythm, and quarter hours that differ from each other.
    const double day = static_cast<double>(time_ms % 86'400'000) / 86'400'000;
    const double rhythm = 1 - 0.7 * std::cos(day * 6.283185307) + 0.2 * std::sin(day * 603);
    for (auto& [traffic, durations] : observations_) {
      durations.clear();
      const double mean = traffic * std::max(0.1, rhythm);
      const auto n = static_cast<size_t>(mean) + random_.chance(mean - std::floor(mean));
      for (size_t i = 0; i < n; ++i)
        durations.push_back(0.004 * std::exp(2.2 * random_.unit() * random_.unit() * 3));
    }
    for (size_t i = 0; i < series_.size(); ++i) {
      // A target is scraped at its own moment of the interval, a few milliseconds early or late.
      if (i % kSeriesPerTarget == 0)
        jitter_ = static_cast<int64_t>(i / kSeriesPerTarget * 331 % kScrapeMs + random_.below(5));
      sample(series_[i], time_ms + jitter_, load);
    }
  }

  void sample(Series& s, int64_t time_ms, Load& load) {
    switch (s.shape) {
      case Shape::kCounter:
        s.value +=
            std::floor(s.rate * random_.unit() * 2 + random_.unit()) * random_.chance(s.rate * 4);
        break;
      case Shape::kGauge:
        s.value = std::floor(s.rate * random_.unit());
        break;
      case Shape::kCpuSeconds:  // a float with all its digits
        s.value += s.rate * random_.unit();
        break;
      case Shape::kMemory:  // pages come and go
        if (random_.chance(0.4)) s.value += 4096 * std::floor(s.rate * (random_.unit() - 0.48));
        break;
      case Shape::kConstant:
        break;
      case Shape::kBucket:
        for (double d : observations_[s.histogram].durations) s.value += d <= s.bound;
        break;
      case Shape::kSum:
        for (double d : observations_[s.histogram].durations) s.value += d;
        break;
      case Shape::kCount:
        s.value += static_cast<double>(observations_[s.histogram].durations.size());
        break;
    }
    std::string point, series = s.labels;
    fixed(point, 1, s.value);
    number(point, 2, static_cast<uint64_t>(time_ms));
    bytes(series, 2, point);
    bytes(request_, 1, series);
    ++load.records;
    if (++pending_ == kSamplesPerRequest) flush(load);
  }

  void flush(Load& load) {
    if (pending_ == 0) return;
    load.raw_bytes += request_.size();
    snappy::Compress(request_.data(), request_.size(), &load.requests.emplace_back());
    request_.clear();
    pending_ = 0;
  }

  struct Observations {
    double traffic;
    std::vector<double> durations;
  };

  Random random_;
  std::vector<Series> series_;
  std::vector<Observations> observations_;
  std::string request_;
  size_t pending_ = 0;
  int64_t jitter_ = 0;
};

}  // namespace

Load make_metrics(uint64_t series, double hours, int64_t end_ms, uint64_t seed) {
  return Fleet(series, seed).run(hours, end_ms);
}

}  // namespace vedette::bench
