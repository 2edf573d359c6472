#include "store/engine/plain_columns.h"

namespace vedette::store::engine {

using model::AttributeColumn;
using model::AttributeColumns;
using model::AttributeList;
using model::StringId;
using model::StringTable;
using model::TraceId;
using model::Value;
using model::ValueType;

namespace {

enum AttributeFlags : uint8_t { kDense = 1, kOneType = 2 };

template <typename Narrow, typename T>
void copy_narrow(std::span<const T> values, uint64_t base, char* out) {
  for (size_t i = 0; i < values.size(); ++i) {
    const auto v = static_cast<Narrow>(static_cast<uint64_t>(values[i]) - base);
    std::memcpy(out + i * sizeof v, &v, sizeof v);
  }
}

template <typename Narrow, typename T>
uint64_t copy_wide(const char* in, uint64_t base, std::span<T> out) {
  uint64_t max = 0;
  for (size_t i = 0; i < out.size(); ++i) {
    Narrow v;
    std::memcpy(&v, in + i * sizeof v, sizeof v);
    max = std::max<uint64_t>(max, v);
    out[i] = static_cast<T>(base + v);
  }
  return max;
}

bool holds_text(ValueType type) {
  return type == ValueType::kString || type >= ValueType::kBytes;
}

}  // namespace

template <typename T>
void PlainWriter::narrow(std::span<const T> values, unsigned width, uint64_t base) {
  const size_t at = out_.size();
  out_.resize(at + values.size() * width);
  char* to = out_.data() + at;
  switch (width) {
    case 1:
      return copy_narrow<uint8_t>(values, base, to);
    case 2:
      return copy_narrow<uint16_t>(values, base, to);
    case 4:
      return copy_narrow<uint32_t>(values, base, to);
    case 8:
      return copy_narrow<uint64_t>(values, base, to);
    default:
      return;
  }
}
template void PlainWriter::narrow(std::span<const uint8_t>, unsigned, uint64_t);
template void PlainWriter::narrow(std::span<const uint32_t>, unsigned, uint64_t);
template void PlainWriter::narrow(std::span<const uint64_t>, unsigned, uint64_t);

void PlainWriter::distances(std::span<const int64_t> values, unsigned min_width) {
  int64_t least = values.empty() ? 0 : values[0];
  for (const int64_t v : values) least = std::min(least, v);
  uint64_t all = 0;
  for (const int64_t v : values) all |= static_cast<uint64_t>(v) - static_cast<uint64_t>(least);
  const unsigned width = std::max(min_width, width_of(all));
  fixed(static_cast<uint8_t>(width));
  fixed(least);
  narrow(values, width, static_cast<uint64_t>(least));
}

void PlainWriter::trace_ids(std::span<const TraceId> ids) {
  static_assert(sizeof(TraceId) == 16);
  raw(as_bytes(ids));
}

void PlainWriter::strings(const StringTable& strings) {
  varint(strings.size());
  std::vector<uint32_t> lengths(strings.size());
  for (StringId id = 0; id < strings.size(); ++id)
    lengths[id] = static_cast<uint32_t>(strings[id].size());
  numbers<uint32_t>(lengths);
  for (StringId id = 1; id < strings.size(); ++id) raw(strings[id]);
}

void PlainWriter::attributes(const AttributeColumns& attributes, size_t rows) {
  varint(attributes.columns().size());
  for (const AttributeColumn& column : attributes.columns()) {
    const bool dense = column.size() == rows;
    const bool one_type = std::all_of(column.types.begin(), column.types.end(),
                                      [&](ValueType t) { return t == column.types[0]; });
    varint(column.key);
    varint(column.size());
    fixed(static_cast<uint8_t>((dense ? kDense : 0) | (one_type ? kOneType : 0)));
    if (!dense) numbers<uint32_t>(column.rows);
    const auto* types = reinterpret_cast<const uint8_t*>(column.types.data());
    const size_t type_count = one_type ? std::min<size_t>(column.size(), 1) : column.size();
    raw({reinterpret_cast<const char*>(types), type_count});
    numbers<uint64_t>(column.bits, 1);
  }
}

void PlainWriter::attribute_list(const AttributeList& list) {
  varint(list.items.size());
  for (const AttributeList::Item& item : list.items) {
    varint(item.key);
    fixed(static_cast<uint8_t>(item.value.type));
    varint(item.value.bits);
  }
}

template <typename T>
std::vector<T> PlainReader::numbers(size_t count, uint64_t limit) {
  const auto width = fixed<uint8_t>();
  if (width > 8 || std::popcount(width) > 1) fail();
  const std::string_view from = raw(ok() ? count * width : 0);
  if (!ok()) return {};
  std::vector<T> out(count);
  uint64_t max = 0;
  switch (width) {
    case 1:
      max = copy_wide<uint8_t, T>(from.data(), 0, out);
      break;
    case 2:
      max = copy_wide<uint16_t, T>(from.data(), 0, out);
      break;
    case 4:
      max = copy_wide<uint32_t, T>(from.data(), 0, out);
      break;
    case 8:
      max = copy_wide<uint64_t, T>(from.data(), 0, out);
      break;
    default:
      break;
  }
  if (count > 0 && max >= limit) fail();
  return out;
}
template std::vector<uint8_t> PlainReader::numbers(size_t, uint64_t);
template std::vector<uint32_t> PlainReader::numbers(size_t, uint64_t);
template std::vector<uint64_t> PlainReader::numbers(size_t, uint64_t);
template std::vector<int64_t> PlainReader::numbers(size_t, uint64_t);

std::vector<int64_t> PlainReader::distances(size_t count) {
  const auto width = fixed<uint8_t>();
  const auto least = static_cast<uint64_t>(fixed<int64_t>());
  if (width > 8 || std::popcount(width) > 1) fail();
  const std::string_view from = raw(ok() ? count * width : 0);
  if (!ok()) return {};
  std::vector<int64_t> out(count, static_cast<int64_t>(least));
  switch (width) {
    case 1:
      copy_wide<uint8_t, int64_t>(from.data(), least, out);
      break;
    case 2:
      copy_wide<uint16_t, int64_t>(from.data(), least, out);
      break;
    case 4:
      copy_wide<uint32_t, int64_t>(from.data(), least, out);
      break;
    case 8:
      copy_wide<uint64_t, int64_t>(from.data(), least, out);
      break;
    default:
      break;
  }
  return out;
}

std::vector<TraceId> PlainReader::trace_ids(size_t count) {
  if (count > left() / sizeof(TraceId)) fail();
  if (!ok()) return {};
  std::vector<TraceId> out(count);
  const std::string_view from = raw(count * sizeof(TraceId));
  if (count > 0) std::memcpy(out.data(), from.data(), from.size());
  return out;
}

std::vector<double> PlainReader::doubles(size_t count) {
  if (count > left() / sizeof(double)) fail();
  if (!ok()) return {};
  std::vector<double> out(count);
  const std::string_view from = raw(count * sizeof(double));
  if (count > 0) std::memcpy(out.data(), from.data(), from.size());
  return out;
}

void PlainReader::strings(StringTable& strings) {
  const size_t n = count();
  const std::vector<uint32_t> lengths = numbers<uint32_t>(n);
  if (!ok() || n == 0 || lengths[0] != 0) return fail();
  for (size_t i = 1; i < n; ++i) {
    if (strings.intern(raw(lengths[i])) != i || !ok()) return fail();
  }
}

void PlainReader::attributes(AttributeColumns& attributes, size_t rows, size_t string_count) {
  const size_t columns = count();
  for (size_t c = 0; c < columns && ok(); ++c) {
    AttributeColumn column;
    column.key = index(string_count);
    const size_t n = count();
    const auto flags = fixed<uint8_t>();
    if (n > rows || (flags & kDense && n != rows) || attributes.find(column.key)) fail();
    if (!ok()) return;
    if (flags & kDense) {
      column.rows.resize(n);
      for (uint32_t i = 0; i < n; ++i) column.rows[i] = i;
    } else {
      column.rows = numbers<uint32_t>(n, rows);
      if (std::adjacent_find(column.rows.begin(), column.rows.end(), std::greater_equal<>()) !=
          column.rows.end()) {
        return fail();
      }
    }
    const std::string_view types = raw(flags & kOneType ? std::min<size_t>(n, 1) : n);
    column.bits = numbers<uint64_t>(n);
    if (!ok()) return;
    column.types.resize(n);
    for (size_t i = 0; i < n; ++i) {
      const auto type = static_cast<ValueType>(types[flags & kOneType ? 0 : i]);
      if (type > ValueType::kMap || (holds_text(type) && column.bits[i] >= string_count))
        return fail();
      column.types[i] = type;
    }
    attributes.add_column(std::move(column));
  }
}

AttributeList PlainReader::attribute_list(size_t string_count) {
  AttributeList list;
  const size_t n = count();
  for (size_t i = 0; i < n && ok(); ++i) {
    const StringId key = index(string_count);
    list.items.push_back({key, value(string_count)});
  }
  return list;
}

Value PlainReader::value(size_t string_count) {
  const auto type = static_cast<ValueType>(fixed<uint8_t>());
  const uint64_t bits = varint();
  if (type > ValueType::kMap || (holds_text(type) && bits >= string_count)) fail();
  return ok() ? Value{type, bits} : Value{};
}

}  // namespace vedette::store::engine
