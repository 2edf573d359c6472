// Where an exporter sends to, and how.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace vedette::sdk {

enum class Protocol : uint8_t { kHttp, kGrpc, kFile };
enum class Signal : uint8_t { kTraces, kMetrics, kLogs };

struct Endpoint {
  Protocol protocol = Protocol::kHttp;
  Signal signal = Signal::kTraces;
  bool tls = false;
  std::string host;
  uint16_t port = 0;
  std::string path;   // of HTTP "/v1/traces", or the file's
  bool json = false;  // HTTP only: the body is JSON
  std::vector<std::pair<std::string, std::string>> headers;
  bool gzip = false;
  bool deflate = false;  // HTTP only
  uint32_t retry_codes =
      0;  // gRPC status codes to try again after, as bits; 0: the specification's
  std::chrono::milliseconds timeout{10'000};  // one attempt
  std::string ca_file;                        // empty: the system's
  std::string certificate_file;               // ours, for mutual TLS
  std::string key_file;

  /// "http://127.0.0.1:4318/v1/traces" or "file:/tmp/traces.jsonl", for messages.
  std::string url() const;
};

/// Fills tls, host, port and path from an URL. Without a scheme the URL is host:port, and
/// `insecure` decides about TLS.
Status parse_url(std::string_view url, bool insecure, Endpoint* out);

/// What became of one attempt to send a batch.
struct SendResult {
  enum class Kind : uint8_t {
    kSent,
    kRetry,    // may succeed later
    kRefused,  // never will: the batch is lost
  };
  Kind kind = Kind::kSent;
  bool connected = true;                     // false: no connection came about
  std::chrono::milliseconds retry_after{0};  // as the server wishes
  uint64_t rejected = 0;                     // items of a batch that was taken otherwise
  std::string message;                       // what went wrong, for a person
};

/// Reads an Export*ServiceResponse: what of the batch was rejected, and why.
void read_partial_success(std::string_view response, SendResult* result);
/// The same, of a response in JSON.
void read_json_partial_success(std::string_view response, SendResult* result);

/// Responses longer than this are not read (the specification's recommendation).
constexpr size_t kResponseBytesMax = 4u << 20;

}  // namespace vedette::sdk
