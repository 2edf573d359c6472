#include "ingest/pipeline.h"

#include "base/string_table.h"
#include "wire/json/otlp_json.h"
#include "wire/otlp_decode.h"
#include "wire/remote_write.h"

namespace vedette::ingest {
namespace {

Reject reject_of(Code code) {
  switch (code) {
    case Code::kResourceExhausted:
      return Reject::kBusy;
    case Code::kUnavailable:
      return Reject::kUnavailable;
    case Code::kInvalidArgument:
    case Code::kTooLarge:
      return Reject::kInvalid;
    default:
      return Reject::kFailed;
  }
}

size_t index(Reject reject) {
  return static_cast<size_t>(reject);
}

}  // namespace

wire::DecodeOptions Pipeline::limits() const {
  wire::DecodeOptions limits = options_.limits;
  limits.received_ns = clock_.now_ns();
  return limits;
}

store::Write::ContentHash Pipeline::content_hash(Source source, std::string_view body) {
  // Seeded, so that bytes that happen to mean something in two protocols are two requests.
  const auto hash = base::hash128(body, static_cast<uint64_t>(source) + 1);
  return {hash.hi, hash.lo};
}

// Counts a request; false, and the error passed on, if it could not be read.
bool Pipeline::read(Source source, std::string_view body, const Status& decoded, const Done& done) {
  StatCounters::PerSource& counters = counters_.of(source);
  ++counters.requests;
  counters.bytes += body.size();
  if (decoded.ok()) return true;
  ++counters.malformed;
  done(decoded.error());
  return false;
}

void Pipeline::otlp(wire::Signal signal, wire::Encoding encoding, std::string_view body,
                    Done done) {
  static_assert(static_cast<int>(Source::kTraces) == static_cast<int>(wire::Signal::kTraces) &&
                static_cast<int>(Source::kLogs) == static_cast<int>(wire::Signal::kLogs) &&
                static_cast<int>(Source::kMetrics) == static_cast<int>(wire::Signal::kMetrics));
  const auto source = static_cast<Source>(signal);
  std::string from_json;
  std::string_view message = body;
  if (encoding == wire::Encoding::kJson) {
    auto converted = wire::otlp_json_to_protobuf(signal, body, options_.limits.nesting_max);
    if (!converted.ok()) {
      read(source, body, converted.status(), done);
      return;
    }
    from_json = std::move(*converted);
    message = from_json;
  }
  switch (signal) {
    case wire::Signal::kTraces:
      return traces(body, message, std::move(done));
    case wire::Signal::kLogs:
      return store_decoded<model::LogBatch>(source, body, wire::decode_otlp_logs(message, limits()),
                                            &store::Write::logs, std::move(done));
    case wire::Signal::kMetrics:
      return store_decoded<model::SampleBatch>(source, body,
                                               wire::decode_otlp_metrics(message, limits()),
                                               &store::Write::samples, std::move(done));
  }
}

void Pipeline::traces(std::string_view body, std::string_view message, Done done) {
  auto decoded = wire::decode_otlp_traces(message, limits());
  if (!read(Source::kTraces, body, decoded.status(), done)) return;
  auto batch = std::make_shared<const model::SpanBatch>(std::move(decoded->batch));
  store::Write write;
  write.content_hash = content_hash(Source::kTraces, body);
  if (!batch->empty()) write.spans = batch;
  append(Source::kTraces, std::move(write), batch->size(), std::move(decoded->report),
         std::move(done), [this, batch, sums = SpanMetrics::sum_up(*batch)] {
           span_metrics_.add(sums, *batch, clock_.now_ns());
         });
}

void Pipeline::remote_write(std::string_view body, Done done) {
  store_decoded<model::SampleBatch>(
      Source::kRemoteWrite, body,
      wire::decode_remote_write(body, options_.body_bytes_max, limits()), &store::Write::samples,
      std::move(done));
}

template <typename Batch>
void Pipeline::store_decoded(Source source, std::string_view body,
                             Result<wire::Decoded<Batch>> decoded,
                             std::shared_ptr<const Batch> store::Write::*slot, Done done) {
  if (!read(source, body, decoded.status(), done)) return;
  store::Write write;
  write.content_hash = content_hash(source, body);
  const uint64_t rows = decoded->batch.size();
  if (!decoded->batch.empty()) {
    write.*slot = std::make_shared<const Batch>(std::move(decoded->batch));
  }
  append(source, std::move(write), rows, std::move(decoded->report), std::move(done), {});
}

void Pipeline::samples(Source source, std::shared_ptr<const model::SampleBatch> batch, Done done) {
  ++counters_.of(source).requests;
  store::Write write;
  const uint64_t rows = batch->size();
  if (!batch->empty()) write.samples = std::move(batch);
  append(source, std::move(write), rows, {}, std::move(done), {});
}

void Pipeline::append(Source source, store::Write write, uint64_t rows, wire::DecodeReport report,
                      Done done, OnStored on_stored) {
  StatCounters::PerSource& counters = counters_.of(source);
  counters.rejected[index(Reject::kInvalid)] += report.rejected;
  counters.sanitized += report.sanitized;
  counters.truncated += report.truncated;
  counters.dropped_attributes += report.dropped_attributes;
  if (!write.spans && !write.logs && !write.samples) {
    return done(Outcome{0, report.rejected, std::move(report.reason)});
  }
  store_.append(std::move(write), [&counters, rows, report = std::move(report),
                                   done = std::move(done), on_stored = std::move(on_stored)](
                                      Result<store::WriteOutcome> result) mutable {
    if (!result.ok()) {
      counters.rejected[index(reject_of(result.error().code))] += rows;
      return done(result.error());
    }
    const uint64_t old =
        std::min(rows, result->rejected_spans + result->rejected_logs + result->rejected_samples);
    if (result->duplicate) {
      ++counters.duplicates;
    } else {
      counters.accepted += rows - old;
      counters.rejected[index(Reject::kOutsideRetention)] += old;
      if (on_stored) on_stored();
    }
    report.reject(old, result->reason);
    done(Outcome{rows - old, report.rejected, std::move(report.reason)});
  });
}

}  // namespace vedette::ingest
