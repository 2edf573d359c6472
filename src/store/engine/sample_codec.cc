#include "store/engine/sample_codec.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "base/bytes.h"
#include "store/engine/sample_bits.h"

namespace vedette::store::engine {
namespace {

enum Kind : uint8_t { kConstant = 0, kDecimal = 1, kBits = 2 };
constexpr uint8_t kKindMask = 0x03;
constexpr uint8_t kSigned = 0x04;      // differences are zigzag
constexpr uint8_t kExceptions = 0x08;  // values that are not decimal follow the differences

constexpr std::array<double, 13> kPowers = {1e0, 1e1, 1e2, 1e3,  1e4,  1e5, 1e6,
                                            1e7, 1e8, 1e9, 1e10, 1e11, 1e12};
constexpr double kIntegerMax = 9007199254740992.0;  // 2^53: beyond it doubles skip integers

uint64_t bits_of(double v) {
  return std::bit_cast<uint64_t>(v);
}

/// The integer that gives exactly `v` when divided by 10^exponent; false if there is none.
bool to_integer(double v, size_t exponent, int64_t& out) {
  const double scaled = v * kPowers[exponent];
  if (!(std::fabs(scaled) < kIntegerMax)) return false;  // NaN too
  out = static_cast<int64_t>(scaled + (scaled < 0 ? -0.5 : 0.5));
  return bits_of(static_cast<double>(out) / kPowers[exponent]) == bits_of(v);
}

/// Scratch of one encoding or decoding; too large to be put on the stack again and again.
struct Scratch {
  std::array<int64_t, kBlockSamplesMax> integers;
  std::array<uint64_t, kBlockSamplesMax> deltas;
  std::vector<uint32_t> exceptions;
};
Scratch& scratch() {
  thread_local Scratch s;
  return s;
}

/// Integers of all values that have one at the smallest exponent that serves, in `s.integers`; the
/// places of the others in `s.exceptions`. False: too many of those, or not decimal at all.
bool to_decimal(std::span<const double> values, Scratch& s, size_t& exponent) {
  const size_t exceptions_max = std::max<size_t>(2, values.size() / 8);
  exponent = 0;
  size_t skipped = 0;
  for (double v : values) {
    int64_t integer;
    if (to_integer(v, exponent, integer)) continue;
    size_t e = exponent + 1;
    if (std::isfinite(v) && bits_of(v) != bits_of(-0.0)) {
      while (e < kPowers.size() && !to_integer(v, e, integer)) ++e;
    } else {
      e = kPowers.size();
    }
    if (e < kPowers.size()) {
      exponent = e;
    } else if (++skipped > exceptions_max) {
      return false;
    }
  }
  s.exceptions.clear();
  int64_t last = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    if (to_integer(values[i], exponent, s.integers[i])) {
      last = s.integers[i];
    } else {
      s.integers[i] = last;
      s.exceptions.push_back(static_cast<uint32_t>(i));
      if (s.exceptions.size() > exceptions_max) return false;
    }
  }
  return true;
}

/// Appends the differences of s.integers: what they have in common first, then the packed rest.
/// Gives the flag to set.
uint8_t encode_deltas(size_t count, Scratch& s, std::string& out) {
  uint64_t all = 0;
  bool is_signed = false;
  for (size_t i = 1; i < count; ++i) {
    const uint64_t delta =
        static_cast<uint64_t>(s.integers[i]) - static_cast<uint64_t>(s.integers[i - 1]);
    s.deltas[i - 1] = delta;
    all |= delta;
    is_signed |= static_cast<int64_t>(delta) < 0;
  }
  const int shift = all == 0 ? 0 : std::countr_zero(all);
  out += static_cast<char>(shift);
  const std::span<uint64_t> deltas(s.deltas.data(), count - 1);
  for (uint64_t& delta : deltas) {
    const int64_t value = static_cast<int64_t>(delta) >> shift;
    delta = is_signed ? base::zigzag(value) : static_cast<uint64_t>(value);
  }
  pack_bits(deltas, out);
  return is_signed ? kSigned : 0;
}

bool decode_deltas(base::ByteReader& in, bool is_signed, int64_t first, size_t count, Scratch& s) {
  const auto shift = in.fixed<uint8_t>();
  if (shift > 63 || !unpack_bits(in, {s.deltas.data(), count - 1})) return false;
  auto value = static_cast<uint64_t>(first);
  s.integers[0] = first;
  for (size_t i = 1; i < count; ++i) {
    const uint64_t delta = s.deltas[i - 1];
    value += (is_signed ? static_cast<uint64_t>(base::unzigzag(delta)) : delta) << shift;
    s.integers[i] = static_cast<int64_t>(value);
  }
  return true;
}

void encode_decimal(std::span<const double> values, size_t exponent, Scratch& s, std::string& out) {
  base::ByteWriter w(out);
  const size_t kind_at = out.size();
  w.fixed(uint8_t{kDecimal});
  w.fixed(static_cast<uint8_t>(exponent));
  w.signed_varint(s.integers[0]);
  uint8_t kind = kDecimal | encode_deltas(values.size(), s, out);
  if (!s.exceptions.empty()) {
    kind |= kExceptions;
    w.varint(s.exceptions.size());
    uint32_t last = 0;
    for (uint32_t place : s.exceptions) {
      w.varint(place - last);
      w.fixed(bits_of(values[place]));
      last = place;
    }
  }
  out[kind_at] = static_cast<char>(kind);
}

bool decode_decimal(base::ByteReader& in, uint8_t kind, std::span<double> out) {
  Scratch& s = scratch();
  const auto exponent = in.fixed<uint8_t>();
  const int64_t first = in.signed_varint();
  if (exponent >= kPowers.size() || !decode_deltas(in, kind & kSigned, first, out.size(), s))
    return false;
  if (exponent == 0) {
    for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<double>(s.integers[i]);
  } else {
    const double power = kPowers[exponent];
    for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<double>(s.integers[i]) / power;
  }
  if (kind & kExceptions) {
    uint64_t place = 0;
    for (uint64_t left = in.varint(); left > 0 && in.ok(); --left) {
      place += in.varint();
      if (place >= out.size()) return false;
      out[place] = std::bit_cast<double>(in.fixed<uint64_t>());
    }
  }
  return in.ok();
}

}  // namespace

