// What prometheus_client's ProcessCollector reports (Prometheus documentation, "Writing client
// libraries", "Process metrics"), from proc(5).
#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "sdk/metrics.h"

namespace vedette::sdk {
namespace {

std::string read_file(const char* path) {
  std::string text;
  FILE* file = std::fopen(path, "re");
  if (!file) return text;
  char buffer[4096];
  while (const size_t n = std::fread(buffer, 1, sizeof buffer, file)) text.append(buffer, n);
  std::fclose(file);
  return text;
}

double boot_time() {
  const std::string stat = read_file("/proc/stat");
  const size_t at = stat.find("\nbtime ");
  return at == stat.npos ? 0 : std::strtod(stat.c_str() + at + 7, nullptr);
}

int open_descriptors() {
  DIR* folder = opendir("/proc/self/fd");
  if (!folder) return 0;
  int count = -1;  // the one that reads
  while (const dirent* entry = readdir(folder)) count += entry->d_name[0] != '.';
  closedir(folder);
  return count;
}

void sample(std::string& out, const char* name, const char* help, const char* type, double value) {
  out.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ").append(name);
  out.append(" ").append(type).append("\n").append(name).append(" ");
  append_number(out, value);
  out += '\n';
}

}  // namespace

void render_process_metrics(std::string& out) {
  const std::string stat = read_file("/proc/self/stat");
  const size_t name_end = stat.rfind(')');
  if (name_end == stat.npos) return;
  // Field 3 (state) follows the name; proc(5) numbers from 1.
  double fields[64] = {};
  int count = 3;
  for (const char* at = stat.c_str() + name_end + 4; count < 52; ++count) {
    char* end;
    fields[count + 1] = std::strtod(at, &end);
    if (end == at) break;
    at = end;
  }
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  static const double booted = boot_time();
  sample(out, "process_virtual_memory_bytes", "Virtual memory size in bytes.", "gauge", fields[23]);
  sample(out, "process_resident_memory_bytes", "Resident memory size in bytes.", "gauge",
         fields[24] * static_cast<double>(sysconf(_SC_PAGESIZE)));
  sample(out, "process_start_time_seconds",
         "Start time of the process since unix epoch in seconds.", "gauge",
         booted + fields[22] / ticks);
  sample(out, "process_cpu_seconds_total", "Total user and system CPU time spent in seconds.",
         "counter", (fields[14] + fields[15]) / ticks);
  sample(out, "process_open_fds", "Number of open file descriptors.", "gauge", open_descriptors());
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    sample(out, "process_max_fds", "Maximum number of open file descriptors.", "gauge",
           static_cast<double>(limit.rlim_cur));
  }
}

}  // namespace vedette::sdk
