// For tests: a blocking loopback socket that sends exactly the bytes it is given.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>

namespace vedette::net {

class RawSocket {
 public:
  /// `address` is "127.0.0.1:port".
  explicit RawSocket(const std::string& address) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port =
        htons(static_cast<uint16_t>(std::atoi(address.substr(address.rfind(':') + 1).c_str())));
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
  }
  ~RawSocket() { close(); }
  RawSocket(const RawSocket&) = delete;

  bool connected() const { return connected_; }

  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(n));
    }
    return true;
  }

  void end_sending() { ::shutdown(fd_, SHUT_WR); }

  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

  /// Reads until `bytes` are buffered; false on the end of the stream or after ten seconds of
  /// nothing.
  bool fill(size_t bytes) {
    while (buffer_.size() < bytes) {
      pollfd p{fd_, POLLIN, 0};
      if (::poll(&p, 1, 10'000) <= 0) return false;
      char piece[65536];
      const ssize_t n = ::recv(fd_, piece, sizeof piece, 0);
      if (n <= 0) return false;
      buffer_.append(piece, static_cast<size_t>(n));
    }
    return true;
  }

  std::string read(size_t bytes) {
    fill(bytes);
    std::string out = buffer_.substr(0, bytes);
    buffer_.erase(0, bytes);
    return out;
  }

  std::string read_until(std::string_view end) {
    size_t at;
    while ((at = buffer_.find(end)) == std::string::npos) {
      if (!fill(buffer_.size() + 1)) return read(buffer_.size());
    }
    return read(at + end.size());
  }

  std::string read_all() {
    while (fill(buffer_.size() + 1)) {
    }
    return read(buffer_.size());
  }

  /// One HTTP/1.1 response: head and body by its Content-Length.
  std::string read_response(bool with_body = true) {
    std::string response = read_until("\r\n\r\n");
    const size_t at = response.find("content-length: ");
    if (with_body && at != std::string::npos) {
      response += read(static_cast<size_t>(std::atoll(response.c_str() + at + 16)));
    }
    return response;
  }

 private:
  int fd_ = -1;
  bool connected_ = false;
  std::string buffer_;
};

}  // namespace vedette::net
