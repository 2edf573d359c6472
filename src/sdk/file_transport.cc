// The file is opened for each batch: whoever rotates it is followed, and nothing is left open for a
// forked child. A line is one write() at the file's end, so that processes can share the file.
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "sdk/connection.h"
#include "sdk/transport.h"

namespace vedette::sdk {
namespace {

class FileTransport final : public Transport {
 public:
  explicit FileTransport(Endpoint endpoint) : endpoint_(std::move(endpoint)) {}

  const Endpoint& endpoint() const override { return endpoint_; }
  void close() override {}
  void abandon() override {}
  void obey(WaitLimits* limits) override { limits_ = limits; }

  SendResult send(std::string_view body, int64_t deadline_ns) override {
    std::string line = json_of(endpoint_.signal, body);
    line += '\n';
    // What was written of a line before the disk was full is a line of its own then.
    if (torn_) line.insert(0, "\n");
    // A pipe that nobody reads is not opened, and one whose reader stalls waited for until then.
    const int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK;
    const int file = ::open(endpoint_.path.c_str(), flags, 0666);
    if (file < 0) return failed("open");
    SendResult result;
    std::string_view rest = line;
    while (!rest.empty()) {
      const ssize_t written = ::write(file, rest.data(), rest.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0 && errno == EAGAIN &&
          wait_until_ready(file, POLLOUT, deadline_ns, limits_).ok()) {
        continue;
      }
      if (written <= 0) {
        result = failed("write");
        break;
      }
      rest.remove_prefix(static_cast<size_t>(written));
    }
    if (rest.size() < line.size()) torn_ = !rest.empty();
    ::close(file);
    return result;
  }

 private:
  static SendResult failed(const char* what) {
    SendResult result;
    result.kind = SendResult::Kind::kRetry;
    result.connected = false;
    result.message = std::string(what) + ": " + std::strerror(errno);
    return result;
  }

  const Endpoint endpoint_;
  WaitLimits* limits_ = nullptr;
  bool torn_ = false;
};

}  // namespace

std::unique_ptr<Transport> make_file_transport(Endpoint endpoint) {
  return std::make_unique<FileTransport>(std::move(endpoint));
}

}  // namespace vedette::sdk
