#include "ingest/otlp_endpoints.h"

#include <gmock/gmock.h>

#include "ingest/fake_store.h"
#include "wire/otlp_fields.h"
#include "wire/test_proto.h"

namespace vedette::ingest {
namespace {

using testing::HasSubstr;
using wire::Proto;
namespace otlp = wire::otlp;

constexpr const char* kProtobuf = "application/x-protobuf";
constexpr const char* kJson = "application/json";

std::string spans(std::vector<std::string> trace_ids) {
  Proto scope;
  for (const std::string& id : trace_ids) {
    scope.message(otlp::scope_spans::kSpans,
                  Proto().bytes(otlp::span::kTraceId, id).bytes(otlp::span::kSpanId, "span-id."));
  }
  return Proto()
      .message(otlp::export_trace_service_request::kResourceSpans,
               Proto().message(otlp::resource_spans::kScopeSpans, scope))
      .str();
}

class OtlpEndpoints : public testing::Test {
 protected:
  OtlpEndpoints() { add_otlp_endpoints(router, pipeline); }

  net::HttpResponse post(const std::string& path, const std::string& type, std::string body) {
    net::HttpRequest request;
    request.method = "POST";
    request.path = path;
    request.headers = {{"content-type", type}};
    request.body = std::move(body);
    net::HttpResponse out;
    const auto* route = router.find_http("POST", path).route;
    EXPECT_NE(route, nullptr);
    route->handler(std::move(request),
                   net::Responder([&out](net::HttpResponse&& r) { out = std::move(r); }));
    return out;
  }
  net::GrpcResponse call(const std::string& path, std::string message) {
    net::GrpcRequest request;
    request.path = path;
    request.message = std::move(message);
    net::GrpcResponse out;
    const auto* handler = router.find_grpc(path);
    EXPECT_NE(handler, nullptr);
    (*handler)(std::move(request),
               net::GrpcResponder([&out](net::GrpcResponse&& r) { out = std::move(r); }));
    return out;
  }
  static std::string header(const net::HttpResponse& response, std::string_view name) {
    return std::string(net::find_header(response.headers, name).value_or(""));
  }

  FakeStore store;
  base::SimClock clock{1'700'000'000'000'000'000};
  SpanMetrics span_metrics{{}, 0};
  Pipeline pipeline{store, span_metrics, clock, {}};
  net::Router router;
};

constexpr const char* kTraceMethod = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
const std::string kGoodId = "0123456789abcdef";

TEST_F(OtlpEndpoints, SpansGoToTheStoreAndAreAcknowledged) {
  const auto response = post("/v1/traces", kProtobuf, spans({kGoodId, kGoodId}));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, kProtobuf);
  EXPECT_EQ(response.body, "");  // everything was taken: partial_success is unset
  const auto writes = store.take();
  ASSERT_EQ(writes.size(), 1u);
  EXPECT_EQ(writes[0].spans->size(), 2u);
  EXPECT_NE(writes[0].content_hash.hi, 0u);
  EXPECT_EQ(pipeline.stats()[0].accepted, 2u);
}

TEST_F(OtlpEndpoints, TheContentHashIsTheRequestsOwn) {
  const auto hash_of = [&](const std::string& path, const std::string& body) {
    post(path, kProtobuf, body);
    return store.take().at(0).content_hash;
  };
  const std::string a = spans({kGoodId}), b = spans({kGoodId, kGoodId});
  EXPECT_EQ(hash_of("/v1/traces", a), hash_of("/v1/traces", a));
  EXPECT_NE(hash_of("/v1/traces", a), hash_of("/v1/traces", b));
}

TEST_F(OtlpEndpoints, RejectedSpansArePartialSuccessInBothEncodings) {
  const auto response = post("/v1/traces", kProtobuf, spans({"short", kGoodId}));
  EXPECT_EQ(response.status, 200);
  EXPECT_THAT(response.body, HasSubstr("trace_id"));
  EXPECT_EQ(response.body[0], '\x0a');
  EXPECT_EQ(response.body.substr(2, 2), "\x08\x01");  // rejected_spans = 1

  const auto json = post("/v1/traces", "application/json; charset=utf-8",
                         R"({"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"1"}]}]}]})");
  EXPECT_EQ(json.status, 200);
  EXPECT_EQ(json.content_type, kJson);
  EXPECT_THAT(json.body, HasSubstr(R"({"partialSuccess":{"rejectedSpans":"1","errorMessage":")"));
  EXPECT_EQ(pipeline.stats()[0].rejected[static_cast<size_t>(Reject::kInvalid)], 2u);
}

