#include "ingest/remote_write_endpoint.h"

#include <gmock/gmock.h>

#include "ingest/fake_store.h"
#include "wire/test_proto.h"

namespace vedette::ingest {
namespace {

using testing::HasSubstr;
using wire::bytes_tag;
using wire::fixed64_tag;
using wire::Proto;
using wire::varint_tag;

// A snappy block of one literal: short messages need no more.
std::string literal_block(const std::string& message) {
  EXPECT_LT(message.size(), 60u);
  return std::string(1, static_cast<char>(message.size())) +
         static_cast<char>((message.size() - 1) << 2) + message;
}

std::string series(const std::string& label_name, bool native = false) {
  Proto out;
  out.message(bytes_tag(1), Proto().bytes(bytes_tag(1), label_name).bytes(bytes_tag(2), "x"));
  out.message(bytes_tag(2), Proto().fixed(fixed64_tag(1), 1.0).varint(varint_tag(2), 5));
  if (native) out.bytes(bytes_tag(4), "");
  return Proto().message(bytes_tag(1), out).str();
}

class RemoteWriteEndpoint : public testing::Test {
 protected:
  RemoteWriteEndpoint() { add_remote_write_endpoint(router, pipeline); }

  net::HttpResponse post(std::string body, const std::string& type = "application/x-protobuf",
                         const std::string& coding = "snappy") {
    net::HttpRequest request;
    request.headers = {{"content-type", type}, {"content-encoding", coding}};
    request.body = std::move(body);
    net::HttpResponse out;
    router.find_http("POST", "/api/v1/write")
        .route->handler(std::move(request),
                        net::Responder([&out](net::HttpResponse&& r) { out = std::move(r); }));
    return out;
  }

  FakeStore store;
  base::SimClock clock{0};
  SpanMetrics span_metrics{{}, 0};
  Pipeline pipeline{store, span_metrics, clock, {}};
  net::Router router;
};

TEST_F(RemoteWriteEndpoint, GoodRequestsAre204) {
  EXPECT_EQ(post(literal_block(series("__name__"))).status, 204);
  EXPECT_EQ(store.take().at(0).samples->size(), 1u);
  EXPECT_EQ(post(literal_block(series("__name__")),
                 "application/x-protobuf;proto=prometheus.WriteRequest")
                .status,
            204);
}

TEST_F(RemoteWriteEndpoint, WhatCanNotBeKeptIs400AndTheRestIsStored) {
  const auto response = post(literal_block(series("__name__", true)));
  EXPECT_EQ(response.status, 400);
  EXPECT_THAT(response.body, HasSubstr("native histograms"));
  EXPECT_EQ(store.take().at(0).samples->size(), 1u);
  EXPECT_EQ(post(literal_block(series("job"))).status, 400);
  EXPECT_EQ(post("not snappy").status, 400);
  EXPECT_EQ(post("\xff\xff\xff\xff\x0f").status, 413);
}

TEST_F(RemoteWriteEndpoint, OtherProtocolsAre415) {
  EXPECT_EQ(post("", "application/x-protobuf;proto=io.prometheus.write.v2.Request").status, 415);
  EXPECT_EQ(post("", "application/json").status, 415);
  EXPECT_EQ(post("", "application/x-protobuf", "gzip").status, 415);
}

TEST_F(RemoteWriteEndpoint, ABusyStoreIsRetried) {
  store.answer(Error{Code::kUnavailable, "stopping"});
  EXPECT_EQ(post(literal_block(series("__name__"))).status, 503);
  store.answer(store::WriteOutcome{.rejected_samples = 1, .reason = "older than the retention"});
  const auto response = post(literal_block(series("__name__")));
  EXPECT_EQ(response.status, 400);
  EXPECT_THAT(response.body, HasSubstr("older than the retention"));
}

}  // namespace
}  // namespace vedette::ingest
