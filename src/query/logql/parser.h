// LogQL text to what it says.
#pragma once

#include <string_view>

#include "base/result.h"
#include "query/logql/query.h"

namespace vedette::logql {

inline constexpr size_t kQueryBytesMax = 64 << 10;

/// kInvalidArgument with line and column for what is no LogQL; kUnimplemented for LogQL that is not
/// understood yet.
Result<Query> parse(std::string_view query);

}  // namespace vedette::logql
