// The read APIs over the real engine: pages, order, shapes.
#include "api/vedette_api.h"

#include <gmock/gmock.h>
#include <rapidjson/document.h>

#include "api/jaeger_api.h"
#include "api/loki_api.h"
#include "store/engine/test_kit.h"

namespace vedette::api {
namespace {

using store::engine::Bench;
using store::engine::kTestStart;
using store::engine::shop_logs;
using store::engine::shop_spans;
using store::engine::test_trace;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int64_t kSecond = 1'000'000'000;

net::Parameters parameters(std::string query) {
  net::HttpRequest request;
  request.method = "GET";
  request.query = std::move(query);
  auto parsed = net::Parameters::of(request);
  EXPECT_TRUE(parsed.ok());
  return *std::move(parsed);
}

class ReadApi : public ::testing::Test {
 protected:
  using Handler = Answer (*)(const VedetteApi&, const net::Parameters&, const store::ReadContext&);

  Answer ask(Handler handler, const std::string& query) {
    return handler(api(), parameters(query), {});
  }

  rapidjson::Document get(Handler handler, const std::string& query) {
    const Answer answer = ask(handler, query);
    EXPECT_TRUE(answer.ok()) << answer.error().message;
    return parse(answer.ok() ? *answer : "{}");
  }

  static rapidjson::Document parse(const std::string& json) {
    rapidjson::Document document;
    document.Parse(json.data(), json.size());
    EXPECT_FALSE(document.HasParseError()) << json;
    return document;
  }

  /// Follows `next` to the end; gives `field` of every item.
  std::vector<std::string> all_pages(Handler handler, const std::string& query, const char* list,
                                     const char* field) {
    std::vector<std::string> seen;
    std::string cursor;
    for (int page = 0; page < 1000; ++page) {
      const auto answer = get(handler, query + cursor);
      for (const auto& item : answer[list].GetArray()) seen.push_back(item[field].GetString());
      if (answer["next"].IsNull()) return seen;
      cursor = std::string("&cursor=") + answer["next"].GetString();
    }
    ADD_FAILURE() << "pages without end";
    return seen;
  }

  VedetteApi api() {
    return {*bench_.engine, bench_.clock, [] { return std::vector<ScrapeTargetState>(); },
            [] { return ServerFacts(); }};
  }

