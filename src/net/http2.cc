// The server's side of an HTTP/2 connection: gRPC calls to their methods, plain requests to HTTP's
// routes.
#include "net/exchange.h"
#include "net/grpc_service.h"
#include "net/h2/session.h"
#include "net/protocol.h"

namespace vedette::net {
namespace {

class Http2 final : public Protocol {
 public:
  Http2(Host& host, std::shared_ptr<ReplySink> sink, std::string peer)
      : host_(host),
        sink_(std::move(sink)),
        peer_(std::move(peer)),
        active_at_(host.now),
        session_({.limits = {.body_bytes_max = host.limits.body_bytes_max,
                             .header_bytes_max = host.limits.header_bytes_max},
                  .streams_max = host.limits.streams_max,
                  .stall_max = host.limits.header_timeout,
                  .budget = host.budget,
                  .buffers = &host.buffers},
                 host.now) {}

  void receive(std::string_view bytes) override {
    session_.receive(bytes, host_.now);
    while (auto request = session_.next_request()) serve(std::move(*request));
    while (const auto stream = session_.next_gone()) {
      if (const auto call = calls_.find(*stream); call != calls_.end()) {
        call->second.exchange->cancelled.store(true, std::memory_order_relaxed);
        calls_.erase(call);
      }
    }
  }

  void reply(uint64_t id, WireResponse&& response) override {
    const auto stream = static_cast<int32_t>(id);
    if (calls_.erase(stream) == 0) return;  // gone, or past its deadline
    if (!response.is_grpc) {
      response.headers.emplace_back("date", host_.date);
      if (response.status != 204 && response.status != 304) {
        response.headers.emplace_back("content-length", std::to_string(response.body.size()));
      }
    }
    session_.respond(stream, {.status = response.status,
                              .headers = std::move(response.headers),
                              .body = std::move(response.body),
                              .head_only = response.head_only,
                              .trailers = std::move(response.trailers)});
  }

  void output(std::vector<std::string>& chunks, size_t bytes_max) override {
    std::string out;
    session_.output(out, bytes_max, host_.now);
    if (!out.empty()) chunks.push_back(std::move(out));
  }

  bool wants_input() const override { return !finished(); }
  bool finished() const override { return closing_ || session_.finished(); }

  void tick() override {
    session_.expire(host_.now);
    std::vector<int32_t> late;
    for (const auto& [stream, call] : calls_) {
      if (call.deadline && *call.deadline < host_.now) late.push_back(stream);
    }
    for (const int32_t stream : late) {
      reply(static_cast<uint64_t>(stream),
            to_wire(GrpcResponse{
                .code = GrpcCode::kDeadlineExceeded,
                .error = "the call's grpc-timeout passed before its answer was ready"}));
    }
    if (session_.streams_open() > 0) {
      active_at_ = host_.now;
    } else if (host_.now - active_at_ > host_.limits.idle_timeout) {
      stop();
    }
  }

  void stop() override {
    if (!std::exchange(stopping_, true)) session_.shut_down();
  }

  void peer_gone() override {
    for (const auto& [stream, call] : calls_)
      call.exchange->cancelled.store(true, std::memory_order_relaxed);
    calls_.clear();
    closing_ = true;
  }

 private:
  struct Call {
    std::shared_ptr<Exchange> exchange;
    std::optional<TimePoint> deadline{};
  };

  void serve(h2::ServerRequest&& request) {
    active_at_ = host_.now;
    const int32_t stream = request.stream;
    auto exchange = std::make_shared<Exchange>(host_.budget);
    exchange->held = std::move(request.held);
    Call& call = calls_[stream] = Call{exchange};
    if (h2::is_grpc(find_header(request.headers, "content-type").value_or(""))) {
      if (const auto timeout =
              h2::parse_grpc_timeout(find_header(request.headers, "grpc-timeout").value_or(""))) {
        call.deadline = host_.now + *timeout;
      }
      return serve_grpc(host_, std::move(request), peer_, std::move(exchange), sink_);
    }
    const bool head = request.method == "HEAD";
    HttpRequest http{.method = head ? "GET" : std::move(request.method),
                     .path = {},
                     .query = {},
                     .headers = std::move(request.headers),
                     .body = std::move(request.body),
                     .peer = peer_,
                     .cancelled = nullptr};
    if (!request.authority.empty()) http.headers.emplace_back("host", std::move(request.authority));
    const bool path_ok = split_target(request.path, http.path, http.query);
    if (auto refused = refuse(request.problem, path_ok, http.headers)) {
      host_.counters->requests.fetch_add(1, std::memory_order_relaxed);
      return reply(static_cast<uint64_t>(stream),
                   to_wire(std::move(*refused), false, head, SIZE_MAX));
    }
    serve_http(host_, std::move(http), head, std::move(exchange), sink_,
               static_cast<uint64_t>(stream));
  }

  std::optional<HttpResponse> refuse(h2::ServerRequest::Problem problem, bool path_ok,
                                     const Headers& headers) {
    using Problem = h2::ServerRequest::Problem;
    switch (problem) {
      case Problem::kNone:
        break;
      case Problem::kHeaderTooLarge:
        return refusal(headers, 431,
                       "the header is larger than " +
                           std::to_string(host_.limits.header_bytes_max) + " bytes");
      case Problem::kBodyTooLarge:
        return refusal(
            headers, 413,
            "the body is larger than " + std::to_string(host_.limits.body_bytes_max) + " bytes");
      case Problem::kOverBudget:
        return busy(headers);
    }
    if (!path_ok)
      return refusal(headers, 400, "bad percent-encoding in the path: write a literal % as %25");
    return std::nullopt;
  }

  Host& host_;
  const std::shared_ptr<ReplySink> sink_;
  const std::string peer_;
  TimePoint active_at_;
  bool stopping_ = false, closing_ = false;
  std::unordered_map<int32_t, Call> calls_;
  h2::ServerSession session_;
};

}  // namespace

std::unique_ptr<Protocol> make_http2(Host& host, std::shared_ptr<ReplySink> sink,
                                     std::string peer) {
  return std::make_unique<Http2>(host, std::move(sink), std::move(peer));
}

}  // namespace vedette::net
