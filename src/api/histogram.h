// Rows counted in equal steps of time, by one field: what /logs/histogram and /traces/histogram
// answer.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "api/vedette_api.h"

namespace vedette::api {

struct Histogram {
  store::Table table;
  store::Field group_by;
  const char* group_name;                                  // in the answer
  std::function<std::string(const std::string&)> display;  // of a group; equal ones are added up
  std::vector<std::string> order;                          // of groups in the answer; others follow
};

Answer render_histogram(const VedetteApi& api, const net::Parameters& p, const Histogram& histogram,
                        std::vector<store::Predicate> where, const store::ReadContext& context);

}  // namespace vedette::api
