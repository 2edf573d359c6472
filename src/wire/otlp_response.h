// What an OTLP receiver answers (opentelemetry-proto, docs/specification.md, "OTLP/HTTP Response").
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace vedette::wire {

enum class Signal : uint8_t { kTraces, kLogs, kMetrics };
enum class Encoding : uint8_t { kProtobuf, kJson };

std::string_view content_type(Encoding encoding);

/// The Export…ServiceResponse. Without a message partial_success is unset: everything was taken.
/// No rejected records but a message: a warning.
std::string export_response(Signal signal, Encoding encoding, uint64_t rejected,
                            std::string_view message);

/// google.rpc.Status, the body of every HTTP error.
std::string status_body(Encoding encoding, int grpc_code, std::string_view message);

}  // namespace vedette::wire
