#include "net/h2/session_core.h"

#include <nghttp2/nghttp2.h>

namespace vedette::net::h2 {
namespace {

constexpr uint32_t kFrameBytesMax = 256u << 10;
constexpr size_t kHeaderOverhead = 32;  // RFC 9113, 10.5.1

SessionCore& core(void* user) {
  return *static_cast<SessionCore*>(user);
}

std::string_view view(const uint8_t* bytes, size_t n) {
  return {reinterpret_cast<const char*>(bytes), n};
}

/// nghttp2 is C: no exception may cross it. One that would is memory at its end; the session ends.
template <typename Body>
int guarded(Body body) noexcept {
  try {
    return body();
  } catch (...) {
    return NGHTTP2_ERR_CALLBACK_FAILURE;
  }
}

bool opens_stream(const nghttp2_frame& frame) {
  return frame.hd.type == NGHTTP2_HEADERS && frame.headers.cat == NGHTTP2_HCAT_REQUEST;
}

int on_begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user) {
  return guarded([&] {
    if (opens_stream(*frame)) core(user).on_begun(core(user).add(frame->hd.stream_id));
    return 0;
  });
}

int on_header(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name, size_t name_size,
              const uint8_t* value, size_t value_size, uint8_t, void* user) {
  return guarded([&] {
    if (Stream* stream = core(user).find(frame->hd.stream_id)) {
      core(user).add_header(*stream, view(name, name_size), view(value, value_size));
    }
    return 0;
  });
}

int on_data_chunk(nghttp2_session*, uint8_t, int32_t id, const uint8_t* data, size_t size,
                  void* user) {
  return guarded([&] {
    if (Stream* stream = core(user).find(id)) core(user).on_data(*stream, view(data, size));
    return 0;
  });
}

void count_control_frame(SessionCore& session, const nghttp2_frame& frame) {
  const bool ack = (frame.hd.flags & NGHTTP2_FLAG_ACK) != 0;
  switch (frame.hd.type) {
    case NGHTTP2_RST_STREAM:
      return session.on_control_frame(ControlFrame::kReset);
    case NGHTTP2_PRIORITY:
      return session.on_control_frame(ControlFrame::kPriority);
    case NGHTTP2_PING:
      if (!ack) session.on_control_frame(ControlFrame::kPing);
      return;
    case NGHTTP2_SETTINGS:
      if (!ack) session.on_control_frame(ControlFrame::kSettings);
      return;
    case NGHTTP2_DATA:
      if (frame.hd.length == 0 && !(frame.hd.flags & NGHTTP2_FLAG_END_STREAM)) {
        session.on_control_frame(ControlFrame::kEmptyData);
      }
      return;
    default:
      return;
  }
}

int on_frame_received(nghttp2_session*, const nghttp2_frame* frame, void* user) {
  return guarded([&] {
    count_control_frame(core(user), *frame);
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
    Stream* stream = core(user).find(frame->hd.stream_id);
    if (!stream) return 0;
    if (frame->hd.type == NGHTTP2_HEADERS && !stream->headers_done)
      core(user).on_headers_done(*stream);
    if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) {
      stream->received = true;
      core(user).on_received(*stream);
    }
    return 0;
  });
}

int on_frame_sent(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
  return guarded([&] {
    if (frame->hd.type == NGHTTP2_RST_STREAM)
      core(user).on_reset_sent(frame->rst_stream.error_code);
    const bool ends = (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) &&
                      (frame->hd.flags & NGHTTP2_FLAG_END_STREAM);
    // Answered before the request was whole: the rest of it is not wanted (RFC 9113, 8.1).
    if (ends && nghttp2_session_check_server_session(session)) {
      const Stream* stream = core(user).find(frame->hd.stream_id);
      if (stream && !stream->received) {
        nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_NO_ERROR);
      }
    }
    return 0;
  });
}

int on_frame_not_sent(nghttp2_session*, const nghttp2_frame* frame, int, void* user) {
  return guarded([&] {
    // A request that could not be begun has no stream whose close would be told.
    if (opens_stream(*frame)) core(user).closed(frame->hd.stream_id, NGHTTP2_REFUSED_STREAM);
    return 0;
  });
}

int on_stream_close(nghttp2_session*, int32_t id, uint32_t error_code, void* user) {
  return guarded([&] {
    core(user).closed(id, error_code);
    return 0;
  });
}

