#include "model/labels.h"

#include <algorithm>

#include "base/bytes.h"

namespace vedette::model {
namespace {

constexpr char kPairTag = 0x0a;
constexpr char kNameTag = 0x0a;
constexpr char kValueTag = 0x12;

size_t varint_size(uint64_t v) {
  size_t n = 1;
  for (; v >= 0x80; v >>= 7) ++n;
  return n;
}

bool is_name(std::string_view name, bool colon) {
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
  return std::all_of(name.begin(), name.end(), [colon](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           (colon && c == ':');
  });
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  out += '"';
}

}  // namespace

Labels Labels::of(std::vector<Label> labels) {
  std::stable_sort(labels.begin(), labels.end(),
                   [](const Label& a, const Label& b) { return a.name < b.name; });
  Labels out;
  for (Label& label : labels) {
    if (!out.items_.empty() && out.items_.back().name == label.name) out.items_.pop_back();
    out.items_.push_back(std::move(label));
  }
  std::erase_if(out.items_, [](const Label& label) { return label.value.empty(); });
  return out;
}

Result<Labels> Labels::parse(std::string_view canonical) {
  const auto malformed = [] {
    return Error{Code::kInvalidArgument, "label set is not in canonical form"};
  };
  Labels out;
  base::ByteReader in(canonical);
  while (in.left() > 0) {
    if (in.fixed<char>() != kPairTag) return malformed();
    base::ByteReader pair(in.bytes());
    if (!in.ok() || pair.fixed<char>() != kNameTag) return malformed();
    const std::string_view name = pair.bytes();
    if (!pair.ok() || pair.fixed<char>() != kValueTag) return malformed();
    const std::string_view value = pair.bytes();
    if (!pair.ok() || pair.left() != 0 || name.empty() || value.empty()) return malformed();
    if (!out.items_.empty() && out.items_.back().name >= name) return malformed();
    out.items_.push_back({std::string(name), std::string(value)});
  }
  return out;
}

std::string Labels::canonical() const {
  std::string out;
  base::ByteWriter w(out);
  for (const Label& label : items_) {
    w.fixed(kPairTag);
    w.varint(2 + varint_size(label.name.size()) + label.name.size() +
             varint_size(label.value.size()) + label.value.size());
    w.fixed(kNameTag);
    w.bytes(label.name);
    w.fixed(kValueTag);
    w.bytes(label.value);
  }
  return out;
}

std::string_view Labels::get(std::string_view name) const {
  for (const Label& label : items_) {
    if (label.name == name) return label.value;
  }
  return {};
}

void Labels::set(std::string_view name, std::string_view value) {
  const auto it =
      std::lower_bound(items_.begin(), items_.end(), name,
                       [](const Label& label, std::string_view n) { return label.name < n; });
  const bool found = it != items_.end() && it->name == name;
  if (value.empty()) {
    if (found) items_.erase(it);
  } else if (found) {
    it->value = value;
  } else {
    items_.insert(it, {std::string(name), std::string(value)});
  }
}

std::string Labels::to_string() const {
  std::string out(metric_name());
  bool first = true;
  for (const Label& label : items_) {
    if (label.name == kMetricName) continue;
    out += first ? "{" : ", ";
    first = false;
    if (is_legacy_label_name(label.name)) {
      out += label.name;
    } else {
      append_quoted(out, label.name);
    }
    out += '=';
    append_quoted(out, label.value);
  }
  if (!first) {
    out += '}';
  } else if (out.empty()) {
    out = "{}";
  }
  return out;
}

bool is_legacy_metric_name(std::string_view name) {
  return is_name(name, true);
}
bool is_legacy_label_name(std::string_view name) {
  return is_name(name, false);
}

}  // namespace vedette::model
