// Is it text? Unicode 15, table 3-7 (well-formed UTF-8).
#pragma once

#include <string>
#include <string_view>

namespace vedette::base {

bool is_utf8(std::string_view text);
/// The text with U+FFFD in place of each byte that is not part of well-formed UTF-8.
std::string sanitize_utf8(std::string_view text);

}  // namespace vedette::base
