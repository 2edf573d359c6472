#include "sdk/process_identity.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string_view>

namespace vedette::sdk {
namespace {

constexpr int kAncestorsMax = 16;

struct Stat {
  int32_t parent = 0;
  char state = '?';
  uint64_t start = 0;
  // Where exec put code and stack; the same in processes that forked since. 0: we may not know.
  uint64_t code = 0;
  uint64_t stack = 0;
};

std::string read_small_file(const std::string& path) {
  char buffer[4096];
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {};
  const ssize_t n = ::read(fd, buffer, sizeof buffer);
  ::close(fd);
  return n > 0 ? std::string(buffer, static_cast<size_t>(n)) : std::string();
}

std::string proc_path(int32_t pid, const char* file) {
  return "/proc/" + std::to_string(pid) + "/" + file;
}

bool read_stat(int32_t pid, Stat* out) {
  const std::string text = read_small_file(proc_path(pid, "stat"));
  const size_t name_end = text.rfind(')');
  if (name_end == text.npos || name_end + 4 > text.size()) return false;
  out->state = text[name_end + 2];
  const char* at = text.c_str() + name_end + 3;
  // proc(5) numbers the fields from 1; the state is the third.
  for (int field = 4; field <= 28; ++field) {
    char* end;
    const uint64_t value = std::strtoull(at, &end, 10);
    if (end == at) return false;
    at = end;
    if (field == 4) out->parent = static_cast<int32_t>(value);
    if (field == 22) out->start = value;
    if (field == 26) out->code = value;
    if (field == 28) out->stack = value;
  }
  return true;
}

bool is_worker_of(int32_t pid, const Stat& stat, int32_t parent_pid, const Stat& parent) {
  const std::string command = read_small_file(proc_path(pid, "cmdline"));
  if (command.find("--multiprocessing-fork") != command.npos ||
      command.find("multiprocessing.forkserver") != command.npos) {
    return true;
  }
  if (stat.stack > 1 && parent.stack > 1) {
    return stat.stack == parent.stack && stat.code == parent.code;
  }
  // The parent runs as another user (a master that gave up its rights in the worker).
  return !command.empty() && command == read_small_file(proc_path(parent_pid, "cmdline"));
}

}  // namespace

ProcessId this_process() {
  const auto pid = static_cast<int32_t>(::getpid());
  Stat stat;
  return {pid, read_stat(pid, &stat) ? stat.start : 0};
}

bool is_alive(const ProcessId& process) {
  Stat stat;
  return process.pid > 0 && read_stat(process.pid, &stat) && stat.start == process.start &&
         stat.state != 'Z' && stat.state != 'X';
}

ProcessId service_leader() {
  auto pid = static_cast<int32_t>(::getpid());
  Stat stat;
  if (!read_stat(pid, &stat)) return {pid, 0};
  for (int i = 0; i < kAncestorsMax && stat.parent > 0; ++i) {
    Stat parent;
    if (!read_stat(stat.parent, &parent) || !is_worker_of(pid, stat, stat.parent, parent)) break;
    pid = stat.parent;
    stat = parent;
  }
  return {pid, stat.start};
}

std::string service_name(const ProcessId& leader) {
  std::string boot = read_small_file("/proc/sys/kernel/random/boot_id").substr(0, 8);
  if (boot.empty()) boot = "unknown";
  struct stat space {};
  const uint64_t inode = ::stat("/proc/self/ns/pid", &space) == 0 ? space.st_ino : 0;
  return std::to_string(leader.pid) + "-" + std::to_string(leader.start) + "-" + boot + "-" +
         std::to_string(inode);
}

}  // namespace vedette::sdk
