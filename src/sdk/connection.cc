#include "sdk/connection.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <atomic>

namespace vedette::sdk {
namespace {

Status io_error(std::string_view what, int error) {
  return {Code::kIo, std::string(what) + ": " + std::string(strerrordesc_np(error))};
}

std::string tls_error() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "the peer closed the connection";
  char text[256];
  ERR_error_string_n(code, text, sizeof text);
  return text;
}

int poll_timeout(int64_t deadline_ns) {
  if (deadline_ns == INT64_MAX) return -1;
  const int64_t left = (deadline_ns - monotonic_now() + 999'999) / 1'000'000;
  return static_cast<int>(std::clamp<int64_t>(left, 0, 3'600'000));
}

bool is_address(const std::string& host) {
  in6_addr buffer;
  return inet_pton(AF_INET, host.c_str(), &buffer) == 1 ||
         inet_pton(AF_INET6, host.c_str(), &buffer) == 1;
}

// OpenSSL is linked in, so that it looks where Debian keeps the certificates (unless SSL_CERT_FILE
// or SSL_CERT_DIR says otherwise). Other distributions keep them elsewhere.
void trust_system_certificates(SSL_CTX* context) {
  SSL_CTX_set_default_verify_paths(context);
  if (access(X509_get_default_cert_dir(), R_OK) == 0) return;
  for (const char* file : {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
                           "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"}) {
    if (SSL_CTX_load_verify_locations(context, file, nullptr) == 1) return;
  }
  ERR_clear_error();
}

}  // namespace

int64_t monotonic_now() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

Waker::Waker() : fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}
Waker::~Waker() {
  if (fd_ >= 0) ::close(fd_);
}
void Waker::wake() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t n = ::write(fd_, &one, sizeof one);
}
void Waker::clear() {
  uint64_t count;
  [[maybe_unused]] const ssize_t n = ::read(fd_, &count, sizeof count);
}
void Waker::reopen() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}
void Waker::wait(int64_t deadline_ns) {
  pollfd waited{fd_, POLLIN, 0};
  if (::poll(&waited, 1, poll_timeout(deadline_ns)) > 0) clear();
}

Connection::Connection(const Endpoint& endpoint, std::string_view alpn)
    : endpoint_(endpoint), alpn_(alpn) {}

Connection::~Connection() {
  close();
  if (context_) SSL_CTX_free(context_);
}

void Connection::close() {
  if (ssl_) {
    SSL_set_quiet_shutdown(ssl_, 1);
    SSL_free(ssl_);
    ssl_ = nullptr;
  }
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

void Connection::abandon() {
  ssl_ = nullptr;  // left to the parent's copy: freeing it could write to the shared socket
  context_ = nullptr;
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

bool Connection::stale() const {
  if (fd_ < 0) return true;
  pollfd polled{fd_, POLLIN, 0};
  return ::poll(&polled, 1, 0) != 0;
}

Status wait_until_ready(int fd, short events, int64_t deadline_ns, WaitLimits* limits,
                        bool connecting) {
  while (true) {
    int64_t until = deadline_ns;
    if (limits) {
      until = std::min(until, limits->all_by.load());
      if (connecting) until = std::min(until, limits->connect_by.load());
    }
    pollfd polled[2] = {{fd, events, 0}, {limits ? limits->waker.fd() : -1, POLLIN, 0}};
    const int ready = ::poll(polled, 2, poll_timeout(until));
    if (ready < 0 && errno != EINTR) return io_error("poll", errno);
    if (ready > 0 && polled[0].revents) return {};
    if (ready > 0 && polled[1].revents)
      limits->waker.clear();
    else if (monotonic_now() >= until)
      return {Code::kDeadlineExceeded, "timed out"};
  }
}

Status Connection::connect(int64_t deadline_ns) {
  close();
  connecting_ = true;
  Status status = connect_to_host(deadline_ns);
  if (status.ok() && endpoint_.tls) status = start_tls(deadline_ns);
  connecting_ = false;
  if (!status.ok()) close();
  return status;
}

Status Connection::connect_to_host(int64_t deadline_ns) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  if (is_address(endpoint_.host)) hints.ai_flags = AI_NUMERICHOST;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(endpoint_.port);
  if (const int error = getaddrinfo(endpoint_.host.c_str(), port.c_str(), &hints, &found)) {
    return {Code::kUnavailable, "cannot find host " + endpoint_.host + ": " + gai_strerror(error)};
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> addresses(found, &freeaddrinfo);
  Status status(Code::kUnavailable, "host " + endpoint_.host + " has no address");
  for (const addrinfo* at = found; at; at = at->ai_next) {
    status = connect_to(*at, deadline_ns);
    if (status.ok()) break;
  }
  return status;
}

Status Connection::connect_to(const addrinfo& address, int64_t deadline_ns) {
  close();
  fd_ = socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return io_error("socket", errno);
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(fd_, address.ai_addr, address.ai_addrlen) == 0) return {};
  if (errno != EINPROGRESS) return io_error("connect", errno);
  RETURN_IF_ERROR(wait_for(POLLOUT, deadline_ns));
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
  return error ? io_error("connect", error) : Status();
}

Status Connection::make_context() {
  context_ = SSL_CTX_new(TLS_client_method());
  if (!context_) return {Code::kInternal, tls_error()};
  SSL_CTX_set_min_proto_version(context_, TLS1_2_VERSION);
  SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_mode(context_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  const auto file_error = [](const std::string& file) {
    return Status(Code::kInvalidArgument, "TLS file " + file + ": " + tls_error());
  };
  if (endpoint_.ca_file.empty()) {
    trust_system_certificates(context_);
  } else if (SSL_CTX_load_verify_locations(context_, endpoint_.ca_file.c_str(), nullptr) != 1) {
    return file_error(endpoint_.ca_file);
  }
  if (!endpoint_.certificate_file.empty()) {
    if (SSL_CTX_use_certificate_chain_file(context_, endpoint_.certificate_file.c_str()) != 1) {
      return file_error(endpoint_.certificate_file);
    }
    const std::string& key =
        endpoint_.key_file.empty() ? endpoint_.certificate_file : endpoint_.key_file;
    if (SSL_CTX_use_PrivateKey_file(context_, key.c_str(), SSL_FILETYPE_PEM) != 1) {
      return file_error(key);
    }
  }
  return {};
}

Status Connection::start_tls(int64_t deadline_ns) {
  if (!context_) {
    if (Status status = make_context(); !status.ok()) {
      SSL_CTX_free(context_);
      context_ = nullptr;
      return status;
    }
  }
  ssl_ = SSL_new(context_);
  if (!ssl_) return {Code::kInternal, tls_error()};
  SSL_set_fd(ssl_, fd_);
  const char* host = endpoint_.host.c_str();
  if (is_address(endpoint_.host)) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_), host);
  } else {
    SSL_set_tlsext_host_name(ssl_, host);
    SSL_set1_host(ssl_, host);
  }
  if (!alpn_.empty()) {
    const std::string wire = static_cast<char>(alpn_.size()) + alpn_;
    SSL_set_alpn_protos(ssl_, reinterpret_cast<const unsigned char*>(wire.data()),
                        static_cast<unsigned>(wire.size()));
  }
  while (true) {
    ERR_clear_error();
    const int result = SSL_connect(ssl_);
    if (result == 1) return {};
    const auto again = tls_wants(result, deadline_ns);
    if (!again.ok()) return again.error();
    if (!*again) return {Code::kUnavailable, "TLS handshake: the peer closed the connection"};
  }
}

