// OTLP/gRPC (opentelemetry-proto, docs/specification.md, "OTLP/gRPC"): one unary call a batch over
// a kept HTTP/2 connection.
#include "net/h2/grpc_client.h"
#include "net/h2/session.h"
#include "sdk/transport.h"

namespace vedette::sdk {
namespace {

namespace h2 = net::h2;
using h2::GrpcCode;

constexpr size_t kChunk = 256u << 10;

const char* method_of(Signal signal) {
  switch (signal) {
    case Signal::kTraces:
      return "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    case Signal::kMetrics:
      return "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";
    case Signal::kLogs:
      break;
  }
  return "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
}

const char* name_of(GrpcCode code) {
  constexpr const char* kNames[] = {"OK",
                                    "CANCELLED",
                                    "UNKNOWN",
                                    "INVALID_ARGUMENT",
                                    "DEADLINE_EXCEEDED",
                                    "NOT_FOUND",
                                    "ALREADY_EXISTS",
                                    "PERMISSION_DENIED",
                                    "RESOURCE_EXHAUSTED",
                                    "FAILED_PRECONDITION",
                                    "ABORTED",
                                    "OUT_OF_RANGE",
                                    "UNIMPLEMENTED",
                                    "INTERNAL",
                                    "UNAVAILABLE",
                                    "DATA_LOSS",
                                    "UNAUTHENTICATED"};
  const auto index = static_cast<size_t>(code);
  return index < std::size(kNames) ? kNames[index] : "UNKNOWN";
}

/// The specification's table: RESOURCE_EXHAUSTED only when the server says when to come again.
bool retryable(const h2::GrpcOutcome& outcome, uint32_t chosen) {
  if (chosen) return chosen >> static_cast<uint32_t>(outcome.code) & 1;
  switch (outcome.code) {
    case GrpcCode::kCancelled:
    case GrpcCode::kDeadlineExceeded:
    case GrpcCode::kAborted:
    case GrpcCode::kOutOfRange:
    case GrpcCode::kUnavailable:
    case GrpcCode::kDataLoss:
      return true;
    case GrpcCode::kResourceExhausted:
      return outcome.retry_after.has_value();
    default:
      return false;
  }
}

class GrpcTransport final : public Transport {
 public:
  explicit GrpcTransport(Endpoint endpoint)
      : endpoint_(std::move(endpoint)), connection_(endpoint_, "h2") {
    limits_.body_bytes_max = kResponseBytesMax;
    const bool v6 = endpoint_.host.find(':') != std::string::npos;
    authority_ =
        (v6 ? '[' + endpoint_.host + ']' : endpoint_.host) + ':' + std::to_string(endpoint_.port);
  }

  const Endpoint& endpoint() const override { return endpoint_; }
  void obey(WaitLimits* limits) override { connection_.obey(limits); }
  void close() override { connection_.close(); }
  void abandon() override { connection_.abandon(); }

  SendResult send(std::string_view body, int64_t deadline_ns) override {
    bool fresh = false;
    while (true) {
      if (!connection_.open() || !session_ || !session_->usable()) {
        session_ = std::make_unique<h2::ClientSession>(limits_);
        if (Status status = connection_.connect(deadline_ns); !status.ok()) {
          return failed(status.error(), false);
        }
        fresh = true;
      }
      Result<h2::Response> response = exchange(call_of(body, deadline_ns), deadline_ns);
      if (response.ok()) return judge(h2::read_grpc_response(std::move(*response)));
      connection_.close();
      // A kept connection may have ended just as we wrote: once more, anew.
      const Code code = response.error().code;
      if (fresh || code == Code::kDeadlineExceeded || code == Code::kTooLarge) {
        return failed(response.error(), true);
      }
    }
  }

 private:
  h2::Request call_of(std::string_view body, int64_t deadline_ns) const {
    h2::GrpcCall call;
    call.authority = authority_;
    call.path = method_of(endpoint_.signal);
    call.scheme = endpoint_.tls ? "https" : "http";
    call.message_is_gzip = endpoint_.gzip;
    call.message = endpoint_.gzip ? gzip(body) : std::string(body);
    const int64_t left = std::max<int64_t>(deadline_ns - monotonic_now(), 1'000'000);
    call.timeout = std::chrono::milliseconds(left / 1'000'000);
    call.metadata = endpoint_.headers;
    call.metadata.emplace_back("user-agent", user_agent());
    return h2::make_grpc_request(std::move(call));
  }

  Result<h2::Response> exchange(h2::Request request, int64_t deadline_ns) {
    ASSIGN_OR_RETURN(const int32_t stream, session_->send(std::move(request)));
    std::string out;
    char in[16 << 10];
    while (true) {
      // What is to be said goes first; a window that is shut makes output() give nothing.
      for (out.clear(); session_->output(out, kChunk), !out.empty(); out.clear()) {
        RETURN_IF_ERROR(connection_.write(out, deadline_ns));
      }
      while (auto finished = session_->next()) {
        if (finished->stream == stream) return std::move(finished->response);
      }
      ASSIGN_OR_RETURN(const size_t n, connection_.read(in, sizeof in, deadline_ns));
      if (n == 0) return Error{Code::kIo, "the peer closed the connection without an answer"};
      RETURN_IF_ERROR(session_->receive({in, n}));
    }
  }

  static SendResult failed(const Error& error, bool connected) {
    SendResult result;
    result.kind =
        error.code == Code::kTooLarge ? SendResult::Kind::kRefused : SendResult::Kind::kRetry;
    result.connected = connected;
    result.message = error.message;
    return result;
  }

  SendResult judge(const h2::GrpcOutcome& outcome) const {
    SendResult result;
    if (outcome.code == GrpcCode::kOk) {
      read_partial_success(outcome.message, &result);
      return result;
    }
    result.kind = retryable(outcome, endpoint_.retry_codes) ? SendResult::Kind::kRetry
                                                            : SendResult::Kind::kRefused;
    result.message = std::string("gRPC ") + name_of(outcome.code);
    if (!outcome.error.empty()) result.message += ": " + outcome.error;
    if (outcome.retry_after) result.retry_after = *outcome.retry_after;
    return result;
  }

  const Endpoint endpoint_;
  h2::SessionLimits limits_;
  std::string authority_;
  Connection connection_;
  std::unique_ptr<h2::ClientSession> session_;
};

}  // namespace

std::unique_ptr<Transport> make_grpc_transport(Endpoint endpoint) {
  return std::make_unique<GrpcTransport>(std::move(endpoint));
}

}  // namespace vedette::sdk
