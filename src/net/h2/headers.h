// Header lists as HTTP/1.1, HTTP/2 and gRPC share them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vedette::net::h2 {

/// Names are lower case.
using Headers = std::vector<std::pair<std::string, std::string>>;

/// The first value of `name`.
std::optional<std::string_view> find_header(const Headers& headers, std::string_view name);

}  // namespace vedette::net::h2
