// What both sides of an HTTP/2 connection share: nghttp2's session and callbacks, streams, sending.
// Internal to net/h2.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "net/h2/session.h"

struct nghttp2_session;

namespace vedette::net::h2 {

struct Stream {
  explicit Stream(int32_t stream_id) : id(stream_id) {}

  const int32_t id;
  Headers headers;  // received, pseudo-headers first
  Headers trailers;
  size_t header_bytes = 0;
  bool headers_done = false;
  bool headers_too_large = false;
  bool received = false;  // the peer's side is complete
  std::string body;

  std::string out;
  size_t out_sent = 0;
  Headers out_trailers;
};

/// The frames a budget may be set on.
enum class ControlFrame { kReset, kPing, kSettings, kPriority, kEmptyData };

/// A side implements the hooks; none may throw past the callbacks, which catch and end the session.
class SessionCore {
 public:
  enum class Side { kClient, kServer };

  virtual ~SessionCore();
  SessionCore(const SessionCore&) = delete;
  SessionCore& operator=(const SessionCore&) = delete;

  Status receive(std::string_view bytes);
  void output(std::string& out, size_t bytes_max);

  // Called by nghttp2's callbacks.
  virtual void on_begun(Stream&) {}
  virtual void on_headers_done(Stream&) = 0;
  virtual void on_data(Stream&, std::string_view bytes) = 0;
  virtual void on_received(Stream&) = 0;
  virtual void on_closed(Stream&, uint32_t error_code) = 0;
  virtual void on_control_frame(ControlFrame) {}
  virtual void on_reset_sent(uint32_t /*error_code*/) {}
  virtual void on_progress(Stream&) {}

  Stream* find(int32_t id);
  Stream& add(int32_t id);
  /// The stream's end, whatever nghttp2 says: forgotten after its on_closed().
  void closed(int32_t id, uint32_t error_code);
  void add_header(Stream& stream, std::string_view name, std::string_view value);
  /// Sends the headers, then stream.out and stream.out_trailers if they are not empty.
  int submit(Stream* stream, const Headers& headers, bool with_body);

  nghttp2_session* session() { return session_; }
  const SessionLimits& limits() const { return limits_; }
  size_t streams_open() const { return streams_.size(); }

 protected:
  SessionCore(Side side, const SessionLimits& limits, uint32_t streams_max);
  void reset(int32_t stream, uint32_t error_code);
  std::unordered_map<int32_t, std::unique_ptr<Stream>> streams_;
  bool broken_ = false;

 private:
  const SessionLimits limits_;
  nghttp2_session* session_ = nullptr;
};

}  // namespace vedette::net::h2
