// Encoded records, grouped by resource and scope into an Export*ServiceRequest.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace vedette::sdk {

/// How many points an encoded Metric has.
uint64_t points_of_metric(std::string_view metric);

/// Adds one encoded Span, LogRecord or Metric to the items of its source.
void append_item(std::string& items, std::string_view record);

/// The request that holds them, by SourceTable number.
std::string encode_request(const std::map<uint32_t, std::string>& items_by_source);

}  // namespace vedette::sdk
