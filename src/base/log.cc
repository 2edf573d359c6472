#include "base/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

namespace vedette::base {
namespace {

spdlog::logger& logger() {
  // Never destroyed: threads may still speak while the process ends.
  static auto* instance = [] {
    auto sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
    auto* made = new spdlog::logger("vedette", std::move(sink));
    made->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %^%5l%$ %v");
    return made;
  }();
  return *instance;
}

void append_escaped(std::string& out, std::string_view text) {
  constexpr size_t kLongest = 4096;
  constexpr char kHex[] = "0123456789abcdef";
  for (char c : text.substr(0, kLongest)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      out += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
    } else {
      out += c;
    }
  }
}

spdlog::level::level_enum level_of(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarn:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

}  // namespace

void log(LogLevel level, std::string_view message, LogFields fields) {
  const auto spd_level = level_of(level);
  if (!logger().should_log(spd_level)) return;
  std::string line;
  append_escaped(line, message);
  for (const LogField& field : fields) {
    line += ' ';
    line += field.name;
    line += '=';
    const bool quoted = field.value.find_first_of(" \"=") != std::string::npos;
    if (quoted) line += '"';
    append_escaped(line, field.value);
    if (quoted) line += '"';
  }
  logger().log(spd_level, spdlog::string_view_t(line.data(), line.size()));
}

void set_log_level(LogLevel level) {
  logger().set_level(level_of(level));
}

}  // namespace vedette::base
