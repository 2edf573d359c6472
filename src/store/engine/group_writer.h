// Writes groups: sorted rows to bytes. docs/format/row_part.md.
#pragma once

#include <string>

#include "model/log_batch.h"
#include "model/span_batch.h"

namespace vedette::store::engine {

/// Where a group lies in its part's file, and what a reader must know to pass it by.
struct GroupPlace {
  uint64_t offset = 0;
  uint64_t blocks_bytes = 0;  // its chunks; its description follows them
  uint32_t meta_packed = 0;   // bytes of the description
  uint32_t meta_size = 0;     // unpacked; equal: not packed
  uint64_t meta_checksum = 0;
  uint32_t rows = 0;
  uint32_t blocks = 0;
  int64_t min_ns = 0;
  int64_t max_ns = 0;
  int64_t first_start_ns = 0;  // of its first trace
};

/// `sorted`: rows of a trace together and by time, traces by start; not empty. Appends to `out`;
/// the place's offset is left 0.
GroupPlace encode_group(const model::SpanBatch& sorted, std::string& out);
GroupPlace encode_group(const model::LogBatch& sorted, std::string& out);

}  // namespace vedette::store::engine
