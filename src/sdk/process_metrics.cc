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

/// Gauges and counters without labels.
class ProcessNow : public Collection {
 public:
  void collect(SampleSink& sink, SharedValues*) override;

 private:
  static void show(SampleSink& sink, const char* name, const char* help, double value,
                   MetricType type = MetricType::kGauge) {
    static const Labels kNone(std::make_shared<const LabelNames>(std::vector<std::string>()), {});
    sink.family({name, help, type});
    sink.sample(
        {.suffix = type == MetricType::kCounter ? "_total" : "", .labels = &kNone, .value = value});
  }
};

void ProcessNow::collect(SampleSink& sink, SharedValues*) {
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
  show(sink, "process_virtual_memory_bytes", "Virtual memory size in bytes.", fields[23]);
  show(sink, "process_resident_memory_bytes", "Resident memory size in bytes.",
       fields[24] * static_cast<double>(sysconf(_SC_PAGESIZE)));
  show(sink, "process_start_time_seconds", "Start time of the process since unix epoch in seconds.",
       booted + fields[22] / ticks);
  show(sink, "process_cpu_seconds", "Total user and system CPU time spent in seconds.",
       (fields[14] + fields[15]) / ticks, MetricType::kCounter);
  show(sink, "process_open_fds", "Number of open file descriptors.", open_descriptors());
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    show(sink, "process_max_fds", "Maximum number of open file descriptors.",
         static_cast<double>(limit.rlim_cur));
  }
}

}  // namespace

std::unique_ptr<Collection> process_metrics() {
  return std::make_unique<ProcessNow>();
}

}  // namespace vedette::sdk
