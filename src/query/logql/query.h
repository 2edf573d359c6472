// What a LogQL query says, once parsed. The part of LogQL that is understood: stream selectors,
// line filters and label filters joined by "and", and constant arithmetic, which Grafana asks to
// see whether we live. Language: grafana.com/docs/loki, "LogQL: log query language".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "store/predicate.h"

namespace vedette::logql {

enum class LineOp : uint8_t { kContains, kNotContains, kRegex, kNotRegex };

struct LineFilter {
  LineOp op = LineOp::kContains;
  std::string text;
};

enum class LabelOp : uint8_t {
  kEqual,
  kNotEqual,
  kRegex,
  kNotRegex,
  kLess,
  kLessOrEqual,
  kGreater,
  kGreaterOrEqual
};

/// `| name op value`; a number where the value has no quotes.
struct LabelFilter {
  std::string name;
  LabelOp op = LabelOp::kEqual;
  std::string text;
  std::optional<double> number;
};

/// All must hold, whatever their order.
struct LogQuery {
  std::vector<store::Matcher> stream;
  std::vector<LineFilter> lines;
  std::vector<LabelFilter> labels;
};

/// vector(1) + vector(1): a vector of one sample without labels. 1 + 1: a scalar.
struct Constant {
  double value = 0;
  bool is_vector = false;
};

using Query = std::variant<LogQuery, Constant>;

/// As one would write it, in one canonical way.
std::string to_string(const Query& query);

}  // namespace vedette::logql
