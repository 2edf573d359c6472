// The payload of one record of the write-ahead log: a request as it was appended, or content hashes
// carried over from segments that are about to go. docs/format/wal.md.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/store.h"

namespace vedette::store::engine {

struct SeenHash {
  Write::ContentHash hash;
  int64_t time_ns = 0;
};

struct WalRecord {
  int64_t time_ns = 0;  // when it was appended
  Write write;
  std::vector<SeenHash> carried;
};

/// Appends the payload to `out`.
void encode_record(const WalRecord& record, std::string& out);
/// kCorruption for anything that encode_record does not write.
Result<WalRecord> decode_record(std::string_view payload);

}  // namespace vedette::store::engine
