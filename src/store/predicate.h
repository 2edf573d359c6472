// What a reader asks rows for: conditions on spans and log records, and label matchers on series.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "model/ids.h"

namespace vedette::store {

/// Nanoseconds since 1970, half open: begin <= t < end.
struct TimeRange {
  int64_t begin_ns = std::numeric_limits<int64_t>::min();
  int64_t end_ns = std::numeric_limits<int64_t>::max();

  bool contains(int64_t t) const { return t >= begin_ns && t < end_ns; }
  bool overlaps(int64_t first, int64_t last) const { return last >= begin_ns && first < end_ns; }
};

enum class Field : uint8_t {
  kTraceId,  // any of `trace_ids`; for logs as for spans
  kSpanId,   // `number_u64`
  kService,  // service.name of the resource
  kScopeName,
  kAttribute,          // `key`: of the record itself, else of its resource
  kResourceAttribute,  // `key`: of the resource alone
  // spans only
  kSpanName,
  kKind,      // text: "server"
  kStatus,    // text: "error"
  kDuration,  // nanoseconds, number
  kRoot,      // span without a parent; op kExists or kNotExists
  // logs only
  kSeverity,  // OTLP severity number
  kBody,
  kEventName,
};

enum class Op : uint8_t {
  kEqual,
  kNotEqual,  // text as Value::to_string gives it; numbers by value if `number` is set
  kLess,
  kLessOrEqual,
  kGreater,
  kGreaterOrEqual,  // numbers only: a row whose value is no number does not match
  kRegex,
  kNotRegex,  // RE2, unanchored
  kContains,
  kNotContains,  // case-sensitive part of the text
  kWord,         // a whole word of the text, in any case
  kExists,
  kNotExists,
};

/// One condition; several of them are joined by AND. A missing value is the empty text: it
/// satisfies kNotEqual, kNotRegex, kNotContains and kNotExists.
struct Predicate {
  Field field = Field::kAttribute;
  std::string key;
  Op op = Op::kEqual;
  std::string text;
  std::optional<double> number;
  uint64_t number_u64 = 0;
  std::vector<model::TraceId> trace_ids;
};

enum class MatchOp : uint8_t { kEqual, kNotEqual, kRegex, kNotRegex };

/// A Prometheus label matcher; regular expressions are RE2, anchored at both ends. A missing label
/// is "".
struct Matcher {
  MatchOp op = MatchOp::kEqual;
  std::string name;
  std::string value;
};

}  // namespace vedette::store
