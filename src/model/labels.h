// Prometheus label sets and their one canonical form.
//
// Canonical form: the label pairs sorted by name, each as a field 1 of remote write's TimeSeries
// message (prometheus/prompb/types.proto): 0x0a, length, 0x0a, length, name, 0x12, length, value;
// lengths as varints. So the label bytes of a well-behaved remote-write request are canonical as
// they stand: they are hashed and looked up without being parsed.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace vedette::model {

inline constexpr std::string_view kMetricName = "__name__";

struct Label {
  std::string name;
  std::string value;
  auto operator<=>(const Label&) const = default;
};

/// Sorted by name, no name twice, no empty value (in Prometheus an empty value is no label).
class Labels {
 public:
  Labels() = default;
  /// Sorts, drops empty values; of a name given twice the last wins.
  static Labels of(std::vector<Label> labels);
  /// From the canonical form; kInvalidArgument for anything that is not sorted, distinct and
  /// well-formed.
  static Result<Labels> parse(std::string_view canonical);

  std::string canonical() const;
  /// Empty where the label is missing.
  std::string_view get(std::string_view name) const;
  std::string_view metric_name() const { return get(kMetricName); }
  const std::vector<Label>& items() const { return items_; }
  bool empty() const { return items_.empty(); }
  size_t size() const { return items_.size(); }
  /// {a="b"} behind the metric name, as Prometheus writes it.
  std::string to_string() const;

  /// Prometheus's order: pair by pair, then by length.
  auto operator<=>(const Labels&) const = default;

  /// Changes one label; an empty value removes it.
  void set(std::string_view name, std::string_view value);

 private:
  std::vector<Label> items_;
};

/// [a-zA-Z_:][a-zA-Z0-9_:]*
bool is_legacy_metric_name(std::string_view name);
/// [a-zA-Z_][a-zA-Z0-9_]*
bool is_legacy_label_name(std::string_view name);

}  // namespace vedette::model
