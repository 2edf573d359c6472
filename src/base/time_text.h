// Moments and durations as people and programs write them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vedette::base {

inline constexpr int64_t kNsPerMs = 1'000'000;
inline constexpr int64_t kNsPerSecond = 1'000'000'000;

/// "250us", "1.5s", "1h30m", "30d", "2w", "1y" (365 days), in nanoseconds; nothing when malformed,
/// signed, or beyond 64 bits. A bare "0" is allowed, any other number needs its unit.
std::optional<int64_t> parse_duration_ns(std::string_view text);
/// RFC 3339, "2026-01-31T12:00:00.5+01:00", from 1970 on; nanoseconds since 1970.
std::optional<int64_t> parse_rfc3339_ns(std::string_view text);
/// Seconds since 1970, maybe with a fraction, exactly (no detour through a double).
std::optional<int64_t> parse_seconds_ns(std::string_view text);

/// "2026-01-31T12:00:00.500Z"
std::string format_rfc3339_ms(int64_t ns);
/// The largest unit that reads well: "1.50 s", "42 ms", "3 min".
std::string format_duration(int64_t ns);

}  // namespace vedette::base