TEST_F(OtlpEndpoints, AnEmptyRequestIsASuccessThatWritesNothing) {
  EXPECT_EQ(post("/v1/logs", kProtobuf, "").status, 200);
  EXPECT_EQ(post("/v1/metrics", kJson, "{}").body, "{}");
  EXPECT_TRUE(store.take().empty());
}

TEST_F(OtlpEndpoints, BodiesThatCannotBeReadAre400WithAStatus) {
  const auto proto = post("/v1/traces", kProtobuf, "\xff\xff");
  EXPECT_EQ(proto.status, 400);
  EXPECT_EQ(proto.content_type, kProtobuf);
  EXPECT_EQ(proto.body.substr(0, 2), "\x08\x03");  // google.rpc.Status, INVALID_ARGUMENT
  const auto json = post("/v1/logs", kJson, "{");
  EXPECT_EQ(json.status, 400);
  EXPECT_THAT(json.body, HasSubstr(R"({"code":3,"message":")"));
  EXPECT_EQ(pipeline.stats()[1].malformed, 1u);
}

TEST_F(OtlpEndpoints, OtherContentTypesAre415) {
  EXPECT_EQ(post("/v1/traces", "text/plain", "").status, 415);
  EXPECT_EQ(post("/v1/traces", "", "").status, 415);
}

TEST_F(OtlpEndpoints, AStoreThatIsBusyOrStoppingAsksForARetry) {
  store.answer(Error{Code::kResourceExhausted, "the write queue is full"});
  auto response = post("/v1/traces", kProtobuf, spans({kGoodId}));
  EXPECT_EQ(response.status, 429);
  EXPECT_EQ(header(response, "retry-after"), "1");
  auto grpc = call(kTraceMethod, spans({kGoodId}));
  EXPECT_EQ(grpc.code, net::GrpcCode::kResourceExhausted);
  EXPECT_EQ(grpc.retry_after_ms, 1000);

  store.answer(Error{Code::kUnavailable, "the disk is nearly full"});
  response = post("/v1/traces", kProtobuf, spans({kGoodId}));
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(header(response, "retry-after"), "5");
  grpc = call(kTraceMethod, spans({kGoodId}));
  EXPECT_EQ(grpc.code, net::GrpcCode::kUnavailable);
  EXPECT_EQ(grpc.error, "the disk is nearly full");
  EXPECT_EQ(grpc.retry_after_ms, 5000);
}

TEST_F(OtlpEndpoints, WhatTheStoreDroppedIsReported) {
  store.answer(store::WriteOutcome{.rejected_spans = 1, .reason = "older than the retention"});
  const auto grpc = call(kTraceMethod, spans({kGoodId, kGoodId}));
  EXPECT_EQ(grpc.code, net::GrpcCode::kOk);
  EXPECT_THAT(grpc.message, HasSubstr("older than the retention"));
  const auto stats = pipeline.stats()[0];
  EXPECT_EQ(stats.accepted, 1u);
  EXPECT_EQ(stats.rejected[static_cast<size_t>(Reject::kOutsideRetention)], 1u);
}

TEST_F(OtlpEndpoints, OnlySpansThatTheStoreHasCountInTheSpanMetrics) {
  const auto calls = [&] {
    const auto batch = span_metrics.flush(clock.now_ns());
    return batch.size() == 0 ? 0 : batch.value.back();  // …_count
  };
  store.answer(Error{Code::kResourceExhausted, "full"});
  post("/v1/traces", kProtobuf, spans({kGoodId}));
  EXPECT_EQ(calls(), 0);
  store.answer(store::WriteOutcome{});
  post("/v1/traces", kProtobuf, spans({kGoodId}));
  EXPECT_EQ(calls(), 1);
  store.answer(store::WriteOutcome{.reason = "", .duplicate = true});
  post("/v1/traces", kProtobuf, spans({kGoodId}));
  EXPECT_EQ(calls(), 1);
  EXPECT_EQ(pipeline.stats()[0].duplicates, 1u);
}

TEST_F(OtlpEndpoints, GrpcBodiesThatCannotBeReadAreInvalidArguments) {
  const auto grpc = call(kTraceMethod, "\x0a\x05");
  EXPECT_EQ(grpc.code, net::GrpcCode::kInvalidArgument);
  EXPECT_FALSE(grpc.retry_after_ms.has_value());
}

}  // namespace
}  // namespace vedette::ingest
