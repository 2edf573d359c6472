// Any bytes, in any pieces, to both sides of HTTP/2, and to gRPC's small parsers.
#include "net/h2/grpc_client.h"
#include "net/h2/session.h"

namespace vedette::net::h2 {
namespace {

constexpr SessionLimits kLimits{.body_bytes_max = 1 << 16, .header_bytes_max = 4096};

template <typename Take>
void in_pieces(std::string_view bytes, Take take) {
  size_t piece = bytes.empty() ? 1 : static_cast<uint8_t>(bytes[0]) + 1;
  while (!bytes.empty()) {
    const size_t n = std::min(piece, bytes.size());
    take(bytes.substr(0, n));
    bytes.remove_prefix(n);
    piece = piece * 7 % 251 + 1;
  }
}

void serve(std::string_view bytes) {
  TimePoint now{};
  BufferPool buffers;
  ServerSession session({.limits = kLimits,
                         .streams_max = 8,
                         .budget = std::make_shared<ByteBudget>(1 << 18),
                         .buffers = &buffers},
                        now);
  std::string out;
  session.receive("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", now);
  in_pieces(bytes, [&](std::string_view piece) {
    now += std::chrono::milliseconds(10);
    session.receive(piece, now);
    while (auto request = session.next_request()) {
      if (request->body.size() % 3 == 0) continue;  // never answered
      session.respond(request->stream, {.body = request->body, .trailers = {{"grpc-status", "0"}}});
    }
    while (session.next_gone()) {
    }
    out.clear();
    session.output(out, 1 << 16, now);
  });
  session.expire(now + std::chrono::hours(1));
  session.shut_down();
  out.clear();
  session.output(out, SIZE_MAX, now);
}

void ask(std::string_view bytes) {
  ClientSession session(kLimits);
  std::string out;
  for (int i = 0; i < 3; ++i) {
    (void)session.send(
        make_grpc_request({.authority = "a", .path = "/s/M", .message = std::string(100, 'x')}));
  }
  session.output(out, 1 << 16);
  in_pieces(bytes, [&](std::string_view piece) {
    (void)session.receive(piece);
    while (auto finished = session.next()) {
      if (finished->response.ok()) (void)read_grpc_response(std::move(*finished->response));
    }
    out.clear();
    session.output(out, 1 << 16);
  });
  session.lost({Code::kIo, "end"});
}

void parse(std::string_view bytes) {
  (void)parse_grpc_prefix(bytes);
  (void)parse_grpc_timeout(bytes);
  (void)decode_grpc_message(bytes);
  (void)decode_retry_delay(bytes);
  if (decode_base64(encode_base64(bytes)) != bytes) __builtin_trap();
  if (decode_grpc_message(encode_grpc_message(bytes)) != bytes) __builtin_trap();
}

}  // namespace
}  // namespace vedette::net::h2

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  vedette::net::h2::serve(bytes);
  vedette::net::h2::ask(bytes);
  vedette::net::h2::parse(bytes);
  return 0;
}
