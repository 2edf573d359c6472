// A unary gRPC call as one HTTP/2 request and response, for use with ClientSession. No state.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "net/h2/grpc.h"
#include "net/h2/session.h"

namespace vedette::net::h2 {

struct GrpcCall {
  std::string authority;  // "collector:4317"
  std::string path;       // "/package.Service/Method"
  std::string message;
  bool message_is_gzip =
      false;  // compressed by the caller: sent with the flag and grpc-encoding: gzip
  std::chrono::milliseconds timeout{10'000};
  Headers metadata{};  // lower case; user-agent belongs here
  std::string scheme = "http";
};

Request make_grpc_request(GrpcCall call);

struct GrpcOutcome {
  GrpcCode code = GrpcCode::kUnknown;
  std::string error{};    // grpc-message, decoded
  std::string message{};  // the reply, when code is kOk
  /// From RetryInfo: the server asks for another try, not sooner.
  std::optional<std::chrono::milliseconds> retry_after{};
};

/// Any response, gRPC or not, as an outcome.
GrpcOutcome read_grpc_response(Response response);

}  // namespace vedette::net::h2
