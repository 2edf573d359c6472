#include "app/self_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "app/command_line.h"

namespace vedette::app {
namespace {

using LabelPairs = std::initializer_list<std::pair<std::string_view, std::string_view>>;

/// Families one after the other, samples under their family.
class Exposition {
 public:
  void family(std::string_view name, std::string_view type, std::string_view help) {
    name_ = name;
    text_.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ");
    text_.append(name).append(" ").append(type).append("\n");
  }
  void sample(LabelPairs labels, double value) {
    text_ += name_;
    const char* open = "{";
    for (const auto& [name, label] : labels) {
      text_.append(open).append(name).append("=\"").append(label).append("\"");
      open = ",";
    }
    if (labels.size() > 0) text_ += '}';
    char number[32];
    const auto end = std::to_chars(number, number + sizeof number, value).ptr;
    text_.append(" ").append(number, static_cast<size_t>(end - number)).append("\n");
  }
  void single(std::string_view name, std::string_view type, std::string_view help, double value) {
    family(name, type, help);
    sample({}, value);
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
  std::string name_;
};

double number(uint64_t n) {
  return static_cast<double>(n);
}

double seconds(const timeval& t) {
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
}

void add_process(Exposition& out, int64_t started_ns) {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  uint64_t pages_virtual = 0, pages_resident = 0;
  std::ifstream("/proc/self/statm") >> pages_virtual >> pages_resident;
  const auto page = static_cast<double>(sysconf(_SC_PAGESIZE));
  std::error_code ignored;
  const auto fds = std::distance(std::filesystem::directory_iterator("/proc/self/fd", ignored), {});
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  out.single("process_cpu_seconds_total", "counter", "User and system CPU time spent.",
             seconds(usage.ru_utime) + seconds(usage.ru_stime));
  out.single("process_resident_memory_bytes", "gauge", "Memory in RAM.",
             number(pages_resident) * page);
  out.single("process_virtual_memory_bytes", "gauge", "Address space in use.",
             number(pages_virtual) * page);
  out.single("process_start_time_seconds", "gauge", "When the process started, since 1970.",
             static_cast<double>(started_ns) / 1e9);
  out.single("process_open_fds", "gauge", "Open file descriptors.", static_cast<double>(fds));
  out.single("process_max_fds", "gauge", "File descriptors allowed.",
             static_cast<double>(limit.rlim_cur));
}

void add_store(Exposition& out, const store::StoreStats& s) {
  const auto by_table = [&](const char* name, const char* help,
                            uint64_t store::TableStats::*field) {
    out.family(name, "gauge", help);
    for (const store::TableStats& t : s.tables) out.sample({{"table", t.table}}, number(t.*field));
  };
  by_table("vedette_store_rows", "Rows stored, by table.", &store::TableStats::rows);
  by_table("vedette_store_disk_bytes", "Bytes of parts on disk, by table.",
           &store::TableStats::disk_bytes);
  by_table("vedette_store_memory_bytes", "Bytes of heads in memory, by table.",
           &store::TableStats::memory_bytes);
  by_table("vedette_store_parts", "Immutable parts, by table.", &store::TableStats::parts);
  out.single("vedette_store_series", "gauge", "Metric series known.", number(s.series));
  out.single("vedette_store_wal_bytes", "gauge", "Bytes of the write-ahead log.",
             number(s.wal_bytes));
  out.single("vedette_store_read_only", "gauge",
             "1 while writes are refused because the disk is nearly full.", s.read_only);
  out.single("vedette_store_writes_total", "counter", "Requests stored.", number(s.writes));
  out.single("vedette_store_duplicates_total", "counter",
             "Requests that were stored before already.", number(s.duplicates));
  out.single("vedette_store_rejected_rows_total", "counter", "Rows refused.",
             number(s.rejected_rows));
  out.single("vedette_store_flushes_total", "counter", "Heads written to parts.",
             number(s.flushes));
  out.single("vedette_store_merges_total", "counter", "Merges of parts.", number(s.merges));
  out.single("vedette_store_quarantined_blocks_total", "counter", "Blocks whose checksum failed.",
             number(s.quarantined_blocks));
}

void add_ingest(Exposition& out, const ingest::IngestStats& stats) {
  const auto by_source = [&](const char* name, const char* help,
                             uint64_t ingest::SourceStats::*field) {
    out.family(name, "counter", help);
    for (size_t i = 0; i < stats.size(); ++i) {
      out.sample({{"source", ingest::source_name(static_cast<ingest::Source>(i))}},
                 number(stats[i].*field));
    }
  };
  by_source("vedette_ingest_requests_total", "Requests received, by source.",
            &ingest::SourceStats::requests);
  by_source("vedette_ingest_bytes_total", "Bytes of request bodies, decompressed.",
            &ingest::SourceStats::bytes);
  by_source("vedette_ingest_malformed_requests_total", "Requests that could not be read.",
            &ingest::SourceStats::malformed);
  by_source("vedette_ingest_accepted_total", "Spans, log records or samples taken.",
            &ingest::SourceStats::accepted);
  out.family("vedette_ingest_rejected_total", "counter",
             "Spans, log records or samples not taken, by reason.");
  for (size_t i = 0; i < stats.size(); ++i) {
    for (size_t r = 0; r < ingest::kRejects; ++r) {
      out.sample({{"source", ingest::source_name(static_cast<ingest::Source>(i))},
                  {"reason", ingest::reject_name(static_cast<ingest::Reject>(r))}},
                 number(stats[i].rejected[r]));
    }
  }
  by_source("vedette_ingest_sanitized_texts_total", "Texts that were not UTF-8.",
            &ingest::SourceStats::sanitized);
  by_source("vedette_ingest_truncated_texts_total", "Texts over the limit.",
            &ingest::SourceStats::truncated);
  by_source("vedette_ingest_dropped_attributes_total", "Attributes over the limits.",
            &ingest::SourceStats::dropped_attributes);
}

void add_net(Exposition& out, const net::ServerStats& s, const api::RunnerStats& q) {
  out.single("vedette_net_connections", "gauge", "Connections open.", number(s.connections_open));
  out.single("vedette_net_connections_accepted_total", "counter", "Connections taken.",
             number(s.connections_accepted));
  out.single("vedette_net_connections_refused_total", "counter", "Connections over the limit.",
             number(s.connections_refused));
  out.single("vedette_net_requests_total", "counter", "HTTP and gRPC requests.",
             number(s.requests));
  out.single("vedette_net_received_bytes_total", "counter", "Bytes received.", number(s.bytes_in));
  out.single("vedette_net_sent_bytes_total", "counter", "Bytes sent.", number(s.bytes_out));
  out.single("vedette_queries_total", "counter", "Queries answered.", number(q.finished));
  out.single("vedette_queries_refused_total", "counter",
             "Queries refused because too many were waiting.", number(q.refused));
  out.single("vedette_queries_timed_out_total", "counter",
             "Queries whose time was over, or whose client was gone, before they began.",
             number(q.timed_out));
  out.single("vedette_queries_running", "gauge", "Queries being worked on.", number(q.running));
  out.single("vedette_queries_waiting", "gauge", "Queries waiting for a thread.", number(q.queued));
}

}  // namespace

std::string render_self_metrics(const SelfFigures& figures) {
  Exposition out;
  out.family("vedette_build_info", "gauge", "Version of the server.");
  out.sample({{"version", kVersion}}, 1);
  add_process(out, figures.started_ns);
  add_store(out, figures.store);
  add_ingest(out, figures.ingest);
  add_net(out, figures.net, figures.queries);
  return out.take();
}

}  // namespace vedette::app
