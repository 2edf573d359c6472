#include <nghttp2/nghttp2.h>

#include <charconv>
#include <deque>

#include "net/h2/session_core.h"

namespace vedette::net::h2 {
namespace {

const Error kTakesNoMore{Code::kUnavailable,
                         "the server takes no more requests on this connection"};

Error failure_of(uint32_t error_code) {
  if (error_code == NGHTTP2_REFUSED_STREAM) {
    return {Code::kUnavailable, "the server refused the request unprocessed"};
  }
  return {Code::kCancelled,
          std::string("the server ended the request early: ") + nghttp2_http2_strerror(error_code)};
}

}  // namespace

class ClientSession::Impl final : public SessionCore {
 public:
  explicit Impl(const SessionLimits& limits) : SessionCore(Side::kClient, limits, 0) {}

  Result<int32_t> send(Request&& request) {
    if (!usable()) return kTakesNoMore;
    Headers headers = {{":method", std::move(request.method)},
                       {":scheme", std::move(request.scheme)},
                       {":authority", std::move(request.authority)},
                       {":path", std::move(request.path)}};
    headers.insert(headers.end(), std::make_move_iterator(request.headers.begin()),
                   std::make_move_iterator(request.headers.end()));
    // nghttp2 names the stream only once it has taken the request, with the body's source in it.
    auto stream = std::make_unique<Stream>(nghttp2_session_get_next_stream_id(session()));
    stream->out = std::move(request.body);
    const int id = submit(stream.get(), headers, !stream->out.empty());
    if (id < 0) return Error{Code::kUnavailable, nghttp2_strerror(id)};
    streams_.emplace(id, std::move(stream));
    return id;
  }

  void cancel(int32_t id) {
    if (!find(id)) return;
    reset(id, NGHTTP2_CANCEL);
    cancelled_.push_back(id);
  }

  void lost(const Error& why) {
    broken_ = true;
    for (auto& [id, stream] : streams_) finish(id, why);
    streams_.clear();
  }

  bool usable() const {
    auto* self = const_cast<Impl*>(this)->session();
    return !broken_ && nghttp2_session_check_request_allowed(self) != 0;
  }

  std::deque<Finished> finished;

 private:
  void on_headers_done(Stream& stream) override {
    // 1xx is not the answer yet (RFC 9113, 8.1).
    const auto status = find_header(stream.headers, ":status");
    if (status && status->starts_with("1")) {
      stream.headers.clear();
    } else {
      stream.headers_done = true;
    }
  }

  void on_data(Stream& stream, std::string_view bytes) override {
    if (stream.body.size() + bytes.size() > limits().body_bytes_max) {
      // A server that talks without end must not fill our memory.
      stream.headers_too_large = true;
      stream.body.clear();
      return reset(stream.id, NGHTTP2_CANCEL);
    }
    if (!stream.headers_too_large) stream.body.append(bytes);
  }

  void on_received(Stream&) override {}

  void on_closed(Stream& stream, uint32_t error_code) override {
    if (std::erase(cancelled_, stream.id) > 0) return;
    if (stream.headers_too_large) {
      return finish(stream.id,
                    Error{Code::kTooLarge, "the server's response is larger than allowed"});
    }
    if (!stream.received) return finish(stream.id, failure_of(error_code));
    Response response;
    const std::string_view status = find_header(stream.headers, ":status").value_or("");
    std::from_chars(status.data(), status.data() + status.size(), response.status);
    std::erase_if(stream.headers, [](const auto& h) { return h.first.starts_with(":"); });
    response.headers = std::move(stream.headers);
    response.body = std::move(stream.body);
    response.trailers = std::move(stream.trailers);
    finish(stream.id, std::move(response));
  }

  void finish(int32_t stream, Result<Response> response) {
    finished.push_back({stream, std::move(response)});
  }

  std::vector<int32_t> cancelled_;
};

ClientSession::ClientSession(const SessionLimits& limits) : impl_(std::make_unique<Impl>(limits)) {}
ClientSession::~ClientSession() = default;

Result<int32_t> ClientSession::send(Request request) {
  return impl_->send(std::move(request));
}
void ClientSession::cancel(int32_t stream) {
  impl_->cancel(stream);
}

Status ClientSession::receive(std::string_view bytes) {
  Status status = impl_->receive(bytes);
  if (!status.ok()) impl_->lost(status.error());
  return status;
}

void ClientSession::output(std::string& out, size_t bytes_max) {
  impl_->output(out, bytes_max);
}
void ClientSession::lost(const Error& why) {
  impl_->lost(why);
}

std::optional<ClientSession::Finished> ClientSession::next() {
  if (impl_->finished.empty()) return std::nullopt;
  Finished first = std::move(impl_->finished.front());
  impl_->finished.pop_front();
  return first;
}

bool ClientSession::usable() const {
  return impl_->usable();
}
size_t ClientSession::streams_open() const {
  return impl_->streams_open();
}

}  // namespace vedette::net::h2
