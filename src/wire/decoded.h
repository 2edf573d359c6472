// What every decoder takes and gives besides its batch: limits, and what they did to the data.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace vedette::wire {

/// Bounds on one request, so that no body makes memory grow out of proportion to its size.
struct DecodeOptions {
  int64_t received_ns = 0;      // stands in for a record's time where it carries none
  size_t attributes_max = 128;  // of one record; the rest is counted as dropped
  size_t events_max = 128;      // of one span; likewise
  size_t links_max = 128;
  size_t text_bytes_max = 64 << 10;    // of one key or value; cut at a character's border
  size_t nesting_max = 64;             // of attribute values in each other
  size_t keys_max = 2048;              // distinct attribute keys of one request
  size_t rows_max = 500'000;           // spans or log records; the rest is rejected
  size_t samples_max = 4'000'000;      // likewise
  size_t label_bytes_max = 128 << 20;  // of all label sets of one request; likewise
};

/// What did not go in as it came.
struct DecodeReport {
  uint64_t rejected = 0;            // records left out
  std::string reason;               // of the first one left out, for people
  uint64_t sanitized = 0;           // texts that were not UTF-8
  uint64_t truncated = 0;           // texts over the limit
  uint64_t dropped_attributes = 0;  // over the limits on attributes

  void reject(uint64_t count, std::string_view why) {
    rejected += count;
    if (reason.empty()) reason = why;
  }
};

template <typename Batch>
struct Decoded {
  Batch batch;
  DecodeReport report;
};

}  // namespace vedette::wire
