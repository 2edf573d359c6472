// Which resource and which instrumentation scope a record comes from: encoded once, named by a
// number.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>

namespace vedette::sdk {

struct Source {
  uint32_t resource_id;  // equal for equal resources
  std::string resource;  // an encoded Resource message
  std::string resource_schema_url;
  std::string scope;  // an encoded InstrumentationScope message
  std::string scope_schema_url;
};

/// Grows only: entries live as long as the process. Thread-safe.
class SourceTable {
 public:
  static SourceTable& instance();

  uint32_t intern(std::string_view resource, std::string_view resource_schema_url,
                  std::string_view scope, std::string_view scope_schema_url);
  /// `id` must come from intern().
  const Source& get(uint32_t id);

  /// Around fork(): the child must not inherit the lock taken.
  void lock() { mutex_.lock(); }
  void unlock() { mutex_.unlock(); }

 private:
  std::mutex mutex_;
  std::deque<Source> sources_;
};

}  // namespace vedette::sdk
