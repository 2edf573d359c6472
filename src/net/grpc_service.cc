#include "net/grpc_service.h"

#include "base/log.h"
#include "net/gzip.h"

namespace vedette::net {
namespace {

constexpr int kBusyRetryMs = 1000;

GrpcResponse fail(GrpcCode code, std::string error) {
  return {.code = code, .error = std::move(error)};
}

/// Why the request cannot be given to a handler, or its message in `request.body`.
std::optional<GrpcResponse> unpack(Host& host, h2::ServerRequest& request, Exchange& exchange) {
  using Problem = h2::ServerRequest::Problem;
  if (request.problem == Problem::kHeaderTooLarge) {
    return fail(GrpcCode::kResourceExhausted, "the metadata is too large");
  }
  if (request.problem == Problem::kBodyTooLarge) {
    return fail(
        GrpcCode::kResourceExhausted,
        "the message is larger than " + std::to_string(host.limits.body_bytes_max) + " bytes");
  }
  if (request.problem == Problem::kOverBudget) {
    auto busy =
        fail(GrpcCode::kUnavailable, "too much data is being received at once; retry later");
    busy.retry_after_ms = kBusyRetryMs;
    return busy;
  }
  const auto prefix = h2::parse_grpc_prefix(request.grpc_prefix);
  if (!prefix || prefix->length != request.body.size()) {
    return fail(GrpcCode::kInternal, "the request is not exactly one gRPC message");
  }
  if (!prefix->compressed) return std::nullopt;

  const auto encoding = find_header(request.headers, "grpc-encoding").value_or("identity");
  if (encoding == "identity") {
    return fail(GrpcCode::kInternal,
                "the message is marked compressed, but there is no grpc-encoding");
  }
  if (encoding != "gzip") {
    return fail(GrpcCode::kUnimplemented, "grpc-encoding " + std::string(encoding.substr(0, 32)) +
                                              " is not supported: send gzip or identity");
  }
  auto plain =
      gunzip(request.body, host.limits.body_bytes_max, host.buffers.take(request.body.size() * 8));
  if (!plain.ok()) return fail(h2::grpc_code(plain.error().code), plain.error().message);
  if (!exchange.held.add(plain->size())) {
    auto busy =
        fail(GrpcCode::kUnavailable, "too much data is being received at once; retry later");
    busy.retry_after_ms = kBusyRetryMs;
    return busy;
  }
  host.buffers.give(std::exchange(request.body, std::move(*plain)));
  return std::nullopt;
}

}  // namespace

WireResponse to_wire(GrpcResponse&& response) {
  WireResponse wire{.is_grpc = true};
  wire.headers = {{"content-type", "application/grpc"}, {"grpc-accept-encoding", "identity,gzip"}};
  Headers status = {{"grpc-status", std::to_string(static_cast<int>(response.code))}};
  if (response.code == GrpcCode::kOk) {
    wire.body.reserve(h2::kGrpcPrefixBytes + response.message.size());
    h2::append_grpc_prefix(wire.body, {false, static_cast<uint32_t>(response.message.size())});
    wire.body += response.message;
    wire.trailers = std::move(status);
    return wire;
  }
  if (!response.error.empty())
    status.emplace_back("grpc-message", h2::encode_grpc_message(response.error));
  if (response.retry_after_ms) {
    status.emplace_back("grpc-status-details-bin",
                        h2::encode_base64(h2::encode_rpc_status(response.code, response.error,
                                                                response.retry_after_ms)));
  }
  wire.headers.insert(wire.headers.end(), status.begin(), status.end());
  return wire;
}

void serve_grpc(Host& host, h2::ServerRequest&& request, const std::string& peer,
                std::shared_ptr<Exchange> exchange, std::shared_ptr<ReplySink> sink) {
  host.counters->requests.fetch_add(1, std::memory_order_relaxed);
  GrpcResponder responder([exchange, sink = std::move(sink),
                           id = static_cast<uint64_t>(request.stream)](GrpcResponse&& response) {
    sink->reply(id, to_wire(std::move(response)));
  });
  const UnaryHandler* handler = host.router->find_grpc(request.path);
  if (!handler) {
    return responder(
        fail(GrpcCode::kUnimplemented, "there is no method " + request.path.substr(0, 200)));
  }
  if (auto refused = unpack(host, request, *exchange)) return responder(std::move(*refused));

  GrpcRequest call{.path = std::move(request.path),
                   .message = std::move(request.body),
                   .metadata = std::move(request.headers),
                   .peer = peer};
  try {
    (*handler)(std::move(call), std::move(responder));
  } catch (const std::exception& e) {
    // The responder went with the stack and has answered INTERNAL.
    log_error("a handler threw", {{"path", call.path}, {"error", e.what()}});
  }
  host.buffers.give(std::move(call.message));
}

}  // namespace vedette::net
