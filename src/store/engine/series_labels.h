// Label sets in their encoded form (model/labels.h), looked at without making strings of them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/labels.h"

namespace vedette::store::engine {

/// A label pair inside encoded bytes.
struct LabelView {
  std::string_view name;
  std::string_view value;
  std::string_view field;  // the whole pair as it is encoded
};

/// False for bytes that are not a canonical label set.
bool split_canonical(std::string_view bytes, std::vector<LabelView>& out);

/// The label set that a writer meant by `raw`, any protobuf encoding of TimeSeries.labels.
/// kInvalidArgument, with a reason for people, where it can't be stored: malformed bytes, a name
/// twice, no metric name, text that is not UTF-8.
Result<model::Labels> normalise_labels(std::string_view raw);

/// Where the label `le` stands in a canonical label set (`labels` are its split_canonical).
struct BucketLabel {
  uint32_t offset = 0;
  uint32_t length = 0;  // of the encoded pair; 0: no such label
  double bound = 0;
};
BucketLabel find_bucket_label(std::span<const LabelView> labels, std::string_view canonical);

/// The order of series in parts: label sets that differ in `le` alone are neighbours, by the number
/// in `le`; the others lie by their encoded bytes, which puts the series of a metric side by side.
bool part_order_less(std::string_view a, const BucketLabel& a_le, std::string_view b,
                     const BucketLabel& b_le);

}  // namespace vedette::store::engine
