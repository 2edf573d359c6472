// Columns as plain bytes, for the write-ahead log: written and read at the speed of memory. Numbers
// take the fewest bytes of 0, 1, 2, 4 and 8 that hold the largest of a column. docs/format/wal.md,
// "Columns".
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "model/attributes.h"
#include "model/ids.h"

namespace vedette::store::engine {

class PlainWriter : public base::ByteWriter {
 public:
  explicit PlainWriter(std::string& out) : ByteWriter(out), out_(out) {}

  /// Unsigned numbers and enums, or numbers that are small when taken as unsigned.
  template <typename T>
  void numbers(std::span<const T> values, unsigned min_width = 0) {
    uint64_t all = 0;
    for (const T v : values) all |= static_cast<uint64_t>(v);
    const unsigned width = std::max(min_width, width_of(all));
    fixed(static_cast<uint8_t>(width));
    narrow(values, width, 0);
  }
  /// Numbers that are near each other, such as times: the least of them, then the distances from
  /// it.
  void distances(std::span<const int64_t> values, unsigned min_width = 0);
  void trace_ids(std::span<const model::TraceId> ids);
  void doubles(std::span<const double> values) { raw(as_bytes(values)); }
  void strings(const model::StringTable& strings);
  void attributes(const model::AttributeColumns& attributes, size_t rows);
  void attribute_list(const model::AttributeList& list);

 private:
  static unsigned width_of(uint64_t all) {
    return all == 0 ? 0 : all < 1u << 8 ? 1 : all < 1u << 16 ? 2 : all < uint64_t{1} << 32 ? 4 : 8;
  }
  template <typename T>
  static std::string_view as_bytes(std::span<const T> values) {
    return {reinterpret_cast<const char*>(values.data()), values.size_bytes()};
  }
  template <typename T>
  void narrow(std::span<const T> values, unsigned width, uint64_t base);

  std::string& out_;
};

/// Nothing it gives is out of bounds: what does not fit makes ok() false.
class PlainReader : public base::ByteReader {
 public:
  explicit PlainReader(std::string_view in) : ByteReader(in) {}

  bool ok() const { return ByteReader::ok() && valid_; }
  void fail() { valid_ = false; }

  /// `count` numbers, each below `limit`.
  template <typename T>
  std::vector<T> numbers(size_t count, uint64_t limit = UINT64_MAX);
  std::vector<int64_t> distances(size_t count);
  std::vector<model::TraceId> trace_ids(size_t count);
  std::vector<double> doubles(size_t count);
  void strings(model::StringTable& strings);
  void attributes(model::AttributeColumns& attributes, size_t rows, size_t string_count);
  model::AttributeList attribute_list(size_t string_count);
  /// A count of things that take at least a byte each.
  size_t count() {
    const uint64_t n = varint();
    if (n > left()) fail();
    return ok() ? n : 0;
  }
  uint32_t index(size_t limit) {
    const uint64_t v = varint();
    if (v >= limit) fail();
    return ok() ? static_cast<uint32_t>(v) : 0;
  }

 private:
  model::Value value(size_t string_count);
  bool valid_ = true;
};

}  // namespace vedette::store::engine
