#include "store/engine/value_codec.h"

#include <unordered_map>

#include "store/engine/int_codec.h"
#include "store/engine/text_codec.h"

namespace vedette::store::engine {
namespace {

using model::StringId;
using model::StringTable;
using model::ValueType;

constexpr size_t kTypes = 8;
constexpr size_t kSample = 256;
constexpr int kDecimalsMax = 6;
constexpr double kPowers[kDecimalsMax + 1] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6};

enum IntMode : uint8_t { kDirect, kReferences };
enum DoubleMode : uint8_t { kDecimal, kRaw };

void put_texts(std::span<const uint64_t> bits, const StringTable& strings, FirstUse& scratch,
               ChunkWriter& out, std::vector<StringId>* texts) {
  const std::vector<uint32_t> keys(bits.begin(), bits.end());
  std::vector<uint32_t> firsts;
  encode_references(keys, strings.size(), scratch, out, firsts);
  std::vector<std::string_view> distinct;
  distinct.reserve(firsts.size());
  for (const uint32_t at : firsts) distinct.push_back(strings[keys[at]]);
  encode_texts(distinct, out);
  if (!texts) return;
  for (const uint32_t at : firsts) texts->push_back(keys[at]);
}

/// Do the first values repeat so much that naming them by first use pays?
bool repeats(std::span<const int64_t> values) {
  std::vector<int64_t> sample(
      values.begin(), values.begin() + static_cast<ptrdiff_t>(std::min(kSample, values.size())));
  std::sort(sample.begin(), sample.end());
  const auto distinct = std::unique(sample.begin(), sample.end()) - sample.begin();
  return static_cast<size_t>(distinct) * 3 < sample.size() * 2;
}

void put_ints(std::span<const uint64_t> bits, FirstUse& scratch, ChunkWriter& out) {
  const std::vector<int64_t> values(bits.begin(), bits.end());
  if (!repeats(values)) {
    out.meta_writer().fixed(static_cast<uint8_t>(kDirect));
    return encode_ints(values, IntKind::kNoise, out);
  }
  out.meta_writer().fixed(static_cast<uint8_t>(kReferences));
  std::unordered_map<int64_t, uint32_t> numbers;
  std::vector<uint32_t> keys(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    keys[i] = numbers.try_emplace(values[i], static_cast<uint32_t>(numbers.size())).first->second;
  }
  std::vector<uint32_t> firsts;
  encode_references(keys, numbers.size(), scratch, out, firsts);
  std::vector<int64_t> distinct;
  for (const uint32_t at : firsts) distinct.push_back(values[at]);
  encode_ints(distinct, IntKind::kNoise, out);
}

/// How many decimals make all of them whole numbers that give the same doubles back; nothing if
/// none do.
std::optional<int> decimals_of(std::span<const uint64_t> bits) {
  int decimals = 0;
  const auto fits = [&](double v) {
    const double scaled = v * kPowers[decimals];
    if (!(std::fabs(scaled) < 9e15)) return false;
    return std::bit_cast<uint64_t>(static_cast<double>(std::llround(scaled)) / kPowers[decimals]) ==
           std::bit_cast<uint64_t>(v);
  };
  for (size_t pass = 0; pass < 2; ++pass) {
    for (const uint64_t b : bits) {
      while (!fits(std::bit_cast<double>(b))) {
        if (pass == 1 || ++decimals > kDecimalsMax) return std::nullopt;
      }
    }
  }
  return decimals;
}

void put_doubles(std::span<const uint64_t> bits, ChunkWriter& out) {
  const std::optional<int> decimals = decimals_of(bits);
  out.meta_writer().fixed(static_cast<uint8_t>(decimals ? kDecimal : kRaw));
  if (!decimals) {
    for (const uint64_t b : bits) out.bits.put(b, 64);
    return;
  }
  out.meta_writer().fixed(static_cast<uint8_t>(*decimals));
  std::vector<int64_t> scaled;
  scaled.reserve(bits.size());
  for (const uint64_t b : bits)
    scaled.push_back(std::llround(std::bit_cast<double>(b) * kPowers[*decimals]));
  encode_ints(scaled, IntKind::kNoise, out);
}

void put_type(ValueType type, std::span<const uint64_t> bits, const StringTable& strings,
              FirstUse& scratch, ChunkWriter& out, std::vector<StringId>* texts) {
  switch (type) {
    case ValueType::kEmpty:
      return;
    case ValueType::kBool:
      return encode_unsigned<uint64_t>(bits, IntKind::kCodes, out);
    case ValueType::kInt:
      return put_ints(bits, scratch, out);
    case ValueType::kDouble:
      return put_doubles(bits, out);
    default:
      return put_texts(bits, strings, scratch, out, type == ValueType::kString ? texts : nullptr);
  }
}

std::vector<uint64_t> get_texts(ChunkReader& in, size_t count, StringTable& strings) {
  std::vector<uint64_t> bits;
  std::vector<uint32_t> numbers(count);
  const size_t distinct = decode_references(in, numbers);
  const std::vector<StringId> ids = decode_texts(in, distinct, strings);
  if (!in.ok() || ids.size() != distinct) return in.fail(), bits;
  bits.reserve(count);
  for (const uint32_t n : numbers) bits.push_back(ids[n]);
  return bits;
}

std::vector<uint64_t> get_ints(ChunkReader& in, size_t count) {
  const auto mode = in.meta.fixed<uint8_t>();
  if (mode == kDirect) {
    std::vector<int64_t> values(count);
    decode_ints(in, values);
    return {values.begin(), values.end()};
  }
  std::vector<uint32_t> numbers(count);
  std::vector<int64_t> distinct(decode_references(in, numbers));
  decode_ints(in, distinct);
  std::vector<uint64_t> bits;
  if (mode != kReferences || !in.ok()) return in.fail(), bits;
  for (const uint32_t n : numbers) bits.push_back(static_cast<uint64_t>(distinct[n]));
  return bits;
}

std::vector<uint64_t> get_doubles(ChunkReader& in, size_t count) {
  std::vector<uint64_t> bits;
  const auto mode = in.meta.fixed<uint8_t>();
  if (mode == kRaw && in.bits.bits_left() / 64 >= count) {
    for (size_t i = 0; i < count; ++i) bits.push_back(in.bits.get(64));
    return bits;
  }
  const auto decimals = in.meta.fixed<uint8_t>();
  std::vector<int64_t> scaled(count);
  decode_ints(in, scaled);
  if (mode != kDecimal || decimals > kDecimalsMax || !in.ok()) return in.fail(), bits;
  for (const int64_t v : scaled)
    bits.push_back(std::bit_cast<uint64_t>(static_cast<double>(v) / kPowers[decimals]));
  return bits;
}

std::vector<uint64_t> get_type(ValueType type, ChunkReader& in, size_t count,
                               StringTable& strings) {
  switch (type) {
    case ValueType::kEmpty:
      return std::vector<uint64_t>(count);
    case ValueType::kBool: {
      std::vector<uint64_t> bits(count);
      decode_below<uint64_t>(in, bits, 2);
      return bits;
    }
    case ValueType::kInt:
      return get_ints(in, count);
    case ValueType::kDouble:
      return get_doubles(in, count);
    default:
      return get_texts(in, count, strings);
  }
}

}  // namespace

