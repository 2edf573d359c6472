#include "store/engine/nested_codec.h"

#include "store/engine/int_codec.h"

namespace vedette::store::engine {
namespace {

using model::AttributeColumn;
using model::AttributeColumns;
using model::SpanBatch;
using model::StringId;
using model::StringTable;
using model::ValueType;

constexpr size_t kNestedMax = 1u << 24;  // of a block

/// Where in ascending `rows` those of the range lie.
RowRange slice(std::span<const uint32_t> rows, RowRange range) {
  const auto begin = std::lower_bound(rows.begin(), rows.end(), range.begin);
  const auto end = std::lower_bound(begin, rows.end(), range.end);
  return {static_cast<uint32_t>(begin - rows.begin()), static_cast<uint32_t>(end - rows.begin())};
}

template <typename T>
std::span<const T> part_of(const std::vector<T>& column, RowRange at) {
  return std::span(column).subspan(at.begin, at.end - at.begin);
}

std::vector<const AttributeColumn*> pointers(const AttributeColumns& attributes) {
  std::vector<const AttributeColumn*> columns;
  for (const AttributeColumn& c : attributes.columns()) columns.push_back(&c);
  return columns;
}

void put_texts(std::span<const StringId> ids, const StringTable& strings, FirstUse& scratch,
               ChunkWriter& out) {
  const std::vector<ValueType> types(ids.size(), ValueType::kString);
  const std::vector<uint64_t> bits(ids.begin(), ids.end());
  encode_values({types, bits}, strings, scratch, out);
}

std::vector<StringId> get_texts(ChunkReader& in, size_t count, StringTable& strings) {
  std::vector<ValueType> types;
  std::vector<uint64_t> bits;
  decode_values(in, count, strings, types, bits);
  const bool texts =
      std::all_of(types.begin(), types.end(), [](ValueType t) { return t == ValueType::kString; });
  if (!in.ok() || !texts) return in.fail(), std::vector<StringId>();
  return {bits.begin(), bits.end()};
}

/// The count of a nested table; 0 also when the chunk is bad.
size_t get_count(ChunkReader& in) {
  const uint64_t n = in.meta.varint();
  if (n > kNestedMax) in.fail();
  return in.ok() ? n : 0;
}

}  // namespace

void encode_rows(std::span<const uint32_t> rows, uint32_t from, ChunkWriter& out) {
  std::vector<int64_t> gaps(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    gaps[i] = rows[i] - from;
    from = rows[i];
  }
  encode_ints(gaps, IntKind::kCodes, out);
}

std::vector<uint32_t> decode_rows(ChunkReader& in, size_t count, size_t limit, bool distinct) {
  std::vector<int64_t> gaps(count);
  decode_ints(in, gaps);
  std::vector<uint32_t> rows(count);
  uint64_t row = 0;
  for (size_t i = 0; i < count; ++i) {
    if (gaps[i] < 0 || (distinct && i > 0 && gaps[i] == 0))
      return in.fail(), std::vector<uint32_t>();
    row += static_cast<uint64_t>(gaps[i]);
    if (row >= limit || !in.ok()) return in.fail(), std::vector<uint32_t>();
    rows[i] = static_cast<uint32_t>(row);
  }
  return rows;
}

void encode_attributes(std::span<const AttributeColumn* const> columns, RowRange rows,
                       const StringTable& strings, FirstUse& scratch, ChunkWriter& out) {
  std::vector<std::pair<const AttributeColumn*, RowRange>> used;
  for (const AttributeColumn* c : columns) {
    const RowRange at = slice(c->rows, rows);
    if (at.begin < at.end) used.push_back({c, at});
  }
  out.meta_writer().varint(used.size());
  for (const auto& [column, at] : used) {
    out.meta_writer().bytes(strings[column->key]);
    out.meta_writer().varint(at.end - at.begin);
    encode_rows(part_of(column->rows, at), rows.begin, out);
    encode_values({part_of(column->types, at), part_of(column->bits, at)}, strings, scratch, out);
  }
}

void decode_attributes(ChunkReader& in, size_t rows, StringTable& strings,
                       AttributeColumns& attributes) {
  const size_t columns = get_count(in);
  for (size_t i = 0; i < columns && in.ok(); ++i) {
    AttributeColumn column;
    column.key = strings.intern(in.meta.bytes());
    const uint64_t count = in.meta.varint();
    if (count > rows || attributes.find(column.key)) return in.fail();
    column.rows = decode_rows(in, count, rows, true);
    decode_values(in, count, strings, column.types, column.bits);
    if (in.ok()) attributes.add_column(std::move(column));
  }
}

void encode_events(const SpanBatch& b, RowRange rows, FirstUse& scratch, ChunkWriter& out) {
  const model::EventColumns& e = b.events;
  const RowRange at = slice(e.span_row, rows);
  if (at.begin == at.end) return;
  out.meta_writer().varint(at.end - at.begin);
  encode_rows(part_of(e.span_row, at), rows.begin, out);
  std::vector<int64_t> after_start;
  for (uint32_t i = at.begin; i < at.end; ++i) {
    after_start.push_back(static_cast<int64_t>(static_cast<uint64_t>(e.time_ns[i]) -
                                               static_cast<uint64_t>(b.start_ns[e.span_row[i]])));
  }
  encode_ints(after_start, IntKind::kNoise, out);
  put_texts(part_of(e.name, at), b.strings, scratch, out);
  encode_unsigned<uint32_t>(part_of(e.dropped_attributes, at), IntKind::kCodes, out);
  encode_attributes(pointers(e.attributes), at, b.strings, scratch, out);
}

void decode_events(ChunkReader& in, size_t rows, SpanBatch& b) {
  model::EventColumns& e = b.events;
  const size_t n = get_count(in);
  e.span_row = decode_rows(in, n, rows, false);
  e.time_ns.resize(n);
  decode_ints(in, e.time_ns);
  e.name = get_texts(in, n, b.strings);
  e.dropped_attributes.resize(n);
  decode_below<uint32_t>(in, e.dropped_attributes, uint64_t{1} << 32);
  decode_attributes(in, n, b.strings, e.attributes);
  if (!in.ok()) return;
  for (size_t i = 0; i < n; ++i) {
    e.time_ns[i] = static_cast<int64_t>(static_cast<uint64_t>(e.time_ns[i]) +
                                        static_cast<uint64_t>(b.start_ns[e.span_row[i]]));
  }
}

void encode_links(const SpanBatch& b, RowRange rows, FirstUse& scratch, ChunkWriter& out) {
  const model::LinkColumns& l = b.links;
  const RowRange at = slice(l.span_row, rows);
  if (at.begin == at.end) return;
  out.meta_writer().varint(at.end - at.begin);
  encode_rows(part_of(l.span_row, at), rows.begin, out);
  for (uint32_t i = at.begin; i < at.end; ++i) {
    out.bits.put(l.trace_id[i].hi, 64);
    out.bits.put(l.trace_id[i].lo, 64);
    out.bits.put(l.span_id[i], 64);
  }
  put_texts(part_of(l.trace_state, at), b.strings, scratch, out);
  encode_unsigned<uint32_t>(part_of(l.flags, at), IntKind::kCodes, out);
  encode_unsigned<uint32_t>(part_of(l.dropped_attributes, at), IntKind::kCodes, out);
  encode_attributes(pointers(l.attributes), at, b.strings, scratch, out);
}

void decode_links(ChunkReader& in, size_t rows, SpanBatch& b) {
  model::LinkColumns& l = b.links;
  const size_t n = get_count(in);
  if (in.bits.bits_left() / 192 < n) return in.fail();
  l.span_row = decode_rows(in, n, rows, false);
  for (size_t i = 0; i < n; ++i) {
    const uint64_t hi = in.bits.get(64);
    const uint64_t lo = in.bits.get(64);
    l.trace_id.push_back({hi, lo});
    l.span_id.push_back(in.bits.get(64));
  }
  l.trace_state = get_texts(in, n, b.strings);
  l.flags.resize(n);
  decode_below<uint32_t>(in, l.flags, uint64_t{1} << 32);
  l.dropped_attributes.resize(n);
  decode_below<uint32_t>(in, l.dropped_attributes, uint64_t{1} << 32);
  decode_attributes(in, n, b.strings, l.attributes);
}

}  // namespace vedette::store::engine
