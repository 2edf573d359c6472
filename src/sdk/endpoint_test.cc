#include "sdk/endpoint.h"

#include <gtest/gtest.h>

#include "sdk/proto_buffer.h"

namespace vedette::sdk {
namespace {

struct UrlCase {
  const char* url;
  bool insecure;
  const char* expected;  // as Endpoint::url() has it; empty: refused
};

TEST(Endpoint, ReadsUrls) {
  const UrlCase cases[] = {
      {"http://localhost:4318/v1/traces", false, "http://localhost:4318/v1/traces"},
      {"https://c.example/v1/traces", true, "https://c.example:443/v1/traces"},
      {"http://c.example", false, "http://c.example:80/"},
      {"http://[::1]:4318/x?y=z", false, "http://[::1]:4318/x?y=z"},
      {"http://user:secret@c.example:1/", false, "http://c.example:1/"},
      {"c.example:4317", true, "http://c.example:4317/"},
      {"c.example:4317", false, "https://c.example:4317/"},
      {"", false, ""},
      {"ftp://c.example", false, ""},
      {"http://c.example:0/", false, ""},
      {"http://c.example:70000/", false, ""},
      {"http://c.example:4x/", false, ""},
      {"http://[::1/", false, ""},
      {"http:///path", false, ""},
  };
  for (const UrlCase& c : cases) {
    Endpoint endpoint;
    const Status status = parse_url(c.url, c.insecure, &endpoint);
    EXPECT_EQ(status.ok(), *c.expected != 0) << c.url;
    if (status.ok()) {
      EXPECT_EQ(endpoint.url(), c.expected);
    }
  }
}

TEST(Endpoint, ReadsPartialSuccess) {
  ProtoBuffer response;
  const size_t partial = response.begin_message(1);
  response.varint_field(1, 3);
  response.bytes_field(2, "too old");
  response.end_message(partial);
  SendResult result;
  read_partial_success(response.view(), &result);
  EXPECT_EQ(result.rejected, 3u);
  EXPECT_EQ(result.message, "too old");

  SendResult nothing;
  read_partial_success("\xff\xff not protobuf", &nothing);
  EXPECT_EQ(nothing.rejected, 0u);
}

TEST(Endpoint, ReadsPartialSuccessInJson) {
  const struct {
    const char* response;
    uint64_t rejected;
    const char* message;
  } cases[] = {
      {R"({"partialSuccess":{"rejectedSpans":"3","errorMessage":"too old"}})", 3, "too old"},
      {R"({ "partialSuccess" : { "errorMessage" : "a \"b\"\\", "rejectedLogRecords" : 4 } })", 4,
       "a \"b\"\\"},
      {R"({"partialSuccess":{"errorMessage":"\"rejectedSpans\": 7"}})", 0, "\"rejectedSpans\": 7"},
      {R"({"partialSuccess":{"rejectedDataPoints":-1}})", 0, ""},
      {R"({"partialSuccess":{"rejectedDataPoints":null,"errorMessage":)", 0, ""},
      {R"({"errorMessage":"cut \)", 0, "cut \\"},
      {R"("rejectedSpans")", 0, ""},
      {"\xff not JSON", 0, ""},
      {"", 0, ""},
  };
  for (const auto& c : cases) {
    SendResult result;
    read_json_partial_success(c.response, &result);
    EXPECT_EQ(result.rejected, c.rejected) << c.response;
    EXPECT_EQ(result.message, c.message) << c.response;
  }
}

TEST(ProtoBuffer, MessagesOfAnySizeGetTheShortestLength) {
  for (const size_t size : {0, 1, 127, 128, 16'383, 16'384}) {
    ProtoBuffer buffer;
    const size_t start = buffer.begin_message(1);
    buffer.raw(std::string(size, 'x'));
    buffer.end_message(start);
    char head[16];
    char* end = write_varint(write_varint(head, tag(1, WireType::kBytes)), size);
    EXPECT_EQ(buffer.view(), std::string(head, end) + std::string(size, 'x'));
  }
}

}  // namespace
}  // namespace vedette::sdk
