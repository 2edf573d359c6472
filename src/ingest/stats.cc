#include "ingest/stats.h"

namespace vedette::ingest {

std::string_view source_name(Source source) {
  switch (source) {
    case Source::kTraces:
      return "otlp_traces";
    case Source::kLogs:
      return "otlp_logs";
    case Source::kMetrics:
      return "otlp_metrics";
    case Source::kRemoteWrite:
      return "remote_write";
    case Source::kScrape:
      return "scrape";
    case Source::kSpanMetrics:
      return "span_metrics";
  }
  return {};
}

std::string_view reject_name(Reject reject) {
  switch (reject) {
    case Reject::kInvalid:
      return "invalid";
    case Reject::kOutsideRetention:
      return "outside_retention";
    case Reject::kBusy:
      return "busy";
    case Reject::kUnavailable:
      return "unavailable";
    case Reject::kFailed:
      return "failed";
  }
  return {};
}

IngestStats StatCounters::snapshot() const {
  IngestStats out;
  for (size_t i = 0; i < kSources; ++i) {
    const PerSource& from = sources_[i];
    SourceStats& to = out[i];
    to.requests = from.requests;
    to.bytes = from.bytes;
    to.malformed = from.malformed;
    to.duplicates = from.duplicates;
    to.accepted = from.accepted;
    for (size_t r = 0; r < kRejects; ++r) to.rejected[r] = from.rejected[r];
    to.sanitized = from.sanitized;
    to.truncated = from.truncated;
    to.dropped_attributes = from.dropped_attributes;
  }
  return out;
}

}  // namespace vedette::ingest
