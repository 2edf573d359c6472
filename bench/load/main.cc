// vedette_load spans|logs|samples PORT PATH [SIZE]: makes the load, then replays it over four
// keep-alive connections and prints one line of JSON. Every answer must be 2xx.
//
// SIZE: traces for spans and logs (default 140,000); hours of 10,000 series for samples (default
// 6).
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "bench/load/metrics.h"
#include "bench/load/shop.h"

namespace {

constexpr size_t kConnections = 4;

[[noreturn]] void fail(const std::string& why) {
  std::fprintf(stderr, "vedette_load: %s\n", why.c_str());
  std::exit(1);
}

int dial(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    fail("nothing listens on the port");
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

void write_all(int fd, const std::string& data) {
  for (size_t sent = 0; sent < data.size();) {
    const ssize_t n = write(fd, data.data() + sent, data.size() - sent);
    if (n <= 0) fail("the server closed the connection");
    sent += static_cast<size_t>(n);
  }
}

/// Reads one response; fails unless it is 2xx. Answers of ingest endpoints are small and carry
/// Content-Length or no body.
void read_response(int fd, std::string& buffer) {
  const auto more = [&] {
    char chunk[16384];
    const ssize_t n = read(fd, chunk, sizeof chunk);
    if (n <= 0) fail("the server closed the connection");
    buffer.append(chunk, static_cast<size_t>(n));
  };
  size_t end;
  while ((end = buffer.find("\r\n\r\n")) == std::string::npos) more();
  size_t length = 0;
  std::string head = buffer.substr(0, end);
  for (char& c : head) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (const size_t at = head.find("content-length:"); at != std::string::npos)
    length = std::strtoul(head.c_str() + at + 15, nullptr, 10);
  while (buffer.size() < end + 4 + length) more();
  if (buffer.compare(9, 1, "2") != 0) fail("answered " + buffer.substr(0, 500));
  buffer.erase(0, end + 4 + length);
}

void replay(const vedette::bench::Load& load, int port, const std::string& path,
            const std::string& headers) {
  // Each connection has requests of its own, so that a series' samples arrive in their order, as
  // from the shards of a remote-write queue: 10,000 series are four requests a scrape.
  std::vector<std::thread> threads;
  for (size_t i = 0; i < kConnections; ++i) {
    threads.emplace_back([&, i] {
      const int fd = dial(port);
      std::string buffer;
      for (size_t at = i; at < load.requests.size(); at += kConnections) {
        const std::string& body = load.requests[at];
        write_all(fd, "POST " + path + " HTTP/1.1\r\nHost: localhost\r\n" + headers +
                          "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
        read_response(fd, buffer);
      }
      close(fd);
    });
  }
  for (std::thread& t : threads) t.join();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) fail("usage: vedette_load spans|logs|samples PORT PATH [SIZE]");
  const std::string what = argv[1];
  const int port = std::atoi(argv[2]);
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const int64_t now_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();

  vedette::bench::Load load;
  std::string headers = "Content-Type: application/x-protobuf\r\n";
  if (what == "samples") {
    load = vedette::bench::make_metrics(10'000, argc > 4 ? std::atof(argv[4]) : 6,
                                        now_ns / 1'000'000, 1);
    headers += "Content-Encoding: snappy\r\nX-Prometheus-Remote-Write-Version: 0.1.0\r\n";
  } else {
    auto shop = vedette::bench::make_shop(argc > 4 ? std::strtoull(argv[4], nullptr, 10) : 140'000,
                                          now_ns, 1);
    load = std::move(what == "spans" ? shop.spans : shop.logs);
  }
  const auto begin = std::chrono::steady_clock::now();
  replay(load, port, argv[3], headers);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  std::printf("{\"records\": %llu, \"requests\": %zu, \"raw_bytes\": %llu, \"seconds\": %.3f}\n",
              static_cast<unsigned long long>(load.records), load.requests.size(),
              static_cast<unsigned long long>(load.raw_bytes), seconds);
  return 0;
}
