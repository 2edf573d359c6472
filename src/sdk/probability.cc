#include "sdk/probability.h"

#include <cmath>

namespace vedette::sdk {
namespace {

/// What the specification allows an "ot" value to be.
constexpr size_t kMemberBytesMax = 256;
constexpr size_t kMembersMax = 32;

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// Calls visit(part) for each part that is not empty.
template <typename Visit>
void each_part(std::string_view text, char separator, Visit visit) {
  while (!text.empty()) {
    const size_t end = std::min(text.find(separator), text.size());
    if (const std::string_view part = trimmed(text.substr(0, end)); !part.empty()) visit(part);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

}  // namespace

uint64_t threshold_of(double ratio) {
  if (!(ratio > 0)) return kThresholdMax;
  if (ratio >= 1) return 0;
  return kThresholdMax - static_cast<uint64_t>(std::nearbyint(std::ldexp(ratio, 56)));
}

std::string threshold_text(uint64_t threshold) {
  if (threshold == 0) return "0";
  std::string text(14, '0');
  for (size_t i = 14; i-- > 0; threshold >>= 4) text[i] = "0123456789abcdef"[threshold & 15];
  text.resize(text.find_last_not_of('0') + 1);
  return text;
}

std::string with_threshold(std::string_view header, uint64_t threshold) {
  std::string ours, others;
  size_t members = 1;
  if (threshold < kThresholdMax) ours = "th:" + threshold_text(threshold);
  each_part(header, ',', [&](std::string_view member) {
    if (!member.starts_with("ot=")) {
      if (++members <= kMembersMax) others.append(1, ',').append(member);
      return;
    }
    each_part(member.substr(3), ';', [&](std::string_view field) {
      if (field.starts_with("th:") || ours.size() + 1 + field.size() > kMemberBytesMax) return;
      if (!ours.empty()) ours.append(1, ';');
      ours.append(field);
    });
  });
  if (ours.empty()) return others.empty() ? others : others.substr(1);
  return "ot=" + ours + others;
}

}  // namespace vedette::sdk
