// What one queue has to say of itself: each cause at most once a minute, however often it occurs.
// Used by one thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace vedette::sdk {

/// Of "HTTP 503: try later" the part that does not vary: "HTTP 503".
std::string_view kind_of(std::string_view message);

class Notices {
 public:
  /// Says `text` on standard error, unless it said something of this cause in the minute before
  /// `now` (monotonic nanoseconds); whether it did. Causes differ by kind_of().
  bool say(std::string_view cause, int64_t now, std::string_view text);

 private:
  std::map<std::string, int64_t, std::less<>> said_;  // when, by kind of cause
};

}  // namespace vedette::sdk
