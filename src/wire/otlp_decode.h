// OTLP requests in protobuf (opentelemetry-proto 1.x) decoded in one pass into columnar batches.
//
// Pure functions. A body that is not the message it should be is an error; a record that cannot be
// kept is left out and counted in the report.
#pragma once

#include <string_view>

#include "base/result.h"
#include "model/log_batch.h"
#include "model/sample_batch.h"
#include "model/span_batch.h"
#include "wire/decoded.h"

namespace vedette::wire {

Result<Decoded<model::SpanBatch>> decode_otlp_traces(std::string_view body,
                                                     const DecodeOptions& options);
Result<Decoded<model::LogBatch>> decode_otlp_logs(std::string_view body,
                                                  const DecodeOptions& options);
/// Metrics become Prometheus series by the specification "Prometheus and OpenMetrics compatibility"
/// (wire/prometheus_names.h).
Result<Decoded<model::SampleBatch>> decode_otlp_metrics(std::string_view body,
                                                        const DecodeOptions& options);

}  // namespace vedette::wire
