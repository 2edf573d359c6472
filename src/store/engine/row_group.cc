#include "store/engine/row_group.h"

#include "store/engine/plain_columns.h"

namespace vedette::store::engine {
namespace {

using model::Resource;
using model::Scope;
using model::Value;
using model::ValueType;

constexpr uint64_t kChunkBytesMax = 1u << 30;
constexpr uint32_t kBlockRowsMax = 1u << 17;

void put_columns(PlainWriter& w, const std::vector<GroupColumn>& columns) {
  w.varint(columns.size());
  for (const GroupColumn& c : columns) {
    w.fixed(static_cast<uint8_t>(c.id.field));
    w.varint(c.id.key);
    w.fixed(static_cast<uint8_t>(c.storage));
    w.fixed(c.types);
    w.varint(c.values.size());
    for (const Value& v : c.values) {
      w.fixed(static_cast<uint8_t>(v.type));
      w.varint(v.bits);
    }
  }
}

void get_columns(PlainReader& r, GroupMeta& meta) {
  const size_t columns = r.count();
  for (size_t i = 0; i < columns && r.ok(); ++i) {
    GroupColumn c;
    c.id.field = static_cast<FixedColumn>(r.fixed<uint8_t>());
    c.id.key = r.index(meta.strings.size());
    const auto storage = r.fixed<uint8_t>();
    if (storage > GroupColumn::kApart) r.fail();
    if (c.id.field > FixedColumn::kObserved && c.id.field != FixedColumn::kAttribute) r.fail();
    c.storage = static_cast<GroupColumn::Storage>(storage);
    c.types = r.fixed<uint8_t>();
    const size_t values = r.count();
    for (size_t v = 0; v < values && r.ok(); ++v) {
      Value value{static_cast<ValueType>(r.fixed<uint8_t>()), r.varint()};
      if (value.type > ValueType::kMap || (value.has_text() && value.bits >= meta.strings.size()))
        r.fail();
      c.values.push_back(value);
    }
    meta.columns.push_back(std::move(c));
  }
}

void put_shapes(PlainWriter& w, const std::vector<Shape>& shapes) {
  w.varint(shapes.size());
  for (const Shape& shape : shapes) {
    w.varint(shape.size());
    for (const ShapeEntry& entry : shape) {
      w.varint(entry.column);
      w.varint(entry.value);
    }
  }
}

void get_shapes(PlainReader& r, GroupMeta& meta) {
  const size_t shapes = r.count();
  for (size_t i = 0; i < shapes && r.ok(); ++i) {
    Shape& shape = meta.shapes.emplace_back();
    const size_t entries = r.count();
    for (size_t e = 0; e < entries && r.ok(); ++e) {
      const uint32_t column = r.index(meta.columns.size());
      const uint64_t value = r.varint();
      if (!r.ok()) return;
      const GroupColumn& c = meta.columns[column];
      const size_t limit = c.storage == GroupColumn::kJoined ? c.values.size() : 1;
      if (value >= limit || c.storage == GroupColumn::kApart ||
          (e > 0 && shape.back().column >= column))
        r.fail();
      shape.push_back({static_cast<uint16_t>(column), static_cast<uint16_t>(value)});
    }
  }
}

void put_block(PlainWriter& w, const BlockMeta& b) {
  w.varint(b.rows);
  w.fixed(b.min_ns);
  w.varint(static_cast<uint64_t>(b.max_ns) - static_cast<uint64_t>(b.min_ns));
  w.signed_varint(b.first_start_ns - b.min_ns);
  w.varint(static_cast<uint64_t>(b.min_duration_ns));
  w.varint(static_cast<uint64_t>(b.max_duration_ns));
  w.varint(b.shapes.size());
  uint32_t before = 0;
  for (const ShapeCount& s : b.shapes) {
    w.varint(s.shape - before);
    w.varint(s.rows);
    before = s.shape;
  }
  w.varint(b.chunks.size());
  for (const ChunkPlace& c : b.chunks) {
    w.varint(c.kind);
    w.varint(c.length);
    w.fixed(c.checksum);
  }
}

/// Chunks stand one behind the other, so their places follow from their lengths.
void get_block(PlainReader& r, GroupMeta& meta, uint64_t& offset) {
  BlockMeta& b = meta.blocks.emplace_back();
  b.rows = static_cast<uint32_t>(r.varint());
  b.min_ns = r.fixed<int64_t>();
  b.max_ns = static_cast<int64_t>(static_cast<uint64_t>(b.min_ns) + r.varint());
  b.first_start_ns = static_cast<int64_t>(static_cast<uint64_t>(b.min_ns) +
                                          static_cast<uint64_t>(r.signed_varint()));
  b.min_duration_ns = static_cast<int64_t>(r.varint());
  b.max_duration_ns = static_cast<int64_t>(r.varint());
  if (b.rows == 0 || b.rows > kBlockRowsMax || b.max_ns < b.min_ns) r.fail();
  const size_t shapes = r.count();
  uint64_t shape = 0;
  for (size_t i = 0; i < shapes && r.ok(); ++i) {
    shape += r.varint();
    if (shape >= meta.shapes.size()) return r.fail();
    b.shapes.push_back({static_cast<uint16_t>(shape), static_cast<uint32_t>(r.varint())});
  }
  const size_t chunks = r.count();
  for (size_t i = 0; i < chunks && r.ok(); ++i) {
    ChunkPlace c;
    c.kind = static_cast<uint32_t>(r.varint());
    const uint64_t length = r.varint();
    c.checksum = r.fixed<uint32_t>();
    if (length > kChunkBytesMax ||
        (c.kind >= kFirstColumn && c.kind - kFirstColumn >= meta.columns.size()))
      r.fail();
    c.length = static_cast<uint32_t>(length);
    c.offset = offset;
    offset += length;
    b.chunks.push_back(c);
  }
}

}  // namespace

const ChunkPlace* BlockMeta::find(uint32_t kind) const {
  for (const ChunkPlace& c : chunks) {
    if (c.kind == kind) return &c;
  }
  return nullptr;
}

std::optional<uint32_t> GroupMeta::find_column(ColumnId id) const {
  for (uint32_t i = 0; i < columns.size(); ++i) {
    if (columns[i].id == id) return i;
  }
  return std::nullopt;
}

std::string GroupMeta::encode() const {
  std::string out;
  PlainWriter w(out);
  w.strings(strings);
  w.varint(services.size());
  for (const model::StringId s : services) w.varint(s);
  w.varint(resources.size());
  for (size_t i = 0; i < resources.size(); ++i) {
    w.varint(service_of_resource[i]);
    w.varint(resources[i].schema_url);
    w.attribute_list(resources[i].attributes);
  }
  w.varint(scopes.size());
  for (const Scope& s : scopes) {
    w.varint(s.name);
    w.varint(s.version);
    w.varint(s.schema_url);
    w.attribute_list(s.attributes);
  }
  put_columns(w, columns);
  put_shapes(w, shapes);
  w.varint(blocks.size());
  for (const BlockMeta& b : blocks) put_block(w, b);
  return out;
}

Result<GroupMeta> GroupMeta::decode(std::string_view bytes) {
  GroupMeta meta;
  PlainReader r(bytes);
  r.strings(meta.strings);
  const size_t texts = meta.strings.size();
  const size_t services = r.count();
  for (size_t i = 0; i < services && r.ok(); ++i) meta.services.push_back(r.index(texts));
  const size_t resources = r.count();
  for (size_t i = 0; i < resources && r.ok(); ++i) {
    const uint32_t service = r.index(services);
    if (!r.ok()) break;
    Resource resource;
    resource.service = meta.services[service];
    resource.schema_url = r.index(texts);
    resource.attributes = r.attribute_list(texts);
    meta.resources.push_back(std::move(resource));
    meta.service_of_resource.push_back(service);
  }
  const size_t scopes = r.count();
  for (size_t i = 0; i < scopes && r.ok(); ++i) {
    Scope scope;
    scope.name = r.index(texts);
    scope.version = r.index(texts);
    scope.schema_url = r.index(texts);
    scope.attributes = r.attribute_list(texts);
    meta.scopes.push_back(std::move(scope));
  }
  if (r.ok()) get_columns(r, meta);
  if (r.ok()) get_shapes(r, meta);
  const size_t blocks = r.ok() ? r.count() : 0;
  uint64_t offset = 0;
  for (size_t i = 0; i < blocks && r.ok(); ++i) get_block(r, meta, offset);
  if (!r.ok() || r.left() != 0)
    return Error{Code::kCorruption, "a group's description does not follow its format"};
  return meta;
}

}  // namespace vedette::store::engine
