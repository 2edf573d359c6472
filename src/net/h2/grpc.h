// gRPC over HTTP/2, the parts both sides share: status codes, message framing, timeouts, error
// texts. Source: github.com/grpc/grpc doc/PROTOCOL-HTTP2.md, doc/statuscodes.md. No sockets, no
// state.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace vedette::net::h2 {

/// gRPC status codes.
enum class GrpcCode : int {
  kOk = 0,
  kCancelled = 1,
  kUnknown = 2,
  kInvalidArgument = 3,
  kDeadlineExceeded = 4,
  kNotFound = 5,
  kAlreadyExists = 6,
  kPermissionDenied = 7,
  kResourceExhausted = 8,
  kFailedPrecondition = 9,
  kAborted = 10,
  kOutOfRange = 11,
  kUnimplemented = 12,
  kInternal = 13,
  kUnavailable = 14,
  kDataLoss = 15,
  kUnauthenticated = 16,
};

/// Is this Content-Type gRPC ("application/grpc", "application/grpc+proto"), and not gRPC-Web?
bool is_grpc(std::string_view content_type);

/// Each message is preceded by a flag byte (1: compressed) and its length, big-endian.
inline constexpr size_t kGrpcPrefixBytes = 5;

struct GrpcPrefix {
  bool compressed = false;
  uint32_t length = 0;
};

/// From the first five bytes of `bytes`; nullopt when they are fewer, or the flag is not 0 or 1.
std::optional<GrpcPrefix> parse_grpc_prefix(std::string_view bytes);
void append_grpc_prefix(std::string& out, GrpcPrefix prefix);

/// "100m" (grpc-timeout header); nullopt when malformed.
std::optional<std::chrono::nanoseconds> parse_grpc_timeout(std::string_view text);
std::string format_grpc_timeout(std::chrono::milliseconds timeout);

/// The grpc-message header: percent-encoded UTF-8. Decoding never fails: bad escapes stay as they
/// are.
std::string encode_grpc_message(std::string_view text);
std::string decode_grpc_message(std::string_view text);

GrpcCode grpc_code(Code code);
/// What a client must assume when a response carries no grpc-status
/// (doc/http-grpc-status-mapping.md).
GrpcCode grpc_code_of_http(int http_status);

/// google.rpc.Status as protobuf, with a RetryInfo detail when `retry_after_ms` is given. gRPC
/// sends it base64-encoded in grpc-status-details-bin; OTLP/HTTP sends it as the body of an error.
std::string encode_rpc_status(GrpcCode code, std::string_view message,
                              std::optional<int> retry_after_ms = std::nullopt);
/// RetryInfo's delay from an encoded google.rpc.Status, if there is one.
std::optional<std::chrono::milliseconds> decode_retry_delay(std::string_view rpc_status);

/// Base64 as `-bin` headers have it: written without padding, read with or without.
std::string encode_base64(std::string_view bytes);
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace vedette::net::h2
