#include "sdk/diagnostic.h"

#include <unistd.h>

#include <string>

namespace vedette::sdk {

void complain(std::string_view message) {
  std::string line = "vedette: ";
  for (char c : message.substr(0, 1000)) line += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  line += '\n';
  [[maybe_unused]] const ssize_t n = ::write(2, line.data(), line.size());
}

}  // namespace vedette::sdk
