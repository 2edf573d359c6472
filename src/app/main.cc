#include <cstdio>
#include <string>
#include <vector>

#include "app/command_line.h"
#include "app/serve.h"

namespace {

int fail(const vedette::Error& error) {
  std::fprintf(stderr, "vedette: %s\n", error.message.c_str());
  return error.code == vedette::Code::kInvalidArgument ? 2 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  using vedette::app::Command;
  const auto command =
      vedette::app::parse_command_line(std::vector<std::string>(argv + 1, argv + argc));
  if (!command.ok()) return fail(command.error());
  switch (command->kind) {
    case Command::Kind::kPrint:
      std::fputs(command->text.c_str(), stdout);
      return 0;
    case Command::Kind::kCheckConfig: {
      vedette::app::Config config;
      const auto status = vedette::app::read_config_file(command->file, config);
      if (!status.ok()) return fail(status.error());
      std::printf("%s is right.\n", command->file.c_str());
      return 0;
    }
    case Command::Kind::kServe: {
      const auto status = vedette::app::serve(command->config);
      return status.ok() ? 0 : fail(status.error());
    }
  }
  return 0;
}