std::vector<nghttp2_nv> to_nv(const Headers& headers) {
  const auto bytes = [](const std::string& s) {
    return reinterpret_cast<uint8_t*>(const_cast<char*>(s.data()));  // nghttp2 copies
  };
  std::vector<nghttp2_nv> nv;
  nv.reserve(headers.size());
  for (const auto& [name, value] : headers) {
    nv.push_back({bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
  }
  return nv;
}

ssize_t read_body(nghttp2_session* session, int32_t id, uint8_t* to, size_t size, uint32_t* flags,
                  nghttp2_data_source* source, void* user) {
  return guarded([&] {
    auto& stream = *static_cast<Stream*>(source->ptr);
    const size_t n = std::min(size, stream.out.size() - stream.out_sent);
    std::memcpy(to, stream.out.data() + stream.out_sent, n);
    stream.out_sent += n;
    core(user).on_progress(stream);
    if (stream.out_sent == stream.out.size()) {
      *flags |= NGHTTP2_DATA_FLAG_EOF;
      if (!stream.out_trailers.empty()) {
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        const auto trailers = to_nv(stream.out_trailers);
        nghttp2_submit_trailer(session, id, trailers.data(), trailers.size());
      }
    }
    return static_cast<int>(n);
  });
}

nghttp2_session_callbacks* callbacks() {
  static nghttp2_session_callbacks* const shared = [] {
    nghttp2_session_callbacks* c = nullptr;
    nghttp2_session_callbacks_new(&c);
    nghttp2_session_callbacks_set_on_begin_headers_callback(c, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(c, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, on_data_chunk);
    nghttp2_session_callbacks_set_on_frame_recv_callback(c, on_frame_received);
    nghttp2_session_callbacks_set_on_frame_send_callback(c, on_frame_sent);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(c, on_frame_not_sent);
    nghttp2_session_callbacks_set_on_stream_close_callback(c, on_stream_close);
    return c;
  }();
  return shared;
}

}  // namespace

SessionCore::SessionCore(Side side, const SessionLimits& limits, uint32_t streams_max)
    : limits_(limits) {
  nghttp2_option* option = nullptr;
  nghttp2_option_new(&option);
  nghttp2_option_set_no_closed_streams(option, 1);
  // The server's side counts resets itself, by a clock that tests can move.
  nghttp2_option_set_stream_reset_rate_limit(option, UINT64_MAX, UINT64_MAX);
  if (side == Side::kServer) {
    nghttp2_session_server_new2(&session_, callbacks(), this, option);
  } else {
    nghttp2_session_client_new2(&session_, callbacks(), this, option);
  }
  nghttp2_option_del(option);

  std::vector<nghttp2_settings_entry> settings = {
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits.stream_window},
      {NGHTTP2_SETTINGS_MAX_FRAME_SIZE, kFrameBytesMax},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<uint32_t>(limits.header_bytes_max)},
  };
  if (side == Side::kServer) {
    settings.push_back({NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, streams_max});
    settings.push_back({NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1});
  } else {
    settings.push_back({NGHTTP2_SETTINGS_ENABLE_PUSH, 0});
  }
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0,
                                        static_cast<int32_t>(limits.connection_window));
}

SessionCore::~SessionCore() {
  nghttp2_session_del(session_);
}

Status SessionCore::receive(std::string_view bytes) {
  if (broken_) return {Code::kUnavailable, "the HTTP/2 connection has ended"};
  const ssize_t n = nghttp2_session_mem_recv(
      session_, reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  if (n >= 0) return {};
  broken_ = true;
  return {Code::kUnavailable,
          std::string("the peer does not speak HTTP/2: ") + nghttp2_strerror(static_cast<int>(n))};
}

void SessionCore::output(std::string& out, size_t bytes_max) {
  while (out.size() < bytes_max) {
    const uint8_t* bytes = nullptr;
    const ssize_t n = nghttp2_session_mem_send(session_, &bytes);
    if (n < 0) broken_ = true;
    if (n <= 0) return;
    out.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(n));
  }
}

Stream* SessionCore::find(int32_t id) {
  const auto found = streams_.find(id);
  return found == streams_.end() ? nullptr : found->second.get();
}

Stream& SessionCore::add(int32_t id) {
  return *streams_.insert_or_assign(id, std::make_unique<Stream>(id)).first->second;
}

void SessionCore::closed(int32_t id, uint32_t error_code) {
  const auto found = streams_.find(id);
  if (found == streams_.end()) return;
  const std::unique_ptr<Stream> stream = std::move(found->second);
  streams_.erase(found);
  on_closed(*stream, error_code);
}

void SessionCore::add_header(Stream& stream, std::string_view name, std::string_view value) {
  stream.header_bytes += name.size() + value.size() + kHeaderOverhead;
  if (stream.header_bytes > limits_.header_bytes_max) {
    stream.headers_too_large = true;
    return;
  }
  Headers& to = stream.headers_done ? stream.trailers : stream.headers;
  to.emplace_back(name, value);
}

int SessionCore::submit(Stream* stream, const Headers& headers, bool with_body) {
  const auto nv = to_nv(headers);
  nghttp2_data_provider body{};
  body.source.ptr = stream;
  body.read_callback = read_body;
  const nghttp2_data_provider* provider = with_body ? &body : nullptr;
  if (!nghttp2_session_check_server_session(session_)) {
    return nghttp2_submit_request(session_, nullptr, nv.data(), nv.size(), provider, nullptr);
  }
  return nghttp2_submit_response(session_, stream->id, nv.data(), nv.size(), provider);
}

void SessionCore::reset(int32_t stream, uint32_t error_code) {
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream, error_code);
}

}  // namespace vedette::net::h2
