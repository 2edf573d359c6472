// Answers byte by byte as Prometheus 3.5 gives them.
#include "api/prometheus_api.h"

#include <gtest/gtest.h>

#include <future>

#include "api/runner.h"
#include "query/promql/memory_store.h"

namespace vedette::api {
namespace {

class PrometheusApi : public testing::Test {
 protected:
  PrometheusApi() {
    const auto up = [](const char* job) {
      return model::Labels::of({{"__name__", "up"}, {"job", job}});
    };
    for (int64_t t = 0; t <= 10; ++t) {
      store_.add(up("api"), t * 60'000, 1);
      store_.add(up("web"), t * 60'000, static_cast<double>(t));
    }
    store_.add(model::Labels::of({{"__name__", "a.b"}, {"quote", "\"\n\\"}}), 0, 1e-7);
    store_.add_metadata({"up", model::MetricType::kGauge, "Whether it is up.", ""});
    store_.add_metadata({"x_total", model::MetricType::kCounter, "X.", "bytes"});
    serve_prometheus_api(router_, runner_, store_, clock_);
  }

  net::HttpResponse send(const std::string& path, const std::string& query,
                         const std::string& form = "") {
    net::HttpRequest request;
    request.method = form.empty() ? "GET" : "POST";
    request.path = path;
    request.query = query;
    request.body = form;
    if (!form.empty()) request.headers = {{"content-type", "application/x-www-form-urlencoded"}};
    request.cancelled = cancelled_;
    const auto match = router_.find_http(request.method, path);
    if (!match.route) return {404, "", "", {}};
    std::promise<net::HttpResponse> promise;
    auto answer = promise.get_future();
    match.route->handler(std::move(request), net::Responder([&](net::HttpResponse&& r) {
                           promise.set_value(std::move(r));
                         }));
    return answer.get();
  }
  std::string get(const std::string& endpoint, const std::string& query = "") {
    return send("/api/v1/" + endpoint, query).body;
  }

  promql::MemoryStore store_;
  base::SimClock clock_{600'000'000'000};
  net::Router router_;
  Runner runner_{{}};
  std::shared_ptr<std::atomic<bool>> cancelled_ = std::make_shared<std::atomic<bool>>(false);
};

TEST_F(PrometheusApi, AnswersInstantQueries) {
  EXPECT_EQ(get("query", "query=up&time=120"),
            R"({"status":"success","data":{"resultType":"vector","result":[)"
            R"({"metric":{"__name__":"up","job":"api"},"value":[120,"1"]},)"
            R"({"metric":{"__name__":"up","job":"web"},"value":[120,"2"]}]}})");
  EXPECT_EQ(get("query", "query=1%2B1"),
            R"({"status":"success","data":{"resultType":"scalar","result":[600,"2"]}})");
  EXPECT_EQ(get("query", "query=%22text%22&time=1.5"),
            R"({"status":"success","data":{"resultType":"string","result":[1.500,"text"]}})");
  EXPECT_EQ(get("query", "query=up{job=%22web%22}[2m]&time=1970-01-01T00:02:30Z"),
            R"({"status":"success","data":{"resultType":"matrix","result":[)"
            R"({"metric":{"__name__":"up","job":"web"},"values":[[60,"1"],[120,"2"]]}]}})");
  EXPECT_EQ(get("query", "query={%22a.b%22}&time=0"),
            R"({"status":"success","data":{"resultType":"vector","result":[)"
            R"({"metric":{"__name__":"a.b","quote":"\"\n\\"},"value":[0,"1e-07"]}]}})");
  EXPECT_EQ(get("query", "query=nothing"),
            R"({"status":"success","data":{"resultType":"vector","result":[]}})");
}

TEST_F(PrometheusApi, AnswersRangeQueriesByGetAndPost) {
  const std::string expected = R"({"status":"success","data":{"resultType":"matrix","result":[)"
                               R"({"metric":{},"values":[[0,"1"],[60.500,"2"],[121,"3"]]}]}})";
  EXPECT_EQ(get("query_range", "query=sum(up)&start=0&end=121&step=60.5"), expected);
  EXPECT_EQ(send("/api/v1/query_range", "", "query=sum(up)&start=0&end=121&step=60.5").body,
            expected);
}

TEST_F(PrometheusApi, CutsLongAnswersAndSaysSo) {
  EXPECT_EQ(get("query", "query=up&limit=1&time=0"),
            R"({"status":"success","data":{"resultType":"vector","result":[)"
            R"({"metric":{"__name__":"up","job":"api"},"value":[0,"1"]}]},)"
            R"("warnings":["results truncated due to limit"]})");
  EXPECT_EQ(
      get("labels", "limit=2"),
      R"({"status":"success","data":["__name__","job"],"warnings":["results truncated due to limit"]})");
}

TEST_F(PrometheusApi, PassesWarningsAndHintsOn) {
  EXPECT_EQ(
      get("query", "query=quantile(2,rate(up[5m]))&time=300"),
      R"({"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[300,"+Inf"]}]},)"
      R"j("warnings":["PromQL warning: quantile value should be between 0 and 1, got 2 (1:10)"],)j"
      R"("infos":["PromQL info: metric might not be a counter, name does not end in )"
      R"j(_total/_sum/_count/_bucket: \"up\" (1:17)"]})j");
}