/// After an SSL call that did not finish: waits for what it needs. False: the peer has closed.
Result<bool> Connection::tls_wants(int result, int64_t deadline_ns) {
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ: {
      RETURN_IF_ERROR(wait_for(POLLIN, deadline_ns));
      return true;
    }
    case SSL_ERROR_WANT_WRITE: {
      RETURN_IF_ERROR(wait_for(POLLOUT, deadline_ns));
      return true;
    }
    case SSL_ERROR_ZERO_RETURN:
      return false;
    case SSL_ERROR_SYSCALL:
      if (ERR_peek_error() == 0) return false;
      [[fallthrough]];
    default: {
      const long verify = SSL_get_verify_result(ssl_);
      std::string message = "TLS: " + tls_error();
      if (verify != X509_V_OK) {
        message += std::string(" (") + X509_verify_cert_error_string(verify) + ")";
      }
      return Error{Code::kUnavailable, std::move(message)};
    }
  }
}

Status Connection::write(std::string_view bytes, int64_t deadline_ns) {
  while (!bytes.empty()) {
    if (ssl_) {
      ERR_clear_error();
      const int n =
          SSL_write(ssl_, bytes.data(), static_cast<int>(std::min<size_t>(bytes.size(), 1u << 20)));
      if (n > 0) {
        bytes.remove_prefix(static_cast<size_t>(n));
        continue;
      }
      const auto again = tls_wants(n, deadline_ns);
      if (!again.ok()) return again.error();
      if (!*again) return {Code::kIo, "the peer closed the connection"};
      continue;
    }
    const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n >= 0) {
      bytes.remove_prefix(static_cast<size_t>(n));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      RETURN_IF_ERROR(wait_for(POLLOUT, deadline_ns));
    } else if (errno != EINTR) {
      return io_error("send", errno);
    }
  }
  return {};
}

Result<size_t> Connection::read(char* buffer, size_t size, int64_t deadline_ns) {
  while (true) {
    if (ssl_) {
      ERR_clear_error();
      const int n = SSL_read(ssl_, buffer, static_cast<int>(size));
      if (n > 0) return static_cast<size_t>(n);
      const auto again = tls_wants(n, deadline_ns);
      if (!again.ok()) return again.error();
      if (!*again) return size_t{0};
      continue;
    }
    const ssize_t n = ::recv(fd_, buffer, size, 0);
    if (n >= 0) return static_cast<size_t>(n);
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      RETURN_IF_ERROR(wait_for(POLLIN, deadline_ns));
    } else if (errno != EINTR) {
      return io_error("recv", errno).error();
    }
  }
}

}  // namespace vedette::sdk
