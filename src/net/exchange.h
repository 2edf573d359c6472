// One HTTP request between its protocol and its handler: routing, content codings, refusals.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "net/protocol.h"

namespace vedette::net {

/// Shared by the protocol, which marks it cancelled, and the Responder.
struct Exchange {
  explicit Exchange(std::shared_ptr<h2::ByteBudget> budget) : held(std::move(budget)) {}
  std::atomic<bool> cancelled{false};
  h2::BytesHeld held;  // its bodies, given back when both let go
};

/// An error of net's own in the shape the request's content type asks for: OTLP wants
/// google.rpc.Status as protobuf or JSON, everybody else gets plain text.
HttpResponse refusal(const Headers& request_headers, int status, std::string_view message);

/// 503: the server's buffers are full.
HttpResponse busy(const Headers& request_headers);

/// A request target as its decoded path and raw query; false when its percent-encoding is bad.
bool split_target(std::string_view target, std::string& path, std::string& query);

/// Why a request with a body is refused before its body is read.
std::optional<HttpResponse> refuse_body(const Host& host, std::string_view method,
                                        std::string_view path, const Headers& headers);

/// Decodes the body and calls the route's handler; `sink` gets the response, maybe before this
/// returns. `head`: the client sent HEAD. Never throws.
void serve_http(Host& host, HttpRequest&& request, bool head, std::shared_ptr<Exchange> exchange,
                std::shared_ptr<ReplySink> sink, uint64_t id);

/// Adds content headers, and gzip for clients that take it.
WireResponse to_wire(HttpResponse&& response, bool takes_gzip, bool head, size_t gzip_min);

/// Does Accept-Encoding allow gzip (RFC 9110, 12.5.3)?
bool accepts_gzip(const Headers& headers);

}  // namespace vedette::net
