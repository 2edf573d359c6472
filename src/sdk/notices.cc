#include "sdk/notices.h"

#include "sdk/diagnostic.h"

namespace vedette::sdk {
namespace {

constexpr int64_t kMinute = 60'000'000'000;
/// Servers may answer with statuses of their own making; past this many kinds all are one.
constexpr size_t kKindsMax = 100;

}  // namespace

std::string_view kind_of(std::string_view message) {
  return message.substr(0, message.find_first_of(":("));
}

bool Notices::say(std::string_view cause, int64_t now, std::string_view text) {
  std::string_view kind = kind_of(cause);
  auto at = said_.find(kind);
  if (at == said_.end() && said_.size() >= kKindsMax) at = said_.find(kind = "others");
  if (at != said_.end() && now < at->second + kMinute) return false;
  said_.insert_or_assign(std::string(kind), now);
  complain(text);
  return true;
}

}  // namespace vedette::sdk
