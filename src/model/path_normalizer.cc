#include "model/path_normalizer.h"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace vedette::model {
namespace {

constexpr std::string_view kValue = "{value}";
constexpr std::string_view kRest = "{rest}";
constexpr size_t kDepthMax = 12;
constexpr size_t kSegmentBytesMax = 64;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

template <typename Is>
bool all(std::string_view text, Is is) {
  return std::all_of(text.begin(), text.end(), is);
}

bool is_number(std::string_view s) {
  if (s.starts_with('-') || s.starts_with('+')) s.remove_prefix(1);
  const size_t point = s.find('.');
  if (point != s.npos) {
    return point > 0 && point + 1 < s.size() && all(s.substr(0, point), is_digit) &&
           all(s.substr(point + 1), is_digit);
  }
  return !s.empty() && all(s, is_digit);
}

bool is_uuid(std::string_view s) {
  if (s.size() == 38 && s.front() == '{' && s.back() == '}') s = s.substr(1, 36);
  if (s.size() != 36) return false;
  for (size_t i = 0; i < s.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? s[i] != '-' : !is_hex(s[i])) return false;
  }
  return true;
}

/// Crockford's base 32 of 128 bits; the first digit holds three of them.
bool is_ulid(std::string_view s) {
  if (s.size() != 26 || s[0] < '0' || s[0] > '7') return false;
  return all(s, [](char c) {
    const char upper = is_lower(c) ? static_cast<char>(c - 32) : c;
    return is_digit(c) ||
           (is_upper(upper) && upper != 'I' && upper != 'L' && upper != 'O' && upper != 'U');
  });
}

bool is_date(std::string_view s) {
  // 2024-01-31, with or without a time behind it.
  const auto at = [&](size_t i, char c) { return s[i] == c; };
  return s.size() >= 10 && all(s.substr(0, 4), is_digit) && at(4, '-') &&
         all(s.substr(5, 2), is_digit) && at(7, '-') && all(s.substr(8, 2), is_digit) &&
         (s.size() == 10 || at(10, 'T') || at(10, ' '));
}

bool is_email(std::string_view s) {
  size_t at = s.find('@');
  size_t width = 1;
  if (at == s.npos) {
    at = s.find("%40");
    width = 3;
  }
  if (at == s.npos || at == 0) return false;
  const std::string_view host = s.substr(at + width);
  const size_t dot = host.find('.');
  return dot != host.npos && dot > 0 && dot + 1 < host.size();
}

/// Hexadecimal that no word is: letters and digits, or longer than words are.
bool is_hash(std::string_view s) {
  if (s.starts_with("0x") || s.starts_with("0X")) return s.size() > 6 && all(s.substr(2), is_hex);
  if (s.size() < 7 || !all(s, is_hex)) return false;
  return std::any_of(s.begin(), s.end(), is_digit) || s.size() >= 16;
}

/// Base64 and what else random characters make: capitals and digits in the midst of it, where words
/// have them at the start and at the end.
bool is_token(std::string_view s) {
  while (s.ends_with('=')) s.remove_suffix(1);
  if (s.size() < 10) return false;
  size_t letters = 0, digits = 0, switches = 0;
  char before = 0;
  for (char c : s) {
    const bool letter = is_lower(c) || is_upper(c);
    if (!letter && !is_digit(c)) {
      if (c != '-' && c != '_' && c != '+' && c != '.' && c != '~') return false;
      before = 0;
      continue;
    }
    ++(letter ? letters : digits);
    if (before) {
      const bool from_digit = is_digit(before);
      if (from_digit == letter || (is_lower(before) && is_upper(c))) ++switches;
    }
    before = c;
  }
  const size_t counted = letters + digits;
  if (counted == 0 || digits == 0) return counted >= 20 && switches * 5 > counted;
  // Short ones must look the part more clearly.
  return s.size() >= 16 ? switches * 4 > counted : switches * 3 > counted;
}

}  // namespace