void encode_references(std::span<const uint32_t> keys, size_t key_limit, FirstUse& scratch,
                       ChunkWriter& out, std::vector<uint32_t>& firsts) {
  scratch.begin(key_limit);
  std::vector<int64_t> distances(keys.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    const auto [number, fresh] = scratch(keys[i]);
    if (fresh) firsts.push_back(static_cast<uint32_t>(i));
    distances[i] = fresh ? 0 : scratch.count() - number;
  }
  encode_ints(distances, IntKind::kCodes, out);
}

size_t decode_references(ChunkReader& in, std::span<uint32_t> numbers) {
  std::vector<int64_t> distances(numbers.size());
  decode_ints(in, distances);
  uint32_t count = 0;
  for (size_t i = 0; i < distances.size(); ++i) {
    if (static_cast<uint64_t>(distances[i]) > count) return in.fail(), 0;
    numbers[i] = distances[i] == 0 ? count++ : count - static_cast<uint32_t>(distances[i]);
  }
  return count;
}

void encode_values(ValueSpan values, const StringTable& strings, FirstUse& scratch,
                   ChunkWriter& out, std::vector<StringId>* texts) {
  if (values.types.empty()) return;
  std::vector<uint64_t> of_type[kTypes];
  const bool one = std::all_of(values.types.begin(), values.types.end(),
                               [&](auto t) { return t == values.types[0]; });
  out.meta_writer().fixed(
      static_cast<uint8_t>(one ? 1 + static_cast<uint8_t>(values.types[0]) : 0));
  if (one) return put_type(values.types[0], values.bits, strings, scratch, out, texts);
  for (size_t i = 0; i < values.types.size(); ++i) {
    out.symbols += static_cast<char>(values.types[i]);
    of_type[static_cast<size_t>(values.types[i])].push_back(values.bits[i]);
  }
  for (size_t t = 0; t < kTypes; ++t) {
    if (!of_type[t].empty())
      put_type(static_cast<ValueType>(t), of_type[t], strings, scratch, out, texts);
  }
}

void decode_values(ChunkReader& in, size_t count, StringTable& strings,
                   std::vector<ValueType>& types, std::vector<uint64_t>& bits) {
  if (count == 0) return;
  const auto head = in.meta.fixed<uint8_t>();
  if (head > kTypes) return in.fail();
  if (head > 0) {
    types.assign(count, static_cast<ValueType>(head - 1));
    bits = get_type(types[0], in, count, strings);
    if (bits.size() != count) in.fail();
    return;
  }
  const std::string_view plane = in.symbols.raw(count);
  size_t uses[kTypes] = {};
  if (plane.size() != count) return in.fail();
  for (const char c : plane) {
    if (static_cast<unsigned char>(c) >= kTypes) return in.fail();
    types.push_back(static_cast<ValueType>(c));
    ++uses[static_cast<size_t>(c)];
  }
  std::vector<uint64_t> of_type[kTypes];
  for (size_t t = 0; t < kTypes; ++t) {
    if (uses[t] == 0) continue;
    of_type[t] = get_type(static_cast<ValueType>(t), in, uses[t], strings);
    if (of_type[t].size() != uses[t] || !in.ok()) return in.fail();
  }
  size_t next[kTypes] = {};
  for (const ValueType type : types) {
    const auto t = static_cast<size_t>(type);
    bits.push_back(of_type[t][next[t]++]);
  }
}

}  // namespace vedette::store::engine
