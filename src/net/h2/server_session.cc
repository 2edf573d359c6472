#include <nghttp2/nghttp2.h>

#include <deque>

#include "net/h2/grpc.h"
#include "net/h2/session_core.h"

namespace vedette::net::h2 {
namespace {

/// A count that refills with time: so many at once, so many each second after.
class RateBudget {
 public:
  RateBudget(double burst, double per_second, TimePoint now)
      : burst_(burst), per_second_(per_second), left_(burst), at_(now) {}

  bool take(TimePoint now) {
    left_ =
        std::min(burst_, left_ + std::chrono::duration<double>(now - at_).count() * per_second_);
    at_ = now;
    left_ -= 1;
    return left_ >= 0;
  }

 private:
  const double burst_, per_second_;
  double left_;
  TimePoint at_;
};

}  // namespace

class ServerSession::Impl final : public SessionCore {
 public:
  Impl(ServerOptions options, TimePoint now)
      : SessionCore(Side::kServer, options.limits, options.streams_max),
        options_(std::move(options)),
        now_(now),
        control_frames_(1000, 100, now),
        resets_(100, 10, now) {}

  void receive(std::string_view bytes, TimePoint now) {
    now_ = now;
    if (!ended_) ended_ = !SessionCore::receive(bytes).ok();
  }

  void output(std::string& out, size_t bytes_max, TimePoint now) {
    now_ = now;
    SessionCore::output(out, bytes_max);
  }

  void respond(int32_t id, ServerResponse&& response) {
    Stream* stream = find(id);
    const auto call = calls_.find(id);
    if (!stream || call == calls_.end() || call->second.answered) return;
    call->second.answered = true;
    call->second.progress = now_;
    Headers headers = {{":status", std::to_string(response.status)}};
    headers.insert(headers.end(), std::make_move_iterator(response.headers.begin()),
                   std::make_move_iterator(response.headers.end()));
    const bool with_body =
        !response.head_only && !(response.body.empty() && response.trailers.empty());
    stream->out = std::move(response.body);
    stream->out_trailers = std::move(response.trailers);
    if (submit(stream, headers, with_body) != 0) reset(id, NGHTTP2_INTERNAL_ERROR);
  }

  void expire(TimePoint now) {
    now_ = now;
    for (const auto& [id, call] : calls_) {
      const Stream* stream = find(id);
      const auto time = options_.stall_max + std::chrono::seconds(call.body_bytes / 1024);
      const bool request_stalled = !call.delivered && now - call.began > time;
      const bool reader_stalled = call.answered && now - call.progress > options_.stall_max;
      if (stream && (request_stalled || reader_stalled)) reset(id, NGHTTP2_CANCEL);
    }
  }

  void shut_down() {
    nghttp2_submit_goaway(session(), NGHTTP2_FLAG_NONE,
                          nghttp2_session_get_last_proc_stream_id(session()), NGHTTP2_NO_ERROR,
                          nullptr, 0);
  }

  bool finished() const {
    auto* s = const_cast<Impl*>(this)->session();
    return ended_ || broken_ || (!nghttp2_session_want_read(s) && !nghttp2_session_want_write(s));
  }

  std::deque<ServerRequest> requests;
  std::deque<int32_t> gone;

 private:
  using Problem = ServerRequest::Problem;

  /// A stream as the server sees it, beside its Stream.
  struct Call {
    TimePoint began;
    TimePoint progress{};  // of the answer
    size_t body_bytes = 0;
    bool grpc = false;
    bool delivered = false;
    bool answered = false;
    std::string grpc_prefix{};
    BytesHeld held;
  };

  void on_begun(Stream& stream) override {
    calls_.insert_or_assign(stream.id, Call{.began = now_, .held = BytesHeld(options_.budget)});
  }

  void on_headers_done(Stream& stream) override {
    stream.headers_done = true;
    Call& call = calls_.at(stream.id);
    if (stream.headers_too_large) return deliver(stream, call, Problem::kHeaderTooLarge);
    const auto type = find_header(stream.headers, "content-type");
    call.grpc = type && is_grpc(*type);
    if (!call.grpc) {
      const auto length = find_header(stream.headers, "content-length");
      size_t bytes = 0;
      if (length) std::from_chars(length->data(), length->data() + length->size(), bytes);
      if (bytes > limits().body_bytes_max) return deliver(stream, call, Problem::kBodyTooLarge);
      if (options_.buffers && bytes > 0) stream.body = options_.buffers->take(bytes);
    }
  }

