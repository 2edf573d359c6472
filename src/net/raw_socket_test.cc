#include "net/raw_socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>

namespace vedette::net {

RawSocket::RawSocket(const std::string& address) {
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  to.sin_port = htons(static_cast<uint16_t>(std::atoi(address.c_str() + address.rfind(':') + 1)));
  connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
}

bool RawSocket::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

void RawSocket::end_sending() {
  ::shutdown(fd_, SHUT_WR);
}

void RawSocket::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

bool RawSocket::fill(size_t bytes) {
  while (buffer_.size() < bytes) {
    pollfd p{fd_, POLLIN, 0};
    if (::poll(&p, 1, 60'000) <= 0) return false;
    char piece[65536];
    const ssize_t n = ::recv(fd_, piece, sizeof piece, 0);
    if (n <= 0) return false;
    buffer_.append(piece, static_cast<size_t>(n));
  }
  return true;
}

std::string RawSocket::read(size_t bytes) {
  fill(bytes);
  std::string out = buffer_.substr(0, bytes);
  buffer_.erase(0, bytes);
  return out;
}

std::string RawSocket::read_until(std::string_view end) {
  size_t at;
  while ((at = buffer_.find(end)) == std::string::npos) {
    if (!fill(buffer_.size() + 1)) return read(buffer_.size());
  }
  return read(at + end.size());
}

std::string RawSocket::read_all() {
  while (fill(buffer_.size() + 1)) {
  }
  return read(buffer_.size());
}

std::string RawSocket::read_some() {
  fill(1);
  return read(buffer_.size());
}

std::string RawSocket::read_response(bool with_body) {
  std::string response = read_until("\r\n\r\n");
  const size_t at = response.find("content-length: ");
  if (with_body && at != std::string::npos) {
    response += read(static_cast<size_t>(std::atoll(response.c_str() + at + 16)));
  }
  return response;
}

}  // namespace vedette::net
