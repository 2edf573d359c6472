#include <gmock/gmock.h>

#include "wire/otlp_decode.h"
#include "wire/otlp_fields.h"
#include "wire/prometheus_names.h"
#include "wire/test_proto.h"

namespace vedette::wire {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr uint64_t kMilli = 1'000'000;

Proto attribute(std::string_view key, std::string_view text) {
  return Proto()
      .bytes(otlp::key_value::kKey, key)
      .message(otlp::key_value::kValue, Proto().bytes(otlp::any_value::kStringValue, text));
}

std::string request(const Proto& metric, bool with_host = false) {
  Proto resource;
  resource.message(otlp::resource::kAttributes, attribute("service.name", "shop"))
      .message(otlp::resource::kAttributes, attribute("service.namespace", "eu"))
      .message(otlp::resource::kAttributes, attribute("service.instance.id", "i1"));
  if (with_host) resource.message(otlp::resource::kAttributes, attribute("host.name", "h"));
  return Proto()
      .message(otlp::export_metrics_service_request::kResourceMetrics,
               Proto()
                   .message(otlp::resource_metrics::kResource, resource)
                   .message(otlp::resource_metrics::kScopeMetrics,
                            Proto()
                                .message(otlp::scope_metrics::kScope,
                                         Proto().bytes(otlp::instrumentation_scope::kName, "lib"))
                                .message(otlp::scope_metrics::kMetrics, metric)))
      .str();
}

Proto metric(std::string_view name, std::string_view unit, uint32_t kind, const Proto& data) {
  return Proto()
      .bytes(otlp::metric::kName, name)
      .bytes(otlp::metric::kDescription, "what it is")
      .bytes(otlp::metric::kUnit, unit)
      .message(kind, data);
}

Proto number(double value) {
  return Proto()
      .fixed(otlp::number_data_point::kTimeUnixNano, 5 * kMilli)
      .fixed(otlp::number_data_point::kAsDouble, value);
}

Decoded<model::SampleBatch> decode(const std::string& body, const DecodeOptions& options = {}) {
  auto decoded = decode_otlp_metrics(body, options);
  EXPECT_TRUE(decoded.ok());
  return decoded.ok() ? std::move(*decoded) : Decoded<model::SampleBatch>{};
}

// "name{labels} value @ms", without the labels that every series of these tests has.
std::vector<std::string> lines(const model::SampleBatch& batch) {
  std::vector<std::string> out;
  for (size_t i = 0; i < batch.size(); ++i) {
    auto labels = model::Labels::parse(batch.labels(batch.label_set[i]));
    EXPECT_TRUE(labels.ok());
    for (const char* common : {"job", "instance", "otel_scope_name"}) {
      EXPECT_TRUE(labels->get("__name__") == "target_info" || !labels->get(common).empty());
      labels->set(common, "");
    }
    const double value = batch.value[i];
    out.push_back(labels->to_string() + " " +
                  (model::is_stale(value) ? "stale" : format_label_number(value)) + " @" +
                  std::to_string(batch.time_ms[i]));
  }
  return out;
}

TEST(PrometheusNames, FollowTheSpecification) {
  const auto name = [](std::string_view n, std::string_view unit,
                       NameSuffix s = NameSuffix::kNone) {
    return prometheus_metric_name(n, unit, s);
  };
  EXPECT_EQ(name("http.server.request.duration", "s"), "http_server_request_duration_seconds");
  EXPECT_EQ(name("otlp.orders", "", NameSuffix::kTotal), "otlp_orders_total");
  EXPECT_EQ(name("orders_total", "{order}", NameSuffix::kTotal), "orders_total");
  EXPECT_EQ(name("total.of.things", "", NameSuffix::kTotal), "of_things_total");
  EXPECT_EQ(name("process.memory.usage", "By"), "process_memory_usage_bytes");
  EXPECT_EQ(name("disk.io", "By/s"), "disk_io_bytes_per_second");
  EXPECT_EQ(name("cache.hits", "1", NameSuffix::kRatio), "cache_hits_ratio");
  EXPECT_EQ(name("cpu.load", "1"), "cpu_load");
  EXPECT_EQ(name("request_duration_seconds", "s"), "request_duration_seconds");
  EXPECT_EQ(name("2xx.responses", ""), "_2xx_responses");
  EXPECT_EQ(name("a..b-ü", ""), "a_b");
  EXPECT_EQ(name("ns:rule", ""), "ns:rule");
  EXPECT_EQ(name("é", ""), "");
  EXPECT_EQ(name("x", "{thing}/min"), "x_per_min");
}

TEST(PrometheusNames, LabelNames) {
  EXPECT_EQ(prometheus_label_name("http.route"), "http_route");
  EXPECT_EQ(prometheus_label_name("a..b"), "a_b");
  EXPECT_EQ(prometheus_label_name("1st"), "key_1st");
  EXPECT_EQ(prometheus_label_name("_private"), "key_private");
  EXPECT_EQ(prometheus_label_name("__name__"), "key_name_");
}

TEST(PrometheusNames, NumbersInLabels) {
  EXPECT_EQ(format_label_number(1), "1.0");
  EXPECT_EQ(format_label_number(0.005), "0.005");
  EXPECT_EQ(format_label_number(0), "0.0");
  EXPECT_EQ(format_label_number(100000), "100000.0");
  EXPECT_EQ(format_label_number(1e6), "1e+06");
  EXPECT_EQ(format_label_number(2.5e6), "2.5e+06");
  EXPECT_EQ(format_label_number(0.00001), "1e-05");
  EXPECT_EQ(format_label_number(HUGE_VAL), "+Inf");
}

TEST(OtlpMetrics, AGaugeIsASeries) {
  Proto point = number(2.5);
  point.message(otlp::number_data_point::kAttributes, attribute("queue.name", "mail"));
  const auto [batch, report] = decode(request(metric(
      "queue.length", "", otlp::metric::kGauge, Proto().message(otlp::gauge::kDataPoints, point))));
  EXPECT_THAT(lines(batch), ElementsAre("queue_length{queue_name=\"mail\"} 2.5 @5"));
  const auto labels = model::Labels::parse(batch.labels(0));
  EXPECT_EQ(labels->get("job"), "eu/shop");
  EXPECT_EQ(labels->get("instance"), "i1");
  EXPECT_EQ(labels->get("otel_scope_name"), "lib");
  ASSERT_EQ(batch.metadata.size(), 1u);
  EXPECT_EQ(batch.metadata[0],
            (model::MetricMetadata{"queue_length", model::MetricType::kGauge, "what it is", ""}));
}

TEST(OtlpMetrics, OtherResourceAttributesAreInTargetInfo) {
  const auto batch = decode(request(metric("x", "", otlp::metric::kGauge,
                                           Proto().message(otlp::gauge::kDataPoints, number(1))),
                                    true))
                         .batch;
  EXPECT_THAT(lines(batch), ElementsAre("x 1.0 @5", "target_info{host_name=\"h\"} 1.0 @5"));
}

TEST(OtlpMetrics, AMonotonicSumIsACounterWithExemplars) {
  Proto point = number(3);
  point.message(otlp::number_data_point::kExemplars,
                Proto()
                    .fixed(otlp::exemplar::kTimeUnixNano, 4 * kMilli)
                    .fixed(otlp::exemplar::kAsInt, uint64_t{1})
                    .bytes(otlp::exemplar::kTraceId, "0123456789abcdef")
                    .bytes(otlp::exemplar::kSpanId, "span-id.")
                    .message(otlp::exemplar::kFilteredAttributes, attribute("user.id", "7")));
  const auto batch = decode(request(metric("orders", "", otlp::metric::kSum,
                                           Proto()
                                               .message(otlp::sum::kDataPoints, point)
                                               .varint(otlp::sum::kAggregationTemporality, 2)
                                               .varint(otlp::sum::kIsMonotonic, 1))))
                         .batch;
  EXPECT_THAT(lines(batch), ElementsAre("orders_total 3.0 @5"));
  ASSERT_EQ(batch.exemplar_time_ms.size(), 1u);
  EXPECT_EQ(batch.exemplar_label_set[0], batch.label_set[0]);
  EXPECT_EQ(batch.exemplar_time_ms[0], 4);
  EXPECT_EQ(batch.exemplar_trace_id[0], model::TraceId::from_bytes("0123456789abcdef"));
  const auto labels = model::Labels::parse(batch.exemplar_labels[0]);
  ASSERT_TRUE(labels.ok());
  EXPECT_EQ(labels->get("trace_id"), "30313233343536373839616263646566");
  EXPECT_EQ(labels->get("user_id"), "7");
}

Proto histogram_point(std::vector<uint64_t> counts, std::vector<double> bounds) {
  const auto packed = [](const auto& values) {
    return std::string_view(reinterpret_cast<const char*>(values.data()), values.size() * 8);
  };
  return Proto()
      .fixed(otlp::histogram_data_point::kTimeUnixNano, 5 * kMilli)
      .fixed(otlp::histogram_data_point::kCount, uint64_t{6})
      .fixed(otlp::histogram_data_point::kSum, 9.5)
      .bytes(otlp::histogram_data_point::kBucketCounts, packed(counts))
      .bytes(otlp::histogram_data_point::kExplicitBounds, packed(bounds));
}

std::string histogram(const Proto& point, uint64_t temporality = 2) {
  return request(metric("latency", "s", otlp::metric::kHistogram,
                        Proto()
                            .message(otlp::histogram::kDataPoints, point)
                            .varint(otlp::histogram::kAggregationTemporality, temporality)));
}

TEST(OtlpMetrics, AHistogramIsBucketsSumAndCount) {
  Proto point = histogram_point({1, 2, 3}, {0.5, 1});
  for (const double value : {0.7, 99.0}) {
    point.message(otlp::histogram_data_point::kExemplars,
                  Proto().fixed(otlp::exemplar::kAsDouble, value));
  }
  const auto batch = decode(histogram(point)).batch;
  EXPECT_THAT(lines(batch),
              ElementsAre("latency_seconds_bucket{le=\"0.5\"} 1.0 @5",
                          "latency_seconds_bucket{le=\"1.0\"} 3.0 @5",
                          "latency_seconds_bucket{le=\"+Inf\"} 6.0 @5",
                          "latency_seconds_sum 9.5 @5", "latency_seconds_count 6.0 @5"));
  EXPECT_THAT(batch.exemplar_label_set, ElementsAre(1u, 2u));
  EXPECT_EQ(batch.metadata[0].family, "latency_seconds");
  EXPECT_EQ(batch.metadata[0].unit, "seconds");
}

TEST(OtlpMetrics, HistogramsThatDoNotAddUpAreRejected) {
  for (const auto& point :
       {histogram_point({1, 2}, {0.5, 1}), histogram_point({1, 2, 3}, {1, 0.5})}) {
    const auto [batch, report] = decode(histogram(point));
    EXPECT_TRUE(batch.label_set.empty());
    EXPECT_EQ(report.rejected, 1u);
  }
}

TEST(OtlpMetrics, WhatIsNotSupportedSaysSoAndLeavesTheRest) {
  auto decoded = decode(histogram(histogram_point({1, 2, 3}, {0.5, 1}), 1));
  EXPECT_EQ(decoded.report.rejected, 1u);
  EXPECT_THAT(decoded.report.reason, HasSubstr("delta"));
  decoded = decode(request(metric("e", "", otlp::metric::kExponentialHistogram,
                                  Proto()
                                      .bytes(otlp::exponential_histogram::kDataPoints, "")
                                      .bytes(otlp::exponential_histogram::kDataPoints, ""))));
  EXPECT_EQ(decoded.report.rejected, 2u);
  EXPECT_THAT(decoded.report.reason, HasSubstr("metric \"e\" is an exponential histogram"));
}

TEST(OtlpMetrics, ASummaryIsQuantilesSumAndCount) {
  const Proto point = Proto()
                          .fixed(otlp::summary_data_point::kTimeUnixNano, 5 * kMilli)
                          .fixed(otlp::summary_data_point::kCount, uint64_t{2})
                          .fixed(otlp::summary_data_point::kSum, 3.0)
                          .message(otlp::summary_data_point::kQuantileValues,
                                   Proto()
                                       .fixed(otlp::value_at_quantile::kQuantile, 0.99)
                                       .fixed(otlp::value_at_quantile::kValue, 2.0));
  const auto batch = decode(request(metric("rpc", "", otlp::metric::kSummary,
                                           Proto().message(otlp::summary::kDataPoints, point))))
                         .batch;
  EXPECT_THAT(lines(batch),
              ElementsAre("rpc{quantile=\"0.99\"} 2.0 @5", "rpc_sum 3.0 @5", "rpc_count 2.0 @5"));
}

TEST(OtlpMetrics, NoRecordedValueEndsTheSeries) {
  Proto point = number(1);
  point.varint(otlp::number_data_point::kFlags, 1);
  const auto batch = decode(request(metric("x", "", otlp::metric::kGauge,
                                           Proto().message(otlp::gauge::kDataPoints, point))))
                         .batch;
  EXPECT_THAT(lines(batch), ElementsAre("x stale @5"));
}

TEST(OtlpMetrics, KeysThatBecomeOneNameShareIt) {
  Proto point = number(1);
  point.message(otlp::number_data_point::kAttributes, attribute("a_b", "2"))
      .message(otlp::number_data_point::kAttributes, attribute("a.b", "1"))
      .message(otlp::number_data_point::kAttributes, attribute("job", "mine"));
  const auto batch = decode(request(metric("x", "", otlp::metric::kGauge,
                                           Proto().message(otlp::gauge::kDataPoints, point))))
                         .batch;
  EXPECT_THAT(lines(batch), ElementsAre("x{a_b=\"1;2\"} 1.0 @5"));
  EXPECT_EQ(model::Labels::parse(batch.labels(0))->get("job"), "eu/shop");
}

TEST(OtlpMetrics, PointsOverTheLimitAreRejectedWhole) {
  DecodeOptions options;
  options.samples_max = 7;
  Proto data;
  data.varint(otlp::histogram::kAggregationTemporality, 2);
  for (int i = 0; i < 3; ++i) {
    data.message(otlp::histogram::kDataPoints, histogram_point({1, 2, 3}, {0.5, 1}));
  }
  const auto [batch, report] =
      decode(request(metric("latency", "s", otlp::metric::kHistogram, data)), options);
  EXPECT_EQ(batch.size(), 5u);
  EXPECT_EQ(batch.label_sets.size(), 5u);
  EXPECT_EQ(report.rejected, 2u);
}

}  // namespace
}  // namespace vedette::wire
