#include "wire/label_builder.h"

#include <algorithm>

#include "base/bytes.h"

namespace vedette::wire {
namespace {

size_t varint_size(uint64_t v) {
  size_t n = 1;
  for (; v >= 0x80; v >>= 7) ++n;
  return n;
}

}  // namespace

void append_label(std::string& out, std::string_view name, std::string_view value) {
  base::ByteWriter w(out);
  w.fixed('\x0a');
  w.varint(2 + varint_size(name.size()) + name.size() + varint_size(value.size()) + value.size());
  w.fixed('\x0a');
  w.bytes(name);
  w.fixed('\x12');
  w.bytes(value);
}

void LabelBuilder::put(std::string_view name, std::string_view value, bool replaces) {
  if (name.empty() || value.empty()) return;
  Item item{};
  item.name = static_cast<uint32_t>(text_.size());
  item.name_size = static_cast<uint32_t>(name.size());
  text_.append(name);
  item.value = static_cast<uint32_t>(text_.size());
  item.value_size = static_cast<uint32_t>(value.size());
  text_.append(value);
  item.replaces = replaces;
  items_.push_back(item);
}

std::string_view LabelBuilder::canonical() {
  sorted_ = items_;
  std::stable_sort(sorted_.begin(), sorted_.end(),
                   [this](const Item& a, const Item& b) { return name(a) < name(b); });
  out_.clear();
  had_duplicates_ = false;
  for (size_t i = 0; i < sorted_.size();) {
    const std::string_view label = name(sorted_[i]);
    size_t end = i + 1;
    while (end < sorted_.size() && name(sorted_[end]) == label) ++end;
    std::string_view text = value(sorted_[i]);
    if (end - i > 1) {
      had_duplicates_ = true;
      joined_.clear();
      for (size_t k = i; k < end; ++k) {
        if (sorted_[k].replaces) joined_.clear();
        if (!joined_.empty()) joined_ += ';';
        joined_ += value(sorted_[k]);
        if (sorted_[k].replaces) break;
      }
      text = joined_;
    }
    append_label(out_, label, text);
    i = end;
  }
  return out_;
}

}  // namespace vedette::wire
