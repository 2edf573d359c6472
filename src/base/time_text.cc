#include "base/time_text.h"

#include <fmt/core.h>

#include <ctime>

namespace vedette::base {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

struct Unit {
  std::string_view name;
  int64_t ns;
};
// Longer names first, so that "ms" is not read as "m".
constexpr Unit kUnits[] = {{"ns", 1},
                           {"us", 1'000},
                           {"µs", 1'000},
                           {"ms", kNsPerMs},
                           {"s", kNsPerSecond},
                           {"m", 60 * kNsPerSecond},
                           {"h", 3600 * kNsPerSecond},
                           {"d", 86400 * kNsPerSecond},
                           {"w", 604800 * kNsPerSecond},
                           {"y", 365 * 86400 * kNsPerSecond}};

/// Digits at the front of `text`, at most `digits_max`, taken off it.
std::optional<int64_t> take_number(std::string_view& text, size_t digits_max) {
  size_t n = 0;
  int64_t value = 0;
  while (n < text.size() && n < digits_max && is_digit(text[n]))
    value = value * 10 + (text[n++] - '0');
  if (n == 0) return std::nullopt;
  text.remove_prefix(n);
  return value;
}

/// ".25" taken off the front, as parts of `unit_ns`; digits beyond the ninth are cut. 0 without a
/// point.
std::optional<int64_t> take_fraction(std::string_view& text, int64_t unit_ns) {
  if (text.empty() || text[0] != '.') return 0;
  text.remove_prefix(1);
  if (text.empty() || !is_digit(text[0])) return std::nullopt;
  __int128 parts = 0;
  __int128 scale = 1;
  for (; !text.empty() && is_digit(text[0]); text.remove_prefix(1)) {
    if (scale >= kNsPerSecond) continue;
    parts = parts * 10 + (text[0] - '0');
    scale *= 10;
  }
  return static_cast<int64_t>(parts * unit_ns / scale);
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text[0] != c) return false;
  text.remove_prefix(1);
  return true;
}

/// Exactly two digits.
std::optional<int64_t> take_two(std::string_view& text, int64_t max) {
  if (text.size() < 2 || !is_digit(text[0]) || !is_digit(text[1])) return std::nullopt;
  const auto value = take_number(text, 2);
  return value && *value <= max ? value : std::nullopt;
}

/// "Z" or "+01:00", in seconds east of UTC.
std::optional<int64_t> take_offset(std::string_view& text) {
  if (take(text, 'Z') || take(text, 'z')) return 0;
  const int sign = take(text, '+') ? 1 : take(text, '-') ? -1 : 0;
  if (sign == 0) return std::nullopt;
  const auto hours = take_two(text, 23);
  if (!hours || !take(text, ':')) return std::nullopt;
  const auto minutes = take_two(text, 59);
  if (!minutes) return std::nullopt;
  return sign * (*hours * 3600 + *minutes * 60);
}

std::optional<int64_t> to_ns(int64_t seconds, int64_t fraction_ns) {
  int64_t ns = 0;
  if (__builtin_mul_overflow(seconds, kNsPerSecond, &ns)) return std::nullopt;
  if (__builtin_add_overflow(ns, fraction_ns, &ns)) return std::nullopt;
  return ns;
}

}  // namespace

std::optional<int64_t> parse_duration_ns(std::string_view text) {
  if (text == "0") return 0;
  if (text.empty()) return std::nullopt;
  int64_t total = 0;
  while (!text.empty()) {
    const auto whole = take_number(text, 18);
    if (!whole) return std::nullopt;
    std::string_view rest = text;
    while (!rest.empty() && (is_digit(rest[0]) || rest[0] == '.')) rest.remove_prefix(1);
    const Unit* unit = nullptr;
    for (const Unit& u : kUnits) {
      if (rest.starts_with(u.name)) {
        unit = &u;
        break;
      }
    }
    if (!unit) return std::nullopt;
    const auto fraction = take_fraction(text, unit->ns);
    if (!fraction || text.size() != rest.size()) return std::nullopt;
    text.remove_prefix(unit->name.size());
    int64_t part = 0;
    if (__builtin_mul_overflow(*whole, unit->ns, &part)) return std::nullopt;
    if (__builtin_add_overflow(part, *fraction, &part)) return std::nullopt;
    if (__builtin_add_overflow(total, part, &total)) return std::nullopt;
  }
  return total;
}

std::optional<int64_t> parse_rfc3339_ns(std::string_view text) {
  if (text.size() < 20) return std::nullopt;
  for (int i = 0; i < 4; ++i) {
    if (!is_digit(text[i])) return std::nullopt;
  }
  const auto year = take_number(text, 4);
  if (!take(text, '-')) return std::nullopt;
  const auto month = take_two(text, 12);
  if (!month || !take(text, '-')) return std::nullopt;
  const auto day = take_two(text, 31);
  if (!day || !(take(text, 'T') || take(text, 't') || take(text, ' '))) return std::nullopt;
  const auto hour = take_two(text, 23);
  if (!hour || !take(text, ':')) return std::nullopt;
  const auto minute = take_two(text, 59);
  if (!minute || !take(text, ':')) return std::nullopt;
  const auto second = take_two(text, 60);
  if (!second) return std::nullopt;
  const auto fraction = take_fraction(text, kNsPerSecond);
  const auto offset = take_offset(text);
  if (!fraction || !offset || !text.empty()) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*year)),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  const int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  const int64_t seconds = days * 86400 + *hour * 3600 + *minute * 60 + *second - *offset;
  return seconds < 0 ? std::nullopt : to_ns(seconds, *fraction);
}

std::optional<int64_t> parse_seconds_ns(std::string_view text) {
  const auto seconds = take_number(text, 18);
  if (!seconds) return std::nullopt;
  const auto fraction = take_fraction(text, kNsPerSecond);
  if (!fraction || !text.empty()) return std::nullopt;
  return to_ns(*seconds, *fraction);
}

std::string format_rfc3339_ms(int64_t ns) {
  const time_t seconds = static_cast<time_t>(ns / kNsPerSecond);
  tm parts{};
  gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900,
                     parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                     ns / kNsPerMs % 1000);
}

std::string format_duration(int64_t ns) {
  const double seconds = static_cast<double>(ns) / kNsPerSecond;
  if (seconds < 1e-3) return fmt::format("{:.0f} µs", seconds * 1e6);
  if (seconds < 1) return fmt::format("{:.0f} ms", seconds * 1e3);
  if (seconds < 10) return fmt::format("{:.2f} s", seconds);
  if (seconds < 120) return fmt::format("{:.0f} s", seconds);
  if (seconds < 7200) return fmt::format("{:.0f} min", seconds / 60);
  if (seconds < 172800) return fmt::format("{:.0f} h", seconds / 3600);
  return fmt::format("{:.0f} days", seconds / 86400);
}

}  // namespace vedette::base
