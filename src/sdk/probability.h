// Consistent probability sampling: a threshold over the 56 random bits of a trace id, told to
// others in tracestate as "ot=th:…" (opentelemetry-specification,
// trace/tracestate-probability-sampling.md).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sdk/span_record.h"

namespace vedette::sdk {

/// A threshold of this means never; 0 means always.
constexpr uint64_t kThresholdMax = uint64_t{1} << 56;

/// Of a ratio from 0 to 1.
uint64_t threshold_of(double ratio);

/// The random bits of a trace id.
inline uint64_t randomness_of(const TraceId& id) {
  return id.low & (kThresholdMax - 1);
}

/// As "th" has it: hexadecimal without trailing zeros.
std::string threshold_text(uint64_t threshold);

/// A tracestate header with "th" in its "ot" member, which comes first as what was changed last;
/// everything else stays. A threshold of kThresholdMax takes "th" out.
std::string with_threshold(std::string_view header, uint64_t threshold);

}  // namespace vedette::sdk
