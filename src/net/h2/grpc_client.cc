#include "net/h2/grpc_client.h"

#include <charconv>

namespace vedette::net::h2 {

Request make_grpc_request(GrpcCall call) {
  Request request{.scheme = std::move(call.scheme),
                  .authority = std::move(call.authority),
                  .path = std::move(call.path)};
  request.headers = {{"te", "trailers"},
                     {"content-type", "application/grpc"},
                     {"grpc-timeout", format_grpc_timeout(call.timeout)}};
  if (call.message_is_gzip) request.headers.emplace_back("grpc-encoding", "gzip");
  for (auto& header : call.metadata) request.headers.push_back(std::move(header));
  request.body.reserve(kGrpcPrefixBytes + call.message.size());
  append_grpc_prefix(request.body,
                     {call.message_is_gzip, static_cast<uint32_t>(call.message.size())});
  request.body += call.message;
  return request;
}

GrpcOutcome read_grpc_response(Response response) {
  // An error alone comes in the headers, everything else in the trailers.
  const bool alone = find_header(response.headers, "grpc-status").has_value();
  const Headers& last = alone ? response.headers : response.trailers;
  const auto status = find_header(last, "grpc-status");
  if (!status) {
    return {.code = grpc_code_of_http(response.status),
            .error = "the server does not speak gRPC: it answered HTTP " +
                     std::to_string(response.status)};
  }
  GrpcOutcome outcome;
  int code = static_cast<int>(GrpcCode::kUnknown);
  std::from_chars(status->data(), status->data() + status->size(), code);
  if (code >= 0 && code <= static_cast<int>(GrpcCode::kUnauthenticated))
    outcome.code = GrpcCode{code};
  outcome.error = decode_grpc_message(find_header(last, "grpc-message").value_or(""));
  if (const auto details = find_header(last, "grpc-status-details-bin")) {
    if (const auto rpc_status = decode_base64(*details))
      outcome.retry_after = decode_retry_delay(*rpc_status);
  }
  if (outcome.code != GrpcCode::kOk) return outcome;

  const auto prefix = parse_grpc_prefix(response.body);
  if (!prefix || prefix->compressed || prefix->length != response.body.size() - kGrpcPrefixBytes) {
    return {.code = GrpcCode::kInternal,
            .error = "the server's reply is not one uncompressed gRPC message"};
  }
  response.body.erase(0, kGrpcPrefixBytes);
  outcome.message = std::move(response.body);
  return outcome;
}

}  // namespace vedette::net::h2
