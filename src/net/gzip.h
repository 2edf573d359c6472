// gzip (RFC 1952) both ways, whole buffers at a time. Thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace vedette::net {

/// Inflates all members of `compressed` into `buffer`, whose capacity is used again.
/// kTooLarge when the result would pass `bytes_max`: memory stays below that plus a constant.
Result<std::string> gunzip(std::string_view compressed, size_t bytes_max, std::string buffer = {});

/// Fast rather than small (level 1 to 12, as libdeflate counts).
std::string gzip(std::string_view bytes, int level = 2);

}  // namespace vedette::net
