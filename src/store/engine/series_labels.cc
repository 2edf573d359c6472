#include "store/engine/series_labels.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/bytes.h"
#include "base/utf8.h"

namespace vedette::store::engine {
namespace {

constexpr size_t kLabelsMax = 256;
constexpr size_t kLabelSetBytesMax = 64 << 10;

/// One field of a protobuf message; `bytes` where it has a length.
struct Field {
  uint64_t number = 0;
  std::string_view bytes;
};

bool next_field(base::ByteReader& in, Field& field) {
  const uint64_t tag = in.varint();
  field = {tag >> 3, {}};
  switch (tag & 7) {
    case 0:
      in.varint();
      break;
    case 1:
      in.raw(8);
      break;
    case 2:
      field.bytes = in.bytes();
      break;
    case 5:
      in.raw(4);
      break;
    default:
      return false;
  }
  return in.ok() && field.number != 0;
}

/// Compares a with the range `a_hole` left out against b likewise, as bytes.
int compare_without(std::string_view a, const BucketLabel& a_hole, std::string_view b,
                    const BucketLabel& b_hole) {
  const std::string_view as[2] = {a.substr(0, a_hole.offset),
                                  a.substr(a_hole.offset + a_hole.length)};
  const std::string_view bs[2] = {b.substr(0, b_hole.offset),
                                  b.substr(b_hole.offset + b_hole.length)};
  std::string_view x = as[0], y = bs[0];
  for (int i = 0, j = 0;;) {
    if (x.empty() && i == 0) x = as[++i];
    if (y.empty() && j == 0) y = bs[++j];
    const size_t n = std::min(x.size(), y.size());
    if (n == 0) return x.empty() ? (y.empty() ? 0 : -1) : 1;
    if (const int c = x.substr(0, n).compare(y.substr(0, n)); c != 0) return c;
    x.remove_prefix(n);
    y.remove_prefix(n);
  }
}

double parse_bound(std::string_view text) {
  if (text == "+Inf" || text == "Inf") return HUGE_VAL;
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && !std::isnan(value) ? value
                                                                                        : -HUGE_VAL;
}

}  // namespace

bool split_canonical(std::string_view bytes, std::vector<LabelView>& out) {
  out.clear();
  base::ByteReader in(bytes);
  while (in.left() > 0) {
    const char* begin = in.position();
    if (in.fixed<char>() != 0x0a) return false;
    base::ByteReader pair(in.bytes());
    LabelView label;
    if (pair.fixed<char>() != 0x0a) return false;
    label.name = pair.bytes();
    if (pair.fixed<char>() != 0x12) return false;
    label.value = pair.bytes();
    if (!in.ok() || !pair.ok() || pair.left() != 0 || label.name.empty() || label.value.empty())
      return false;
    if (!out.empty() && out.back().name >= label.name) return false;
    label.field = {begin, static_cast<size_t>(in.position() - begin)};
    out.push_back(label);
  }
  return true;
}

Result<model::Labels> normalise_labels(std::string_view raw) {
  const auto bad = [](std::string why) { return Error{Code::kInvalidArgument, std::move(why)}; };
  if (raw.size() > kLabelSetBytesMax) return bad("a label set is larger than 64 KiB");
  std::vector<model::Label> labels;
  base::ByteReader in(raw);
  while (in.left() > 0) {
    Field field;
    if (!next_field(in, field)) return bad("a label set is not valid protobuf");
    if (field.number != 1) continue;
    model::Label label;
    base::ByteReader pair(field.bytes);
    while (pair.left() > 0) {
      Field part;
      if (!next_field(pair, part)) return bad("a label is not valid protobuf");
      if (part.number == 1) label.name = part.bytes;
      if (part.number == 2) label.value = part.bytes;
    }
    if (label.name.empty()) return bad("a label has no name");
    if (!base::is_utf8(label.name) || !base::is_utf8(label.value)) {
      return bad("the label \"" + base::sanitize_utf8(label.name) + "\" is not UTF-8");
    }
    labels.push_back(std::move(label));
    if (labels.size() > kLabelsMax) return bad("a series has more than 256 labels");
  }
  std::sort(labels.begin(), labels.end());
  for (size_t i = 1; i < labels.size(); ++i) {
    if (labels[i].name == labels[i - 1].name)
      return bad("the label \"" + labels[i].name + "\" is given twice");
  }
  model::Labels out = model::Labels::of(std::move(labels));
  if (out.metric_name().empty()) return bad("a series has no metric name (label __name__)");
  return out;
}

BucketLabel find_bucket_label(std::span<const LabelView> labels, std::string_view canonical) {
  for (const LabelView& label : labels) {
    if (label.name != "le") continue;
    return {static_cast<uint32_t>(label.field.data() - canonical.data()),
            static_cast<uint32_t>(label.field.size()), parse_bound(label.value)};
  }
  return {};
}

bool part_order_less(std::string_view a, const BucketLabel& a_le, std::string_view b,
                     const BucketLabel& b_le) {
  if (const int c = compare_without(a, a_le, b, b_le); c != 0) return c < 0;
  if (a_le.bound != b_le.bound) return a_le.bound < b_le.bound;
  return a < b;
}

}  // namespace vedette::store::engine
