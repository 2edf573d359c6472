// Which sample parts should become one.
//
// Parts are merged within their partition: a day (UTC), or the overflow of parts that reach over
// several. Only parts that follow each other in the order of writing are merged, and only when no
// other part with data of these times was written in between: else "the last write wins" could not
// be told any more. Size-tiered: a merge must not be mostly the rewriting of one large part.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "store/engine/sample_part.h"

namespace vedette::store::engine {

/// Files to merge, in the order of writing; empty: nothing to do. `parts` are sorted (sort_parts).
std::vector<std::string> pick_sample_merge(const SamplePartList& parts, int64_t now_ms);

}  // namespace vedette::store::engine
