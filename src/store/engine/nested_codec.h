// What hangs on rows in numbers that differ: events, links, and the attributes with rare keys, each
// all in one chunk. docs/format/row_part.md, "Nested".
#pragma once

#include <vector>

#include "model/span_batch.h"
#include "store/engine/chunk.h"
#include "store/engine/value_codec.h"

namespace vedette::store::engine {

/// Rows [begin, end) of a batch: those of one block.
struct RowRange {
  uint32_t begin = 0;
  uint32_t end = 0;
};

void encode_attributes(std::span<const model::AttributeColumn* const> columns, RowRange rows,
                       const model::StringTable& strings, FirstUse& scratch, ChunkWriter& out);
void decode_attributes(ChunkReader& in, size_t rows, model::StringTable& strings,
                       model::AttributeColumns& attributes);

/// Nothing is written where there are none.
void encode_events(const model::SpanBatch& batch, RowRange rows, FirstUse& scratch,
                   ChunkWriter& out);
void decode_events(ChunkReader& in, size_t rows, model::SpanBatch& batch);  // after start_ns
void encode_links(const model::SpanBatch& batch, RowRange rows, FirstUse& scratch,
                  ChunkWriter& out);
void decode_links(ChunkReader& in, size_t rows, model::SpanBatch& batch);

/// Ascending rows below a limit, as gaps.
void encode_rows(std::span<const uint32_t> rows, uint32_t from, ChunkWriter& out);
/// `distinct`: no row twice.
std::vector<uint32_t> decode_rows(ChunkReader& in, size_t count, size_t limit, bool distinct);

}  // namespace vedette::store::engine
