// What the server is told: defaults here, then the configuration file, then flags.
// docs/configuration.md explains each key.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace vedette::app {

enum class Durability : uint8_t { kWal, kFsync };

/// Addresses as host:port; empty: not listening.
struct Listeners {
  std::string http = "127.0.0.1:4319";
  std::string otlp_http = "127.0.0.1:4318";
  std::string otlp_grpc = "127.0.0.1:4317";
};

struct ScrapeJob {
  std::string job;
  std::vector<std::string> targets;  // host:port
  std::chrono::milliseconds interval{15'000};
  std::chrono::milliseconds timeout{10'000};
  std::string path = "/metrics";
  std::vector<std::pair<std::string, std::string>> labels;
};

struct Limits {
  uint64_t request_body_bytes = 64u << 20;  // after decompression
  uint64_t connections = 2048;
  uint64_t write_queue_bytes = 128u << 20;
  uint64_t head_bytes = 192u << 20;
  std::chrono::milliseconds query_timeout{30'000};
  uint64_t query_threads = 0;  // 0: one per core, at least two
};

struct Config {
  Listeners listeners;
  std::string data_dir = "vedette-data";
  std::optional<std::chrono::hours> retention = std::chrono::hours(24 * 30);  // nullopt: for ever
  Durability durability = Durability::kWal;
  std::vector<ScrapeJob> scrape;
  Limits limits;
};

// Values that the file and the flags share. Errors say what is allowed.

/// host:port, [v6]:port or :port; "none" gives the empty string.
Result<std::string> parse_listen_address(std::string_view text);
/// "30d" (whole hours, at least one) or "forever".
Result<std::optional<std::chrono::hours>> parse_retention(std::string_view text);
Result<Durability> parse_durability(std::string_view text);
/// "64MiB", "10MB", "4096".
Result<uint64_t> parse_bytes(std::string_view text);

/// Reads YAML into `config`. The error names every problem, one a line, as file:line:column: what.
Status read_config(std::string_view yaml, std::string_view file, Config& config);
Status read_config_file(const std::string& path, Config& config);

/// The one of `known` that `word` was probably meant to be; empty if none is near.
std::string nearest_word(std::string_view word, const std::vector<std::string>& known);

}  // namespace vedette::app
