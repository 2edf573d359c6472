// A group: some ten thousand rows of a part with one dictionary, in blocks of whole traces. This is
// what is known of a group without reading its blocks. docs/format/row_part.md, "Groups".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/attributes.h"
#include "store/engine/shapes.h"

namespace vedette::store::engine {

/// Columns that are no attributes. The numbers are part of the format.
enum class FixedColumn : uint8_t {
  kName = 0,
  kKind = 1,
  kStatus = 2,
  kStatusMessage = 3,
  kTraceState = 4,
  kFlags = 5,
  kScope = 6,
  kService = 7,  // as an index into GroupMeta::services
  kDroppedAttributes = 8,
  kDroppedEvents = 9,
  kDroppedLinks = 10,
  kSeverity = 11,
  kSeverityText = 12,
  kBody = 13,
  kEventName = 14,
  kObserved = 15,  // nanoseconds after the record's own time
  kAttribute = 255,
};

struct ColumnId {
  FixedColumn field = FixedColumn::kAttribute;
  model::StringId key = 0;  // kAttribute
  bool operator==(const ColumnId&) const = default;
};

struct GroupColumn {
  ColumnId id;
  enum Storage : uint8_t {
    kJoined = 0,    // values are in the shapes
    kPresence = 1,  // the shapes tell which rows have a value; values are in a chunk
    kApart = 2,     // all in a chunk
  } storage = kApart;
  uint8_t types = 0;                 // bit set of ValueType
  std::vector<model::Value> values;  // kJoined: by ShapeEntry::value
};

/// What chunks hold. Numbers from kFirstColumn on: the column with that index.
enum ChunkKind : uint32_t {
  kTraceChunk,
  kSpanIdChunk,
  kParentChunk,
  kTimeChunk,
  kDurationChunk,
  kShapeChunk,
  kResourceChunk,
  kEventChunk,
  kLinkChunk,
  kRestChunk,
  kTraceFilter,
  kValueFilter,
  kWordFilter,
  kFirstColumn = 16,
};

struct ChunkPlace {
  uint32_t kind = 0;
  uint32_t length = 0;
  uint64_t offset = 0;  // from the group's start
  uint32_t checksum = 0;
};

struct ShapeCount {
  uint16_t shape;
  uint32_t rows;
};

struct BlockMeta {
  uint32_t rows = 0;
  int64_t min_ns = 0;
  int64_t max_ns = 0;
  int64_t first_start_ns = 0;  // start of its first trace, by which traces are sorted
  int64_t min_duration_ns = 0;
  int64_t max_duration_ns = 0;
  std::vector<ShapeCount> shapes;  // ascending
  std::vector<ChunkPlace> chunks;  // by place in the file

  const ChunkPlace* find(uint32_t kind) const;
};

struct GroupMeta {
  model::StringTable strings;
  std::vector<model::Resource> resources;
  std::vector<uint32_t> service_of_resource;  // index into services
  std::vector<model::StringId> services;
  std::vector<model::Scope> scopes;
  std::vector<GroupColumn> columns;
  std::vector<Shape> shapes;
  std::vector<BlockMeta> blocks;

  std::string encode() const;
  /// kCorruption for what encode() does not write. All indices in the result are in range.
  static Result<GroupMeta> decode(std::string_view bytes);
  std::optional<uint32_t> find_column(ColumnId id) const;
};

}  // namespace vedette::store::engine