void encode_values(std::span<const double> values, std::string& out) {
  base::ByteWriter w(out);
  const uint64_t first = bits_of(values[0]);
  if (std::all_of(values.begin(), values.end(),
                  [first](double v) { return bits_of(v) == first; })) {
    w.fixed(uint8_t{kConstant});
    w.fixed(first);
    return;
  }
  Scratch& s = scratch();
  size_t exponent = 0;
  if (to_decimal(values, s, exponent)) return encode_decimal(values, exponent, s, out);
  for (size_t i = 0; i < values.size(); ++i) s.integers[i] = std::bit_cast<int64_t>(values[i]);
  const size_t kind_at = out.size();
  w.fixed(uint8_t{kBits});
  w.fixed(first);
  out[kind_at] = static_cast<char>(kBits | encode_deltas(values.size(), s, out));
}

bool decode_values(std::string_view bytes, std::span<double> out) {
  if (out.empty() || out.size() > kBlockSamplesMax) return false;
  base::ByteReader in(bytes);
  const auto kind = in.fixed<uint8_t>();
  switch (kind & kKindMask) {
    case kConstant:
      std::fill(out.begin(), out.end(), std::bit_cast<double>(in.fixed<uint64_t>()));
      return in.ok();
    case kDecimal:
      return decode_decimal(in, kind, out);
    case kBits: {
      Scratch& s = scratch();
      const auto first = in.fixed<int64_t>();
      if (!decode_deltas(in, kind & kSigned, first, out.size(), s)) return false;
      std::transform(s.integers.begin(), s.integers.begin() + static_cast<ptrdiff_t>(out.size()),
                     out.begin(), [](int64_t bits) { return std::bit_cast<double>(bits); });
      return in.ok();
    }
    default:
      return false;
  }
}

void encode_times(std::span<const int64_t> times, std::string& out) {
  base::ByteWriter w(out);
  w.signed_varint(times[0]);
  if (times.size() == 1) return;
  uint64_t smallest = UINT64_MAX;
  for (size_t i = 1; i < times.size(); ++i) {
    smallest =
        std::min(smallest, static_cast<uint64_t>(times[i]) - static_cast<uint64_t>(times[i - 1]));
  }
  w.varint(smallest);
  Scratch& s = scratch();
  for (size_t i = 1; i < times.size(); ++i) {
    s.deltas[i - 1] =
        static_cast<uint64_t>(times[i]) - static_cast<uint64_t>(times[i - 1]) - smallest;
  }
  pack_bits({s.deltas.data(), times.size() - 1}, out);
}

bool decode_times(std::string_view bytes, std::span<int64_t> out) {
  if (out.empty() || out.size() > kBlockSamplesMax) return false;
  base::ByteReader in(bytes);
  out[0] = in.signed_varint();
  if (out.size() == 1) return in.ok();
  const uint64_t smallest = in.varint();
  Scratch& s = scratch();
  if (!unpack_bits(in, {s.deltas.data(), out.size() - 1})) return false;
  for (size_t i = 1; i < out.size(); ++i) {
    const auto last = static_cast<uint64_t>(out[i - 1]);
    out[i] = static_cast<int64_t>(last + smallest + s.deltas[i - 1]);
    if (out[i] <= out[i - 1]) return false;
  }
  return in.ok();
}

}  // namespace vedette::store::engine
