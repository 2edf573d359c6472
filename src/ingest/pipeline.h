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
  Pipeline(store::Store& store, base::Clock& clock, wire::DecodeOptions limits = {})
      : store_(store), clock_(clock), limits_(limits) {}
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  using Done = std::function<void(Result<Outcome>)>;
  /// An OTLP export request. kInvalidArgument: the body can't be read. Other errors are the
  /// store's.
  void otlp(wire::Signal signal, wire::Encoding encoding, std::string_view body, Done done);
  /// Samples that are not a request of their own (scrapes, span metrics).
  void samples(Source source, std::shared_ptr<const model::SampleBatch> batch, Done done);

  IngestStats stats() const { return counters_.snapshot(); }

 private:
  template <typename Batch, typename Decode>
  void run(Source source, std::string_view body, std::string_view message, Done done, Decode decode,
           std::shared_ptr<const Batch> store::Write::*slot);
  void append(Source source, store::Write write, uint64_t rows, wire::DecodeReport report,
              Done done);
  wire::DecodeOptions options() const;

  store::Store& store_;
  base::Clock& clock_;
  const wire::DecodeOptions limits_;
  StatCounters counters_;
};

}  // namespace vedette::ingest
