#include "sdk/metric_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <protozero/pbf_reader.hpp>
#include <thread>

#include "sdk/metric_encoder.h"
#include "sdk/otlp_fields.h"

namespace vedette::sdk {
namespace {

using testing::ElementsAre;

/// Records as an instrument does: into the active cell of these attributes.
void record(MetricStream& stream, const std::string& attributes, Number value,
            const Measured* measured = nullptr) {
  while (!stream.resolve(attributes).cell->record(value, measured)) {
  }
}

void record(MetricStream& stream, const std::string& attributes, int64_t value) {
  record(stream, attributes, Number::of(value));
}

std::map<std::string, double> values(const std::vector<Point>& points) {
  std::map<std::string, double> out;
  for (const Point& point : points) {
    out[point.attributes.find("overflow") == std::string::npos ? point.attributes : "overflow"] =
        point.value.as_double();
  }
  return out;
}

TEST(Number, StaysWholeUntilItCannot) {
  Number sum = Number::of(int64_t{1});
  sum.add(Number::of(int64_t{2}));
  EXPECT_TRUE(sum.whole);
  EXPECT_EQ(sum.integer, 3);
  sum.add(Number::of(0.5));
  EXPECT_EQ(sum.real, 3.5);
  Number large = Number::of(INT64_MAX);
  large.add(Number::of(int64_t{1}));
  EXPECT_FALSE(large.whole);
  EXPECT_EQ(large.real, 0x1p63);
}

TEST(MetricStream, CumulativeSumsKeepWhatWasCollected) {
  MetricStream stream({.name = "s"});
  record(stream, "a", 1);
  EXPECT_THAT(values(stream.collect(10)), ElementsAre(testing::Pair("a", 1)));
  record(stream, "a", 2);
  record(stream, "b", 5);
  const std::map<std::string, double> both{{"a", 3}, {"b", 5}};
  EXPECT_EQ(values(stream.collect(20)), both);
  EXPECT_EQ(values(stream.collect(30)), both);
}

TEST(MetricStream, DeltaSumsBeginAnewAndContinueInTime) {
  MetricStream stream({.name = "s", .delta = true});
  record(stream, "a", 1);
  auto points = stream.collect(10);
  EXPECT_EQ(values(points), (std::map<std::string, double>{{"a", 1}}));
  EXPECT_TRUE(stream.collect(20).empty());
  record(stream, "a", 2);
  points = stream.collect(30);
  EXPECT_EQ(points[0].start, 20u);
  EXPECT_EQ(points[0].time, 30u);
  EXPECT_EQ(values(points), (std::map<std::string, double>{{"a", 2}}));
}

TEST(MetricStream, ObservedTotalsBecomeDeltas) {
  MetricStream stream({.name = "s", .asynchronous = true, .delta = true});
  record(stream, "a", 10);
  EXPECT_EQ(values(stream.collect(10))["a"], 10);
  record(stream, "a", 25);
  EXPECT_EQ(values(stream.collect(20))["a"], 15);
  EXPECT_TRUE(stream.collect(30).empty());
}

TEST(MetricStream, TheLimitHoldsForEachCycleOfDeltas) {
  MetricStream stream({.name = "s", .delta = true, .cardinality_max = 2});
  for (const char* key : {"a", "b", "c", "d", "a"}) record(stream, key, 1);
  EXPECT_EQ(values(stream.collect(10)),
            (std::map<std::string, double>{{"a", 2}, {"b", 1}, {"overflow", 2}}));
  for (const char* key : {"c", "d", "a"}) record(stream, key, 1);
  EXPECT_EQ(values(stream.collect(20)),
            (std::map<std::string, double>{{"c", 1}, {"d", 1}, {"overflow", 1}}));
}

TEST(MetricStream, NothingIsLostWhenOldCellsAreForgotten) {
  MetricStream stream({.name = "s", .delta = true, .cardinality_max = 2});
  const auto old = stream.resolve("0").cell;
  old->record(Number::of(int64_t{1}), nullptr);
  double total = 0;
  for (int cycle = 0; cycle < 10; ++cycle) {
    for (int i = 0; i < 3; ++i) record(stream, std::to_string(cycle * 3 + i), 1);
    for (const auto& [key, value] : values(stream.collect(static_cast<uint64_t>(cycle + 1)))) {
      total += value;
    }
  }
  EXPECT_EQ(total, 31);
  EXPECT_FALSE(old->record(Number::of(int64_t{1}), nullptr));
}

TEST(MetricStream, HistogramsCountIntoTheBucketThatEndsWithAValue) {
  MetricStream stream({.name = "h", .aggregation = Aggregation::kHistogram, .bounds = {1, 2}});
  for (const double value : {0.5, 1.0, 1.5, 2.0, 3.0}) record(stream, "", Number::of(value));
  const Point point = stream.collect(10)[0];
  EXPECT_THAT(point.buckets, ElementsAre(2, 2, 1));
  EXPECT_EQ(point.count, 5u);
  EXPECT_EQ(point.value.as_double(), 8);
  EXPECT_EQ(point.min.as_double(), 0.5);
  EXPECT_EQ(point.max.as_double(), 3);
}

TEST(MetricStream, KeepsOneExemplarOfASumAndTheLastOfEachBucket) {
  const std::string left = "left";
  const Measured measured{{1, 2}, 3, &left};
  MetricStream sum({.name = "s"});
  for (int64_t i = 0; i < 10; ++i) record(sum, "", Number::of(i), &measured);
  auto exemplars = sum.collect(10)[0].exemplars;
  ASSERT_EQ(exemplars.size(), 1u);
  EXPECT_EQ(exemplars[0].attributes, "left");
  EXPECT_EQ(exemplars[0].trace_id.low, 2u);
  EXPECT_TRUE(sum.collect(20)[0].exemplars.empty());

  MetricStream buckets({.name = "h", .aggregation = Aggregation::kHistogram, .bounds = {1, 2}});
  for (const double value : {0.5, 0.6, 5.0}) record(buckets, "", Number::of(value), &measured);
  exemplars = buckets.collect(10)[0].exemplars;
  ASSERT_EQ(exemplars.size(), 2u);
  EXPECT_EQ(exemplars[0].value.as_double(), 0.6);
  EXPECT_EQ(exemplars[1].value.as_double(), 5);
}

TEST(MetricStream, ThreadsThatRecordAndCollectAgree) {
  MetricStream stream({.name = "s", .delta = true, .cardinality_max = 8});
  constexpr int kEach = 20'000;
  std::atomic<bool> over{false};
  double total = 0;
  std::thread collector([&] {
    uint64_t now = 1;
    do {
      for (const auto& [key, value] : values(stream.collect(++now))) total += value;
    } while (!over.load());
    for (const auto& [key, value] : values(stream.collect(++now))) total += value;
  });
  std::vector<std::thread> recorders;
  for (int t = 0; t < 3; ++t) {
    recorders.emplace_back([&] {
      for (int i = 0; i < kEach; ++i) record(stream, std::to_string(i % 12), 1);
    });
  }
  for (auto& thread : recorders) thread.join();
  over = true;
  collector.join();
  EXPECT_EQ(total, 3 * kEach);
}

TEST(ExponentialHistogram, BucketsEndWithPowersOfTheirBase) {
  for (const int scale : {-4, -1, 0, 1, 3, 10, 20}) {
    for (const double value :
         {0x1p-1022, 1e-300, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 1e6, 0x1p1023, 1.7976931348623157e308}) {
      const double index = ExponentialHistogram::index_of(value, scale);
      // Compared by logarithms, as the bounds themselves may not be representable.
      const double position = std::ldexp(std::log2(value), scale);
      EXPECT_LE(index, position + 1e-6) << value << " at " << scale;
      EXPECT_GE(index + 1, position - 1e-6) << value << " at " << scale;
      if (std::floor(position) == position) {
        EXPECT_EQ(index, position - 1);
      }
    }
  }
}

TEST(ExponentialHistogram, HalvesItsResolutionToStayWithinItsSize) {
  ExponentialHistogram histogram(4, 20);
  for (const double value : {1.0, 2.0, 4.0, 8.0, 0.0, -3.0}) histogram.record(value);
  EXPECT_EQ(histogram.scale(), 0);
  EXPECT_EQ(histogram.positive().offset, -1);
  EXPECT_THAT(histogram.positive().counts, ElementsAre(1, 1, 1, 1));
  EXPECT_EQ(histogram.zero_count(), 1u);
  EXPECT_THAT(histogram.negative().counts, ElementsAre(1));
  histogram.record(1e-10);
  EXPECT_LE(histogram.positive().counts.size(), 4u);
  const auto& counts = histogram.positive().counts;
  EXPECT_EQ(std::accumulate(counts.begin(), counts.end(), uint64_t{0}), 5u);
}

TEST(EncodeMetric, WritesAGaugeThatOthersCanRead) {
  Point point;
  point.time = 7;
  point.value = Number::of(int64_t{-5});
  ProtoBuffer out;
  encode_metric(out, {.name = "g", .unit = "s", .aggregation = Aggregation::kLastValue},
                {&point, 1});
  protozero::pbf_reader metric(out.data(), out.size());
  ASSERT_TRUE(metric.next(otlp::Metric::kName));
  EXPECT_EQ(metric.get_string(), "g");
  ASSERT_TRUE(metric.next(otlp::Metric::kGauge));
  protozero::pbf_reader gauge = metric.get_message();
  ASSERT_TRUE(gauge.next(otlp::MetricData::kPoints));
  protozero::pbf_reader number = gauge.get_message();
  ASSERT_TRUE(number.next(otlp::NumberPoint::kTime));
  EXPECT_EQ(number.get_fixed64(), 7u);
  ASSERT_TRUE(number.next(otlp::NumberPoint::kInt));
  EXPECT_EQ(number.get_sfixed64(), -5);
}

}  // namespace
}  // namespace vedette::sdk
