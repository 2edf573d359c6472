// The columns of a block of samples, to bytes and back (docs/format/sample_part.md, "Values" and
// "Times").
//
// Values that are decimal numbers of few digits become integers, their differences bit-packed 64 by
// 64; others keep the differences of their bits. Every value comes back bit for bit, NaNs included.
// Pure functions, thread-safe; decoders take any bytes and refuse what they can't read.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace vedette::store::engine {

inline constexpr size_t kBlockSamplesMax = 2048;

/// Appends `values`, 1 to kBlockSamplesMax of them, to `out`.
void encode_values(std::span<const double> values, std::string& out);
/// Reads out.size() values from the beginning of `in`. False: malformed.
bool decode_values(std::string_view in, std::span<double> out);

/// Appends `times`, ascending and distinct, to `out`.
void encode_times(std::span<const int64_t> times, std::string& out);
/// Reads out.size() times from the beginning of `in`. False: malformed or not ascending.
bool decode_times(std::string_view in, std::span<int64_t> out);

}  // namespace vedette::store::engine
