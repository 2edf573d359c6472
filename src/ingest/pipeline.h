// From the bytes of a request to the store: decode, derive span metrics, append, count. One
// pipeline serves every protocol; the endpoints (otlp_endpoints.h, remote_write_endpoint.h)
// translate its answers.
//
// Thread-safe. Decoding runs on the caller's thread; `done` is called once, there or on the store's
// thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "ingest/span_metrics.h"
#include "ingest/stats.h"
#include "store/store.h"
#include "wire/decoded.h"
#include "wire/otlp_response.h"

namespace vedette::ingest {

/// What became of a request that was taken.
struct Outcome {
  uint64_t accepted = 0;
  uint64_t rejected = 0;
  std::string message;  // why, in words; empty if nothing was rejected
};

class Pipeline {
 public:
  struct Options {
    wire::DecodeOptions limits;
    size_t body_bytes_max = 64 << 20;  // of remote write, decompressed
  };
  Pipeline(store::Store& store, SpanMetrics& span_metrics, base::Clock& clock, Options options)
      : store_(store), span_metrics_(span_metrics), clock_(clock), options_(options) {}
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  using Done = std::function<void(Result<Outcome>)>;
  /// An OTLP export request. kInvalidArgument: the body can't be read. Other errors are the
  /// store's.
  void otlp(wire::Signal signal, wire::Encoding encoding, std::string_view body, Done done);
  /// A remote write 1.0 request, compressed as it came.
  void remote_write(std::string_view body, Done done);
  /// Samples that are not a request of their own (scrapes, span metrics).
  void samples(Source source, std::shared_ptr<const model::SampleBatch> batch, Done done);

  IngestStats stats() const { return counters_.snapshot(); }

 private:
  using OnStored = std::function<void()>;

  void traces(std::string_view body, std::string_view message, Done done);
  template <typename Batch>
  void store_decoded(Source source, std::string_view body, Result<wire::Decoded<Batch>> decoded,
                     std::shared_ptr<const Batch> store::Write::*slot, Done done);
  void append(Source source, store::Write write, uint64_t rows, wire::DecodeReport report,
              Done done, OnStored on_stored);
  bool read(Source source, std::string_view body, const Status& decoded, const Done& done);
  static store::Write::ContentHash content_hash(Source source, std::string_view body);
  wire::DecodeOptions limits() const;

  store::Store& store_;
  SpanMetrics& span_metrics_;
  base::Clock& clock_;
  const Options options_;
  StatCounters counters_;
};

}  // namespace vedette::ingest
