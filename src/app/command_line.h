// The command line. CLI11 stays in the .cc file.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/config.h"
#include "base/result.h"

namespace vedette::app {

struct Command {
  enum class Kind { kServe, kCheckConfig, kPrint };
  Kind kind = Kind::kPrint;
  Config config;     // kServe: defaults, file and flags together
  std::string file;  // kCheckConfig; kServe: the file read, empty if none
  std::string text;  // kPrint: help or version
};

/// What to do, or what is wrong with the words given.
Result<Command> parse_command_line(const std::vector<std::string>& words);

inline constexpr const char* kVersion = VEDETTE_VERSION;

}  // namespace vedette::app
