#include "net/h2/headers.h"

namespace vedette::net::h2 {

std::optional<std::string_view> find_header(const Headers& headers, std::string_view name) {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return std::nullopt;
}

}  // namespace vedette::net::h2
