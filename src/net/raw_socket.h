// For tests: a blocking loopback socket that sends exactly the bytes it is given.
#pragma once

#include <string>
#include <string_view>

namespace vedette::net {

class RawSocket {
 public:
  /// `address` is "127.0.0.1:port".
  explicit RawSocket(const std::string& address);
  ~RawSocket() { close(); }
  RawSocket(const RawSocket&) = delete;

  bool connected() const { return connected_; }
  bool send(std::string_view bytes);
  void end_sending();
  void close();

  /// Reads until `bytes` are buffered; false on the end of the stream or after ten seconds of
  /// nothing.
  bool fill(size_t bytes);
  std::string read(size_t bytes);
  std::string read_until(std::string_view end);
  std::string read_all();
  /// Whatever has come, at least one byte; empty at the end of the stream.
  std::string read_some();
  /// One HTTP/1.1 response: head and body by its Content-Length.
  std::string read_response(bool with_body = true);

 private:
  int fd_ = -1;
  bool connected_ = false;
  std::string buffer_;
};

}  // namespace vedette::net
