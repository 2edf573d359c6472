// A log record's payload, after its checksum: damaged bytes must be refused, and what is taken must
// be written back to the same meaning.
#include <cstdlib>

#include "store/engine/wal_codec.h"

using namespace vedette::store::engine;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto record = decode_record({reinterpret_cast<const char*>(data), size});
  if (!record.ok()) return 0;
  std::string once;
  encode_record(*record, once);
  const auto again = decode_record(once);
  if (!again.ok()) std::abort();
  std::string twice;
  encode_record(*again, twice);
  if (once != twice) std::abort();
  return 0;
}
