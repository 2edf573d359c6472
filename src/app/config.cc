#include "app/config.h"

#include "base/time_text.h"

namespace vedette::app {
namespace {

Error invalid(std::string message) {
  return {Code::kInvalidArgument, std::move(message)};
}

std::string quoted(std::string_view text) {
  return "\"" + std::string(text.substr(0, 100)) + "\"";
}

/// Changes of one letter (put in, left out, replaced, or two swapped) from one word to the other.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> cost(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) cost[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) cost[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      cost[i][j] = std::min(
          {cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
      }
    }
  }
  return cost[a.size()][b.size()];
}

}  // namespace

std::string nearest_word(std::string_view word, const std::vector<std::string>& known) {
  std::string best;
  size_t best_distance = std::max<size_t>(2, word.size() / 3) + 1;
  if (word.size() > 64) return best;
  for (const std::string& candidate : known) {
    const size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

Result<std::string> parse_listen_address(std::string_view text) {
  if (text == "none") return std::string();
  const size_t colon = text.rfind(':');
  const std::string wanted =
      quoted(text) + " is no address: write host:port, such as 127.0.0.1:4319, or none";
  if (colon == std::string_view::npos) return invalid(wanted);
  const std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  unsigned number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (error != std::errc() || end != port.data() + port.size() || number > 65535)
    return invalid(wanted);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (!bracketed && host.find_first_of(":[] /") != std::string_view::npos) return invalid(wanted);
  if (host.empty()) return "0.0.0.0:" + std::string(port);
  return (host == "localhost" ? std::string("127.0.0.1") : std::string(host)) + ":" +
         std::string(port);
}

Result<std::optional<std::chrono::hours>> parse_retention(std::string_view text) {
  if (text == "forever") return std::optional<std::chrono::hours>();
  const auto ns = base::parse_duration_ns(text);
  constexpr int64_t kHourNs = 3600 * base::kNsPerSecond;
  if (!ns || *ns < kHourNs) {
    return invalid(
        quoted(text) +
        " is no retention: write a duration of an hour or more, such as 30d, or forever");
  }
  return std::optional(std::chrono::hours(*ns / kHourNs));
}

Result<Durability> parse_durability(std::string_view text) {
  if (text == "wal") return Durability::kWal;
  if (text == "fsync") return Durability::kFsync;
  return invalid(
      quoted(text) +
      " is no durability: write wal (survives a crash of the process) or fsync (of the machine)");
}

Result<uint64_t> parse_bytes(std::string_view text) {
  struct Unit {
    std::string_view name;
    uint64_t bytes;
  };
  constexpr Unit kUnits[] = {{"", 1},           {"B", 1},          {"kB", 1000},
                             {"KB", 1000},      {"MB", 1000'000},  {"GB", 1000'000'000},
                             {"KiB", 1u << 10}, {"MiB", 1u << 20}, {"GiB", 1u << 30}};
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  std::string_view unit(end, static_cast<size_t>(text.data() + text.size() - end));
  while (unit.starts_with(' ')) unit.remove_prefix(1);
  for (const Unit& u : kUnits) {
    uint64_t bytes = 0;
    if (error == std::errc() && unit == u.name && !__builtin_mul_overflow(number, u.bytes, &bytes))
      return bytes;
  }
  return invalid(quoted(text) + " is no size: write bytes, with or without a unit, such as 64MiB");
}

}  // namespace vedette::app
