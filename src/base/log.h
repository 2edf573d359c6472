// What the server says of itself: one line a fact, with fields.
//
//   log_info("part merged", {{"rows", rows}, {"ms", ms}});
//
// Thread-safe. Control characters in values are escaped, so one record is always one line.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace vedette::base {

enum class LogLevel : uint8_t { kDebug, kInfo, kWarn, kError };

/// A name and a value, rendered when the line is written.
struct LogField {
  LogField(std::string_view name, std::string_view value) : name(name), value(value) {}
  LogField(std::string_view name, const char* value) : name(name), value(value) {}
  LogField(std::string_view name, const std::string& value) : name(name), value(value) {}
  template <typename T>
  LogField(std::string_view name, T number) : name(name), value(std::to_string(number)) {}

  std::string_view name;
  std::string value;
};

using LogFields = std::initializer_list<LogField>;

void log(LogLevel level, std::string_view message, LogFields fields = {});
inline void log_debug(std::string_view message, LogFields f = {}) {
  log(LogLevel::kDebug, message, f);
}
inline void log_info(std::string_view message, LogFields f = {}) {
  log(LogLevel::kInfo, message, f);
}
inline void log_warn(std::string_view message, LogFields f = {}) {
  log(LogLevel::kWarn, message, f);
}
inline void log_error(std::string_view message, LogFields f = {}) {
  log(LogLevel::kError, message, f);
}

/// Lines below `level` are not written. Default: info.
void set_log_level(LogLevel level);

}  // namespace vedette::base

namespace vedette {
using base::log_debug;
using base::log_error;
using base::log_info;
using base::log_warn;
}  // namespace vedette
