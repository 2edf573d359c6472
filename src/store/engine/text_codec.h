// Lists of distinct texts in a chunk: patterns and numbers where they share patterns, else as they
// are. docs/format/row_part.md, "Texts".
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "base/string_table.h"
#include "store/engine/chunk.h"

namespace vedette::store::engine {

void encode_texts(std::span<const std::string_view> texts, ChunkWriter& out);
/// Adds `count` texts to `strings`; gives their numbers there.
std::vector<base::StringId> decode_texts(ChunkReader& in, size_t count, base::StringTable& strings);

}  // namespace vedette::store::engine
