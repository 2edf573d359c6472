// Sends one encoded batch and says what became of it. Owned by the export thread.
#pragma once

#include <memory>
#include <string>

#include "sdk/connection.h"
#include "sdk/endpoint.h"

namespace vedette::sdk {

class Transport {
 public:
  static std::unique_ptr<Transport> make(Endpoint endpoint);
  virtual ~Transport() = default;

  /// `body` is an Export*ServiceRequest. Returns by `deadline_ns` and within the limits obeyed.
  virtual SendResult send(std::string_view body, int64_t deadline_ns) = 0;
  virtual const Endpoint& endpoint() const = 0;
  virtual void obey(WaitLimits* limits) = 0;
  virtual void close() = 0;
  /// In a forked child: the connection is the parent's.
  virtual void abandon() = 0;
};

std::unique_ptr<Transport> make_http_transport(Endpoint endpoint);
std::unique_ptr<Transport> make_grpc_transport(Endpoint endpoint);
/// Appends to a file, a line of JSON for each batch (OpenTelemetry specification, "OTLP File
/// Exporter").
std::unique_ptr<Transport> make_file_transport(Endpoint endpoint);

/// A request as OTLP's JSON.
std::string json_of(Signal signal, std::string_view request);

/// Empty when it fails. deflate: with zlib's header, as HTTP means it.
std::string gzip(std::string_view bytes);
std::string deflate(std::string_view bytes);

/// "OTel-OTLP-Exporter-Python/…" is what the specification wants; ours names us.
std::string_view user_agent();

}  // namespace vedette::sdk