  void on_data(Stream& stream, std::string_view bytes) override {
    const auto found = calls_.find(stream.id);
    if (found == calls_.end() || found->second.delivered) return;  // refused: let it talk
    Call& call = found->second;
    call.body_bytes += bytes.size();
    if (call.grpc && call.grpc_prefix.size() < kGrpcPrefixBytes) {
      const size_t n = std::min(bytes.size(), kGrpcPrefixBytes - call.grpc_prefix.size());
      call.grpc_prefix.append(bytes.substr(0, n));
      bytes.remove_prefix(n);
      if (!begin_message(stream, call)) return;
    }
    if (stream.body.size() + bytes.size() > limits().body_bytes_max) {
      return deliver(stream, call, Problem::kBodyTooLarge);
    }
    if (!call.held.add(bytes.size())) return deliver(stream, call, Problem::kOverBudget);
    stream.body.append(bytes);
  }

  /// False when the message's announced length is refused.
  bool begin_message(Stream& stream, Call& call) {
    const auto prefix = parse_grpc_prefix(call.grpc_prefix);
    if (!prefix) return true;
    if (prefix->length > limits().body_bytes_max) {
      deliver(stream, call, Problem::kBodyTooLarge);
      return false;
    }
    if (options_.buffers) stream.body = options_.buffers->take(prefix->length);
    return true;
  }

  void on_received(Stream& stream) override {
    const auto found = calls_.find(stream.id);
    if (found != calls_.end() && !found->second.delivered)
      deliver(stream, found->second, Problem::kNone);
  }

  void deliver(Stream& stream, Call& call, Problem problem) {
    call.delivered = true;
    if (problem != Problem::kNone) {
      stream.body = {};
      call.held.release();
    }
    ServerRequest request{.stream = stream.id, .problem = problem};
    for (auto& [name, value] : stream.headers) {
      if (name == ":method") {
        request.method = std::move(value);
      } else if (name == ":path") {
        request.path = std::move(value);
      } else if (name == ":authority") {
        request.authority = std::move(value);
      } else if (!name.starts_with(":")) {
        request.headers.emplace_back(std::move(name), std::move(value));
      }
    }
    stream.headers.clear();
    request.grpc_prefix = std::move(call.grpc_prefix);
    request.body = std::move(stream.body);
    request.held = std::move(call.held);
    requests.push_back(std::move(request));
  }

  void on_closed(Stream& stream, uint32_t) override {
    const auto found = calls_.find(stream.id);
    if (found == calls_.end()) return;
    if (found->second.delivered && !found->second.answered) gone.push_back(stream.id);
    calls_.erase(found);
  }

  void on_progress(Stream& stream) override {
    if (const auto found = calls_.find(stream.id); found != calls_.end())
      found->second.progress = now_;
  }

  void on_control_frame(ControlFrame kind) override {
    RateBudget& budget = kind == ControlFrame::kReset ? resets_ : control_frames_;
    if (!budget.take(now_)) calm_down();
  }

  /// Frames that make us reset a stream cost us as much as resets sent to us.
  void on_reset_sent(uint32_t error_code) override {
    const bool ours = error_code == NGHTTP2_NO_ERROR || error_code == NGHTTP2_CANCEL;
    if (!ours && !resets_.take(now_)) calm_down();
  }

  void calm_down() {
    if (std::exchange(ended_, true)) return;
    nghttp2_session_terminate_session(session(), NGHTTP2_ENHANCE_YOUR_CALM);
  }

  const ServerOptions options_;
  TimePoint now_;
  RateBudget control_frames_;
  RateBudget resets_;
  std::unordered_map<int32_t, Call> calls_;
  bool ended_ = false;
};

ServerSession::ServerSession(ServerOptions options, TimePoint now)
    : impl_(std::make_unique<Impl>(std::move(options), now)) {}
ServerSession::~ServerSession() = default;

void ServerSession::receive(std::string_view bytes, TimePoint now) {
  impl_->receive(bytes, now);
}
void ServerSession::output(std::string& out, size_t bytes_max, TimePoint now) {
  impl_->output(out, bytes_max, now);
}

std::optional<ServerRequest> ServerSession::next_request() {
  if (impl_->requests.empty()) return std::nullopt;
  ServerRequest first = std::move(impl_->requests.front());
  impl_->requests.pop_front();
  return first;
}

std::optional<int32_t> ServerSession::next_gone() {
  if (impl_->gone.empty()) return std::nullopt;
  const int32_t first = impl_->gone.front();
  impl_->gone.pop_front();
  return first;
}

void ServerSession::respond(int32_t stream, ServerResponse response) {
  impl_->respond(stream, std::move(response));
}
void ServerSession::expire(TimePoint now) {
  impl_->expire(now);
}
void ServerSession::shut_down() {
  impl_->shut_down();
}
bool ServerSession::finished() const {
  return impl_->finished();
}
size_t ServerSession::streams_open() const {
  return impl_->streams_open();
}

}  // namespace vedette::net::h2
