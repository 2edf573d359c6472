// Any bytes, in any pieces, to the server's side of HTTP/1.1 and to the client's parser.
#include "net/http1_parser.h"
#include "net/protocol.h"

namespace vedette::net {
namespace {

/// Hands replies straight back.
struct Loop final : ReplySink {
  void reply(uint64_t exchange, WireResponse&& response) override {
    protocol->reply(exchange, std::move(response));
  }
  Protocol* protocol = nullptr;
};

std::shared_ptr<const Router> router() {
  static const auto shared = [] {
    auto routes = std::make_shared<Router>();
    const HttpHandler echo = [](HttpRequest&& request, Responder respond) {
      (void)Parameters::of(request);
      respond({.content_type = "text/plain", .body = std::move(request.body)});
    };
    routes->http("GET,POST", "/*", echo);
    return routes;
  }();
  return shared;
}

/// Calls `take` with `bytes` in pieces whose sizes the bytes decide.
template <typename Take>
void in_pieces(std::string_view bytes, Take take) {
  size_t piece = bytes.empty() ? 1 : static_cast<uint8_t>(bytes[0]) % 64 + 1;
  while (!bytes.empty()) {
    const size_t n = std::min(piece, bytes.size());
    take(bytes.substr(0, n));
    bytes.remove_prefix(n);
    piece = piece * 7 % 251 + 1;
  }
}

void serve(std::string_view bytes) {
  const Limits limits{.body_bytes_max = 1 << 16, .header_bytes_max = 4096};
  Host host{router(), limits, std::make_shared<h2::ByteBudget>(1 << 20),
            std::make_shared<Counters>()};
  auto sink = std::make_shared<Loop>();
  const auto protocol = make_http1(host, sink, "fuzz");
  sink->protocol = protocol.get();
  std::vector<std::string> chunks;
  in_pieces(bytes, [&](std::string_view piece) {
    if (protocol->wants_input()) protocol->receive(piece);
    chunks.clear();
    protocol->output(chunks, 1 << 20);
  });
  protocol->tick();
  protocol->peer_gone();
}

void parse_response(std::string_view bytes) {
  const auto parser = MessageParser::create(MessageParser::Kind::kResponse, {4096, 1 << 16});
  std::string held;
  in_pieces(bytes, [&](std::string_view piece) {
    held += piece;
    size_t used = 0;
    while (!parser->done() && parser->failure.status == 0 && used < held.size()) {
      const size_t step = parser->parse(std::string_view(held).substr(used));
      used += step;
      if (step == 0) break;
    }
    held.erase(0, used);
  });
  if (!parser->done() && parser->failure.status == 0) parser->end_of_stream();
}

}  // namespace
}  // namespace vedette::net

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  vedette::net::serve(bytes);
  vedette::net::parse_response(bytes);
  return 0;
}
