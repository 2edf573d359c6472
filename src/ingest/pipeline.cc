#include "ingest/pipeline.h"

#include "base/string_table.h"
#include "wire/json/otlp_json.h"
#include "wire/otlp_decode.h"

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

wire::DecodeOptions Pipeline::options() const {
  wire::DecodeOptions options = limits_;
  options.received_ns = clock_.now_ns();
  return options;
}

void Pipeline::otlp(wire::Signal signal, wire::Encoding encoding, std::string_view body,
                    Done done) {
  const auto source = static_cast<Source>(signal);
  static_assert(static_cast<int>(Source::kTraces) == static_cast<int>(wire::Signal::kTraces) &&
                static_cast<int>(Source::kLogs) == static_cast<int>(wire::Signal::kLogs) &&
                static_cast<int>(Source::kMetrics) == static_cast<int>(wire::Signal::kMetrics));
  std::string from_json;
  std::string_view message = body;
  if (encoding == wire::Encoding::kJson) {
    auto converted = wire::otlp_json_to_protobuf(signal, body, limits_.nesting_max);
    if (!converted.ok()) {
      ++counters_.of(source).requests;
      ++counters_.of(source).malformed;
      counters_.of(source).bytes += body.size();
      return done(converted.error());
    }
    from_json = std::move(*converted);
    message = from_json;
  }
  switch (signal) {
    case wire::Signal::kTraces:
      return run(source, body, message, std::move(done), wire::decode_otlp_traces,
                 &store::Write::spans);
    case wire::Signal::kLogs:
      return run(source, body, message, std::move(done), wire::decode_otlp_logs,
                 &store::Write::logs);
    case wire::Signal::kMetrics:
      return run(source, body, message, std::move(done), wire::decode_otlp_metrics,
                 &store::Write::samples);
  }
}

template <typename Batch, typename Decode>
void Pipeline::run(Source source, std::string_view body, std::string_view message, Done done,
                   Decode decode, std::shared_ptr<const Batch> store::Write::*slot) {
  StatCounters::PerSource& counters = counters_.of(source);
  ++counters.requests;
  counters.bytes += body.size();
  auto decoded = decode(message, options());
  if (!decoded.ok()) {
    ++counters.malformed;
    return done(decoded.error());
  }
  store::Write write;
  // Seeded, so that bytes that happen to mean something in two protocols are two requests.
  const auto hash = base::hash128(body, static_cast<uint64_t>(source) + 1);
  write.content_hash = {hash.hi, hash.lo};
  const uint64_t rows = decoded->batch.size();
  if (!decoded->batch.empty())
    write.*slot = std::make_shared<const Batch>(std::move(decoded->batch));
  append(source, std::move(write), rows, std::move(decoded->report), std::move(done));
}

void Pipeline::samples(Source source, std::shared_ptr<const model::SampleBatch> batch, Done done) {
  ++counters_.of(source).requests;
  store::Write write;
  const uint64_t rows = batch->size();
  write.samples = std::move(batch);
  append(source, std::move(write), rows, {}, std::move(done));
}

void Pipeline::append(Source source, store::Write write, uint64_t rows, wire::DecodeReport report,
                      Done done) {
  StatCounters::PerSource& counters = counters_.of(source);
  counters.rejected[index(Reject::kInvalid)] += report.rejected;
  counters.sanitized += report.sanitized;
  counters.truncated += report.truncated;
  counters.dropped_attributes += report.dropped_attributes;
  if (!write.spans && !write.logs && !write.samples) {
    return done(Outcome{0, report.rejected, std::move(report.reason)});
  }
  store_.append(
      std::move(write), [&counters, rows, report = std::move(report),
                         done = std::move(done)](Result<store::WriteOutcome> result) mutable {
        if (!result.ok()) {
          counters.rejected[index(reject_of(result.error().code))] += rows;
          return done(result.error());
        }
        const uint64_t old =
            result->rejected_spans + result->rejected_logs + result->rejected_samples;
        if (result->duplicate) {
          ++counters.duplicates;
        } else {
          counters.accepted += rows - std::min(old, rows);
          counters.rejected[index(Reject::kOutsideRetention)] += old;
        }
        report.reject(old, result->reason);
        done(Outcome{rows - std::min(old, rows), report.rejected, std::move(report.reason)});
      });
}

}  // namespace vedette::ingest
