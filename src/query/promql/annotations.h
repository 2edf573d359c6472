// Warnings and hints that an answer carries, with the place in the query that caused them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "query/promql/token.h"

namespace vedette::promql {

/// Collected while a query runs; each text once. Single-threaded.
class Annotations {
 public:
  void warn(const std::string& text, Span at) { add(true, text, at); }
  void info(const std::string& text, Span at) { add(false, text, at); }

  void invalid_quantile(double q, Span at);
  void possible_non_counter(std::string_view metric, Span at);
  void bad_bucket_label(std::string_view metric, std::string_view label, Span at);
  /// Repeated calls widen the one annotation.
  void forced_monotonicity(Span at, int64_t time_ms, double bucket_min, double bucket_max,
                           double difference);

  std::vector<std::string> warnings(std::string_view query) const { return texts(true, query); }
  std::vector<std::string> infos(std::string_view query) const { return texts(false, query); }

 private:
  struct Entry {
    bool warning;
    Span at;
    std::string detail;  // between text and place
  };
  struct Monotonicity {
    uint64_t samples = 0;
    int64_t time_min = 0, time_max = 0;
    double bucket_min = 0, bucket_max = 0, difference = 0;
  };
  Entry& add(bool warning, const std::string& text, Span at);
  std::vector<std::string> texts(bool warning, std::string_view query) const;

  std::map<std::string, Entry> entries_;
  Monotonicity monotonicity_;
};

}  // namespace vedette::promql
