#include "net/h2/grpc.h"

#include <gtest/gtest.h>

#include "net/h2/grpc_client.h"

namespace vedette::net::h2 {
namespace {

using namespace std::chrono_literals;

TEST(Grpc, PrefixRoundTrips) {
  std::string bytes;
  append_grpc_prefix(bytes, {true, 0x01020304});
  EXPECT_EQ(bytes, std::string("\x01\x01\x02\x03\x04", 5));
  const auto prefix = parse_grpc_prefix(bytes);
  ASSERT_TRUE(prefix);
  EXPECT_TRUE(prefix->compressed);
  EXPECT_EQ(prefix->length, 0x01020304u);
  EXPECT_FALSE(parse_grpc_prefix("\1\2\3\4"));
  EXPECT_FALSE(parse_grpc_prefix("\2\0\0\0\0"));
}

TEST(Grpc, TimeoutsParse) {
  EXPECT_EQ(parse_grpc_timeout("100m"), 100ms);
  EXPECT_EQ(parse_grpc_timeout("2S"), 2s);
  EXPECT_EQ(parse_grpc_timeout("3M"), 3min);
  EXPECT_EQ(parse_grpc_timeout("1H"), 1h);
  EXPECT_EQ(parse_grpc_timeout("7u"), 7us);
  EXPECT_EQ(parse_grpc_timeout("9n"), 9ns);
  EXPECT_GT(parse_grpc_timeout("99999999H"), 1h);  // no overflow
  for (const char* bad : {"", "m", "1", "1x", "-1S", "123456789S", "1 S"}) {
    EXPECT_FALSE(parse_grpc_timeout(bad)) << bad;
  }
  for (const auto t : {1ms, 10'000ms, 99'999'999ms})
    EXPECT_EQ(parse_grpc_timeout(format_grpc_timeout(t)), t);
  EXPECT_EQ(parse_grpc_timeout(format_grpc_timeout(100'000'000ms)), 100'000s);
}

TEST(Grpc, MessagesArePercentEncoded) {
  EXPECT_EQ(encode_grpc_message("50% of é\n"), "50%25 of %C3%A9%0A");
  EXPECT_EQ(decode_grpc_message("50%25 of %C3%A9%0A"), "50% of é\n");
  EXPECT_EQ(decode_grpc_message("bad %zz %4"), "bad %zz %4");
}

TEST(Grpc, Base64RoundTrips) {
  for (const std::string bytes : {"", "a", "ab", "abc", "\xff\xfe\xfd\xfc"}) {
    EXPECT_EQ(decode_base64(encode_base64(bytes)), bytes);
    EXPECT_EQ(decode_base64(encode_base64(bytes) + "=="), bytes);
  }
  EXPECT_EQ(encode_base64("ab"), "YWI");
  EXPECT_FALSE(decode_base64("a*"));
  EXPECT_FALSE(decode_base64("a"));
}

TEST(Grpc, StatusCarriesRetryInfo) {
  // As google.rpc.Status(code=8, message="full", details=[RetryInfo(1.5 s)]) serializes.
  const std::string expected = std::string("\x08\x08\x12\x04") + "full" +
                               "\x1a\x36\x0a\x28type.googleapis.com/google.rpc.RetryInfo" +
                               std::string("\x12\x0a\x0a\x08\x08\x01\x10\x80\xca\xb5\xee\x01", 12);
  EXPECT_EQ(encode_rpc_status(GrpcCode::kResourceExhausted, "full", 1500), expected);
  EXPECT_EQ(decode_retry_delay(expected), 1500ms);
  EXPECT_FALSE(decode_retry_delay(encode_rpc_status(GrpcCode::kResourceExhausted, "full")));
  for (size_t n = 0; n < expected.size(); ++n) (void)decode_retry_delay(expected.substr(0, n));
}

TEST(Grpc, ResponsesBecomeOutcomes) {
  std::string reply;
  append_grpc_prefix(reply, {false, 2});
  reply += "ok";
  const auto good =
      read_grpc_response({.status = 200, .body = reply, .trailers = {{"grpc-status", "0"}}});
  EXPECT_EQ(good.code, GrpcCode::kOk);
  EXPECT_EQ(good.message, "ok");

  const auto busy = read_grpc_response(
      {.status = 200,
       .headers = {{"grpc-status", "8"},
                   {"grpc-message", "full%21"},
                   {"grpc-status-details-bin", encode_base64(encode_rpc_status(
                                                   GrpcCode::kResourceExhausted, "full!", 250))}}});
  EXPECT_EQ(busy.code, GrpcCode::kResourceExhausted);
  EXPECT_EQ(busy.error, "full!");
  EXPECT_EQ(busy.retry_after, 250ms);

  EXPECT_EQ(read_grpc_response({.status = 503}).code, GrpcCode::kUnavailable);
  EXPECT_EQ(read_grpc_response({.status = 404}).code, GrpcCode::kUnimplemented);
  EXPECT_EQ(read_grpc_response({.status = 200, .trailers = {{"grpc-status", "0"}}}).code,
            GrpcCode::kInternal);
  EXPECT_EQ(read_grpc_response({.status = 200, .trailers = {{"grpc-status", "99"}}}).code,
            GrpcCode::kUnknown);
}

}  // namespace
}  // namespace vedette::net::h2
