#include "ingest/span_metrics.h"

#include <gmock/gmock.h>

#include "wire/prometheus_names.h"

namespace vedette::ingest {
namespace {

using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kStart = 1'700'000'000 * kSecond;

struct TestSpan {
  std::string name = "GET /orders";
  int64_t duration_ns = 7'000'000;
  model::SpanStatus status = model::SpanStatus::kUnset;
  std::vector<std::pair<std::string, model::Value>> attributes = {};
  std::string trace_state = "";
};

model::SpanBatch batch_of(const std::vector<TestSpan>& spans) {
  model::SpanBatch batch;
  batch.resources.emplace_back().service = batch.strings.intern("shop");
  batch.scopes.emplace_back();
  for (const TestSpan& span : spans) {
    const auto row = static_cast<uint32_t>(batch.size());
    batch.trace_id.push_back({1, row + 1});
    batch.span_id.push_back(row + 1);
    batch.start_ns.push_back(kStart);
    batch.duration_ns.push_back(span.duration_ns);
    batch.name.push_back(batch.strings.intern(span.name));
    batch.kind.push_back(model::SpanKind::kServer);
    batch.status.push_back(span.status);
    batch.trace_state.push_back(batch.strings.intern(span.trace_state));
    batch.resource.push_back(0);
    batch.scope.push_back(0);
    for (const auto& [key, value] : span.attributes) {
      batch.attributes.add(row, batch.strings.intern(key), value);
    }
  }
  return batch;
}

void add(SpanMetrics& metrics, const model::SpanBatch& batch, int64_t now = kStart) {
  metrics.add(SpanMetrics::sum_up(batch), batch, now);
}

// "name{labels} value @seconds since the start", of series whose text contains `part`.
std::vector<std::string> lines(const model::SampleBatch& batch, std::string_view part = "") {
  std::vector<std::string> out;
  for (size_t i = 0; i < batch.size(); ++i) {
    const auto labels = model::Labels::parse(batch.labels(batch.label_set[i]));
    EXPECT_TRUE(labels.ok());
    const std::string text = labels->to_string();
    if (text.find(part) == text.npos) continue;
    out.push_back(
        text + " " +
        (model::is_stale(batch.value[i]) ? "stale" : wire::format_label_number(batch.value[i])) +
        " @" + std::to_string(batch.time_ms[i] / 1000 - kStart / kSecond));
  }
  return out;
}

constexpr std::string_view kCalls = "traces_span_metrics_calls_total";

TEST(SpanMetrics, CountsAndTimesEverySpan) {
  SpanMetrics metrics({}, kStart);
  add(metrics, batch_of({{}, {.duration_ns = 300'000'000}, {.status = model::SpanStatus::kError}}));
  const auto out = metrics.flush(kStart + 15 * kSecond);
  const std::string healthy =
      R"({service_name="shop", span_kind="SPAN_KIND_SERVER", span_name="GET /orders", status_code="STATUS_CODE_UNSET"})";
  EXPECT_THAT(lines(out, kCalls), Contains(std::string(kCalls) + healthy + " 2.0 @15"));
  EXPECT_THAT(lines(out, kCalls), Contains(HasSubstr("STATUS_CODE_ERROR\"} 1.0 @15")));
  const auto buckets = lines(out, "_bucket{");
  EXPECT_THAT(
      buckets,
      Contains(HasSubstr("le=\"0.005\", service_name=\"shop\", span_kind=\"SPAN_KIND_SERVER\", "
                         "span_name=\"GET /orders\", status_code=\"STATUS_CODE_UNSET\"} 0.0 @15")));
  EXPECT_THAT(
      buckets,
      Contains(HasSubstr("le=\"0.01\", service_name=\"shop\", span_kind=\"SPAN_KIND_SERVER\", "
                         "span_name=\"GET /orders\", status_code=\"STATUS_CODE_UNSET\"} 1.0 @15")));
  EXPECT_THAT(
      buckets,
      Contains(HasSubstr("le=\"+Inf\", service_name=\"shop\", span_kind=\"SPAN_KIND_SERVER\", "
                         "span_name=\"GET /orders\", status_code=\"STATUS_CODE_UNSET\"} 2.0 @15")));
  EXPECT_THAT(lines(out, "_sum{"), Contains(HasSubstr("STATUS_CODE_UNSET\"} 0.307")));
}

TEST(SpanMetrics, TheFirstIncreaseIsSeen) {
  SpanMetrics metrics({}, kStart);
  add(metrics, batch_of({{}}));
  EXPECT_THAT(lines(metrics.flush(kStart + 15 * kSecond), kCalls),
              ElementsAre(HasSubstr(" 0.0 @0"), HasSubstr(" 1.0 @15")));
  add(metrics, batch_of({{}}));
  add(metrics, batch_of({{.name = "new"}}));
  const auto second = lines(metrics.flush(kStart + 30 * kSecond), kCalls);
  EXPECT_EQ(second.size(), 3u);
  EXPECT_THAT(second, Contains(HasSubstr("\"new\", status_code=\"STATUS_CODE_UNSET\"} 0.0 @15")));
  EXPECT_THAT(second, Contains(HasSubstr("2.0 @30")));
}

TEST(SpanMetrics, AttributesThatSpansHaveAreLabels) {
  SpanMetrics metrics({}, kStart);
  auto batch = batch_of({{}, {}});
  const auto set = [&](uint32_t row, std::string_view key, model::Value value) {
    batch.attributes.add(row, batch.strings.intern(key), value);
  };
  set(0, "http.request.method", model::Value::string(batch.strings.intern("GET")));
  set(0, "http.response.status_code", model::Value::integer(200));
  set(1, "http.response.status_code", model::Value::string(batch.strings.intern("200")));
  set(1, "http.request.method", model::Value::string(batch.strings.intern("GET")));
  set(1, "user.id", model::Value::integer(7));
  add(metrics, batch);
  const auto out = lines(metrics.flush(kStart + 15 * kSecond), kCalls);
  ASSERT_EQ(out.size(), 2u);  // one series: 200 is 200
  EXPECT_THAT(out[1],
              HasSubstr(R"({http_request_method="GET", http_response_status_code="200", service)"));
  EXPECT_THAT(out[1], HasSubstr(" 2.0 @15"));
  EXPECT_THAT(out, Each(Not(HasSubstr("user"))));
}

TEST(SpanMetrics, ManyCombinationsOverflowIntoOne) {
  SpanMetrics metrics({.combinations_max = 3}, kStart);
  std::vector<TestSpan> spans;
  for (int i = 0; i < 10; ++i) spans.push_back({.name = "op" + std::to_string(i)});
  add(metrics, batch_of(spans));
  const auto out = lines(metrics.flush(kStart + 15 * kSecond), kCalls);
  EXPECT_THAT(out, Contains(std::string(kCalls) + "{otel_metric_overflow=\"true\"} 7.0 @15"));
  EXPECT_EQ(metrics.combinations(), 4u);
}

TEST(SpanMetrics, IdleSeriesEndAndStartAgainFromZero) {
  SpanMetrics metrics({.idle_ns = 60 * kSecond}, kStart);
  add(metrics, batch_of({{}}), kStart);
  metrics.flush(kStart + 15 * kSecond);
  EXPECT_THAT(lines(metrics.flush(kStart + 75 * kSecond), kCalls),
              ElementsAre(HasSubstr("stale @75")));
  EXPECT_TRUE(metrics.flush(kStart + 90 * kSecond).empty());
  add(metrics, batch_of({{}}), kStart + 95 * kSecond);
  EXPECT_THAT(lines(metrics.flush(kStart + 105 * kSecond), kCalls),
              ElementsAre(HasSubstr(" 0.0 @90"), HasSubstr(" 1.0 @105")));
}

TEST(SpanMetrics, TheSlowestSpanIsTheExemplarOfItsBucket) {
  SpanMetrics metrics({}, kStart);
  add(metrics, batch_of({{}, {.duration_ns = 300'000'000}, {}}));
  auto out = metrics.flush(kStart + 15 * kSecond);
  ASSERT_EQ(out.exemplar_time_ms.size(), 1u);
  EXPECT_EQ(out.exemplar_span_id[0], 2u);
  EXPECT_DOUBLE_EQ(out.exemplar_value[0], 0.3);
  EXPECT_THAT(model::Labels::parse(out.labels(out.exemplar_label_set[0]))->to_string(),
              HasSubstr("le=\"0.5\""));
  EXPECT_EQ(model::Labels::parse(out.exemplar_labels[0])->get("trace_id"),
            "00000000000000010000000000000002");
  EXPECT_TRUE(metrics.flush(kStart + 30 * kSecond).exemplar_time_ms.empty());
}

TEST(SpanMetrics, SampledSpansStandForOthers) {
  EXPECT_DOUBLE_EQ(sampling_weight(""), 1);
  EXPECT_DOUBLE_EQ(sampling_weight("ot=th:8"), 2);
  EXPECT_DOUBLE_EQ(sampling_weight("x=y, ot=rv:12;th:c"), 4);
  EXPECT_DOUBLE_EQ(sampling_weight("ot=th:0"), 1);
  EXPECT_DOUBLE_EQ(sampling_weight("ot=rv:1"), 1);
  EXPECT_DOUBLE_EQ(sampling_weight("ot=th:xyz"), 1);
  EXPECT_DOUBLE_EQ(sampling_weight("ot=th:"), 1);
  SpanMetrics metrics({}, kStart);
  add(metrics, batch_of({{.trace_state = "ot=th:c"}, {}}));
  EXPECT_THAT(lines(metrics.flush(kStart + 15 * kSecond), kCalls), Contains(HasSubstr(" 5.0 @15")));
}

}  // namespace
}  // namespace vedette::ingest