  Bench bench_;
};

TEST_F(ReadApi, TracesComeNewestFirstAndPagesMissNothing) {
  ASSERT_TRUE(bench_.write(shop_spans(10, 0)).ok());
  ASSERT_TRUE(bench_.write(shop_spans(10, 10)).ok());
  std::vector<std::string> expected;
  for (uint64_t n = 20; n-- > 0;) expected.push_back(test_trace(n).hex());
  EXPECT_EQ(all_pages(find_traces, "limit=100", "traces", "trace_id"), expected);
  EXPECT_EQ(all_pages(find_traces, "limit=3", "traces", "trace_id"), expected);
  EXPECT_EQ(all_pages(find_traces, "limit=1&service=payments", "traces", "trace_id"), expected);
  EXPECT_THAT(all_pages(find_traces, "limit=1&status=error", "traces", "trace_id"),
              ElementsAre(test_trace(19).hex(), test_trace(9).hex()));
}

TEST_F(ReadApi, TracesThatBeginAtOneMomentArePagedToo) {
  auto spans = std::make_shared<model::SpanBatch>(*shop_spans(30, 0));
  for (int64_t& start : spans->start_ns) start = kTestStart;
  ASSERT_TRUE(bench_.write(std::shared_ptr<const model::SpanBatch>(spans)).ok());
  auto seen = all_pages(find_traces, "limit=7", "traces", "trace_id");
  EXPECT_EQ(seen.size(), 30u);
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(std::unique(seen.begin(), seen.end()), seen.end());
}

TEST_F(ReadApi, ATraceThatSpansAPageBorderIsShownOnce) {
  // Each trace has spans both before and after all others.
  auto spans = std::make_shared<model::SpanBatch>(*shop_spans(12, 0));
  for (size_t i = 0; i < spans->size(); ++i)
    spans->start_ns[i] =
        kTestStart + static_cast<int64_t>(i % 7) * kSecond + static_cast<int64_t>(i);
  ASSERT_TRUE(bench_.write(std::shared_ptr<const model::SpanBatch>(spans)).ok());
  auto seen = all_pages(find_traces, "limit=5", "traces", "trace_id");
  EXPECT_EQ(seen.size(), 12u);
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(std::unique(seen.begin(), seen.end()), seen.end());
}

TEST_F(ReadApi, OneTraceWhole) {
  ASSERT_TRUE(bench_.write(shop_spans(10, 0)).ok());
  ASSERT_TRUE(bench_.write(shop_logs(10, 0)).ok());
  const Answer answer = show_trace(api(), test_trace(9).hex(), {});
  ASSERT_TRUE(answer.ok());
  const auto trace = parse(*answer);
  EXPECT_STREQ(trace["root_name"].GetString(), "POST /orders");
  EXPECT_TRUE(trace["has_root"].GetBool());
  EXPECT_EQ(trace["errors"].GetInt(), 1);
  EXPECT_EQ(trace["logs"].GetInt(), 4) << "the fifth has no trace";
  EXPECT_EQ(trace["spans"].Size(), 7u);
  EXPECT_EQ(trace["resources"].Size(), 2u);
  const auto& root = trace["spans"][0];
  EXPECT_STREQ(root["kind"].GetString(), "server");
  EXPECT_EQ(root["attributes"]["http.response.status_code"].GetInt(), 502);
  EXPECT_STREQ(root["start_ns"].GetString(), std::to_string(kTestStart + 9 * kSecond).c_str());
  const auto& failed = trace["spans"][5];
  EXPECT_STREQ(failed["status"].GetString(), "error");
  EXPECT_STREQ(failed["events"][0]["attributes"]["exception.type"].GetString(), "Declined");
  EXPECT_STREQ(trace["spans"][6]["links"][0]["trace_id"].GetString(),
               test_trace(1'000'009).hex().c_str());
  EXPECT_EQ(show_trace(api(), test_trace(5000).hex(), {}).error().code, Code::kNotFound);
  EXPECT_EQ(show_trace(api(), "xyz", {}).error().code, Code::kInvalidArgument);
}

TEST_F(ReadApi, ParentsComeBeforeChildrenOfTheSameMoment) {
  auto spans = std::make_shared<model::SpanBatch>(*shop_spans(1, 0));
  for (size_t i = 0; i < spans->size(); ++i) {
    spans->start_ns[i] = kTestStart;
    spans->span_id[i] = 100 - i;  // children have the smaller ids
    spans->parent_span_id[i] = i == 0 ? 0 : 100 - i + 1;
  }
  ASSERT_TRUE(bench_.write(std::shared_ptr<const model::SpanBatch>(spans)).ok());
  const auto trace = parse(*show_trace(api(), test_trace(0).hex(), {}));
  std::string before;
  for (const auto& span : trace["spans"].GetArray()) {
    EXPECT_EQ(span["parent_span_id"].GetString(), before);
    before = span["span_id"].GetString();
  }
}

TEST_F(ReadApi, ARingOfParentsIsShownNotFollowed) {
  auto spans = std::make_shared<model::SpanBatch>(*shop_spans(1, 0));
  for (size_t i = 0; i < spans->size(); ++i) {
    spans->start_ns[i] = kTestStart;
    spans->parent_span_id[i] = spans->span_id[(i + 1) % spans->size()];
  }
  ASSERT_TRUE(bench_.write(std::shared_ptr<const model::SpanBatch>(spans)).ok());
  const auto trace = parse(*show_trace(api(), test_trace(0).hex(), {}));
  EXPECT_EQ(trace["spans"].Size(), 7u);
  EXPECT_FALSE(trace["has_root"].GetBool());
}

TEST_F(ReadApi, LogsOfOneMomentArePagedToo) {
  auto logs = std::make_shared<model::LogBatch>(*shop_logs(10, 0));
  for (size_t i = 0; i < logs->size(); ++i)
    logs->time_ns[i] = kTestStart + static_cast<int64_t>(i / 25) * kSecond;
  ASSERT_TRUE(bench_.write(std::shared_ptr<const model::LogBatch>(logs)).ok());
  const auto whole = all_pages(find_logs, "limit=5000", "logs", "body");
  EXPECT_EQ(whole.size(), 50u);
  EXPECT_EQ(all_pages(find_logs, "limit=7", "logs", "body"), whole);
  EXPECT_EQ(all_pages(find_logs, "limit=7&order=oldest", "logs", "body").size(), 50u);
}

TEST_F(ReadApi, AVerdictNamesTheDependencyAndShowsATrace) {
  auto spans = std::make_shared<model::SpanBatch>(*shop_spans(60, 0));
  const int64_t now = bench_.clock.now_ns();
  const model::StringId peer = spans->strings.intern("server.address");
  const model::StringId payments = spans->strings.intern("payments");
  for (uint32_t i = 0; i < spans->size(); ++i) {
    spans->start_ns[i] = now - 240 * kSecond + static_cast<int64_t>(i) * kSecond / 7;
    if (i % 7 != 4) continue;
    spans->kind[i] = model::SpanKind::kClient;
    spans->attributes.add(i, peer, model::Value::string(payments));
    if (i % 14 == 4) spans->status[i] = model::SpanStatus::kError;
  }
  ASSERT_TRUE(bench_.write(std::shared_ptr<const model::SpanBatch>(spans)).ok());
  const auto verdict = get(show_verdict, "service=shop");
  ASSERT_EQ(verdict["services"].Size(), 1u);
  const auto& shop = verdict["services"][0];
  EXPECT_STREQ(shop["state"].GetString(), "degrading");
  EXPECT_EQ(shop["error_ratio"].GetDouble(), 0) << "the requests themselves went well";
  const auto& cause = shop["causes"][0];
  EXPECT_STREQ(cause["kind"].GetString(), "dependency");
  EXPECT_STREQ(cause["subject"].GetString(), "payments (POST)");
  EXPECT_THAT(cause["sentence"].GetString(),
              HasSubstr("Calls to payments (POST) fail: 50% of them"));
  EXPECT_EQ(std::string(cause["trace_id"].GetString()).size(), 32u);
}

TEST_F(ReadApi, JaegerAndLokiReadTheSame) {
  ASSERT_TRUE(bench_.write(shop_spans(10, 0)).ok());
  ASSERT_TRUE(bench_.write(shop_logs(10, 0)).ok());
  const int64_t now = bench_.clock.now_ns();
  const auto found = parse(
      jaeger_traces(*bench_.engine,
                    parameters("service=payments&tags=%7B%22error%22%3A%22true%22%7D"), now, {})
          .body);
  ASSERT_EQ(found["data"].Size(), 1u);
  EXPECT_EQ(found["data"][0]["traceID"].GetString(), test_trace(9).hex());
  EXPECT_EQ(found["data"][0]["spans"].Size(), 7u);
  EXPECT_EQ(jaeger_traces(*bench_.engine, parameters(""), now, {}).status, 400);
  const net::Parameters p = parameters("query=%7Blevel%3D%22error%22%7D&limit=10");
  const auto loki = loki_query_range(*bench_.engine, {p, now, true}, {});
  ASSERT_TRUE(loki.ok()) << loki.error().message;
  const auto streams = parse(*loki);
  ASSERT_EQ(streams["data"]["result"].Size(), 1u);
  const auto& stream = streams["data"]["result"][0];
  EXPECT_STREQ(stream["stream"]["severity"].GetString(), "ERROR");
  EXPECT_STREQ(stream["values"][0][1].GetString(), "payment declined for order 1000009");
  EXPECT_EQ(stream["values"][0][2]["structuredMetadata"]["trace_id"].GetString(),
            test_trace(9).hex());
}

TEST_F(ReadApi, WhatIsWrongWithParametersIsSaid) {
  for (const char* query :
       {"limit=0", "limit=5000", "start=x", "start=20&end=10", "attr==x", "attr=a>b", "attr=!",
        "status=bad", "min_duration=5", "cursor=1", "kind=x", "root=maybe"}) {
    const Answer answer = ask(find_traces, query);
    ASSERT_FALSE(answer.ok()) << query;
    EXPECT_EQ(answer.error().code, Code::kInvalidArgument) << query;
  }
  EXPECT_THAT(ask(find_traces, "limit=0").error().message, HasSubstr("limit"));
}

}  // namespace
}  // namespace vedette::api
