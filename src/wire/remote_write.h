// Prometheus remote write 1.0 (prometheus/prompb/remote.proto, types.proto; specification
// "Prometheus Remote-Write 1.0"): a snappy block of one WriteRequest.
#pragma once

#include <string_view>

#include "base/result.h"
#include "model/sample_batch.h"
#include "wire/decoded.h"

namespace vedette::wire {

/// What can be kept is in the batch, the rest in the report: native histograms, series without a
/// name or with a label given twice. kInvalidArgument: no snappy, or no WriteRequest in it.
/// kTooLarge: more than `bytes_max` after decompression, known before any memory is taken.
Result<Decoded<model::SampleBatch>> decode_remote_write(std::string_view body, size_t bytes_max,
                                                        const DecodeOptions& options);

/// The same for a WriteRequest that is decompressed already.
Result<Decoded<model::SampleBatch>> decode_write_request(std::string_view message,
                                                         const DecodeOptions& options);

}  // namespace vedette::wire