TEST_F(PrometheusApi, ListsWhatThereIs) {
  EXPECT_EQ(get("labels"), R"({"status":"success","data":["__name__","job","quote"]})");
  EXPECT_EQ(get("labels", "match[]=up"), R"({"status":"success","data":["__name__","job"]})");
  EXPECT_EQ(get("label/job/values"), R"({"status":"success","data":["api","web"]})");
  EXPECT_EQ(get("label/__name__/values", "match[]={job=~%22.%2B%22}"),
            R"({"status":"success","data":["up"]})");
  EXPECT_EQ(get("label/U__jo_62_/values"), R"({"status":"success","data":["api","web"]})");
  EXPECT_EQ(get("label/job/values", "start=5000&end=6000"), R"({"status":"success","data":[]})");
  EXPECT_EQ(
      get("series", "match[]=up{job=%22api%22}&match[]=up"),
      R"({"status":"success","data":[{"__name__":"up","job":"api"},{"__name__":"up","job":"web"}]})");
  EXPECT_EQ(
      get("metadata", "metric=up"),
      R"({"status":"success","data":{"up":[{"type":"gauge","help":"Whether it is up.","unit":""}]}})");
  EXPECT_EQ(get("metadata", "limit=0"), R"({"status":"success","data":{}})");
  EXPECT_EQ(get("query_exemplars", "query=up"), R"({"status":"success","data":[]})");
  EXPECT_EQ(get("format_query", "query=sum(up)by(job)"),
            R"j({"status":"success","data":"sum by (job) (up)"})j");
  EXPECT_EQ(get("status/buildinfo").find("features"), std::string::npos);
}

TEST_F(PrometheusApi, NamesEachMistake) {
  struct Case {
    const char* endpoint;
    const char* query;
    const char* error;
  };
  const Case kCases[] = {
      {"query", "",
       R"(invalid parameter \"query\": unknown position: parse error: no expression found in input)"},
      {"query", "query=up&time=x",
       R"(invalid parameter \"time\": invalid time value for 'time': cannot parse \"x\" to a valid timestamp)"},
      {"query", "query=up&timeout=1ns",
       R"(invalid parameter \"timeout\": cannot parse \"1ns\" to a valid duration)"},
      {"query", "query=up&limit=x",
       R"(invalid parameter \"limit\": strconv.Atoi: parsing \"x\": invalid syntax)"},
      {"query", "query=up&limit=-1", R"(invalid parameter \"limit\": limit must be non-negative)"},
      {"query", "query=up&lookback_delta=x",
       R"(error parsing lookback delta duration: cannot parse \"x\" to a valid duration)"},
      {"query_range", "query=up",
       R"(invalid parameter \"start\": cannot parse \"\" to a valid timestamp)"},
      {"query_range", "query=up&start=1&end=0&step=1",
       R"(invalid parameter \"end\": end timestamp must not be before start time)"},
      {"query_range", "query=up&start=0&end=1&step=0",
       R"(invalid parameter \"step\": zero or negative query resolution step widths are not accepted. )"
       R"(Try a positive integer)"},
      {"query_range", "query=up&start=0&end=11001&step=1",
       R"(exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query )"
       R"(resolution (?step=XX))"},
      {"query_range", "query=up[5m]&start=0&end=1&step=1",
       R"(invalid parameter \"query\": invalid expression type \"range vector\" for range query, )"
       R"(must be Scalar or instant Vector)"},
      {"series", "", "no match[] parameter provided"},
      {"series", "match[]={a=%22%22}",
       R"(invalid parameter \"match[]\": match[] must contain at least one non-empty matcher)"},
      {"labels", "match[]=x{", "1:3: parse error: unexpected end of input inside braces"},
      {"metadata", "limit=x", "limit must be a number"},
      {"format_query", "query=sum(",
       R"(invalid parameter \"query\": 1:5: parse error: unclosed left parenthesis)"},
  };
  for (const Case& c : kCases) {
    const net::HttpResponse r = send("/api/v1/" + std::string(c.endpoint), c.query);
    EXPECT_EQ(r.status, 400) << c.endpoint << "?" << c.query;
    EXPECT_EQ(r.body, std::string(R"({"status":"error","errorType":"bad_data","error":")") +
                          c.error + "\"}");
  }
  EXPECT_EQ(send("/api/v1/query_range", "query=up&start=0&end=11000&step=1").status, 200);
}

TEST_F(PrometheusApi, TellsQueriesThatFailFromBadOnes) {
  const net::HttpResponse failed = send("/api/v1/query", "query=up%2Bon()up&time=0");
  EXPECT_EQ(failed.status, 422);
  EXPECT_NE(failed.body.find(R"("errorType":"execution","error":"found duplicate series)"),
            std::string::npos);
  const net::HttpResponse slow = send("/api/v1/query", "query=up&timeout=-1");
  EXPECT_EQ(slow.status, 503);
  EXPECT_EQ(
      slow.body,
      R"({"status":"error","errorType":"timeout","error":"query timed out in expression evaluation"})");
}

}  // namespace
}  // namespace vedette::api