std::string_view placeholder_of(std::string_view segment) {
  if (segment.empty()) return {};
  if (is_number(segment)) return "{number}";
  if (is_uuid(segment)) return "{uuid}";
  if (is_date(segment)) return "{date}";
  if (segment.size() == 24 && all(segment, is_hex)) return "{objectid}";
  if (is_hash(segment)) return "{hash}";
  if (is_ulid(segment)) return "{ulid}";
  if (is_email(segment)) return "{email}";
  if (is_token(segment)) return "{token}";
  return {};
}

struct PathNormalizer::Node {
  uint64_t seen = 0;
  bool varies = false;
  std::map<std::string, std::unique_ptr<Node>, std::less<>> words;
  std::map<std::string_view, std::unique_ptr<Node>> placeholders;  // keyed by literals

  size_t size() const {
    size_t count = 1;
    for (const auto& [word, node] : words) count += node->size();
    for (const auto& [name, node] : placeholders) count += node->size();
    return count;
  }
};

PathNormalizer::PathNormalizer(size_t distinct_max, size_t nodes_max)
    : distinct_max_(distinct_max), nodes_max_(nodes_max), root_(std::make_unique<Node>()) {}

PathNormalizer::~PathNormalizer() = default;

size_t PathNormalizer::nodes() const {
  const std::lock_guard lock(mutex_);
  return nodes_;
}

std::string PathNormalizer::normalize(std::string_view path) {
  if (const size_t end = path.find_first_of("?#"); end != path.npos) path = path.substr(0, end);
  std::string out;
  const std::lock_guard lock(mutex_);
  Node* node = root_.get();
  size_t depth = 0;
  for (size_t at = path.starts_with('/') ? 1 : 0; at <= path.size(); ++depth) {
    const size_t end = std::min(path.find('/', at), path.size());
    const std::string_view segment = path.substr(at, end - at);
    at = end + 1;
    if (depth == kDepthMax) return out.append(1, '/').append(kRest);
    out += '/';
    if (segment.empty()) continue;
    std::string_view name = placeholder_of(segment);
    if (name.empty() && segment.size() > kSegmentBytesMax) name = kValue;
    if (!node) {  // there was no room to learn what comes before
      out += name.empty() ? kValue : name;
      continue;
    }
    if (name.empty()) {
      bool varies = false;
      Node* next = child(node, segment, &varies);
      out += varies ? kValue : segment;
      node = next;
      continue;
    }
    std::unique_ptr<Node>& slot = node->placeholders[name];
    if (!slot && nodes_ < nodes_max_) {
      slot = std::make_unique<Node>();
      ++nodes_;
    }
    node = slot.get();
    out += name;
  }
  return out;
}

/// The node of a word below `node`; null when there is no room for it.
PathNormalizer::Node* PathNormalizer::child(Node* node, std::string_view segment, bool* varies) {
  auto known = node->words.find(segment);
  if (known == node->words.end() && !node->varies && node->words.size() >= distinct_max_) {
    generalize(node);
    known = node->words.find(segment);
  }
  if (known != node->words.end()) {
    ++known->second->seen;
    return known->second.get();
  }
  *varies = node->varies || nodes_ >= nodes_max_;
  if (*varies) {
    std::unique_ptr<Node>& slot = node->placeholders[kValue];
    if (!slot && nodes_ < nodes_max_) {
      slot = std::make_unique<Node>();
      ++nodes_;
    }
    return slot.get();
  }
  ++nodes_;
  Node* made = node->words.emplace(segment, std::make_unique<Node>()).first->second.get();
  made->seen = 1;
  return made;
}

/// From now on a new word here is "{value}". Words that come again and again are no values.
void PathNormalizer::generalize(Node* node) {
  node->varies = true;
  uint64_t total = 0;
  for (const auto& [word, below] : node->words) total += below->seen;
  const uint64_t often = std::max<uint64_t>(3, total / distinct_max_);
  std::erase_if(node->words, [&](const auto& entry) {
    if (entry.second->seen >= often) return false;
    nodes_ -= entry.second->size();
    return true;
  });
}

}  // namespace vedette::model
