// Whole traces, read from the store and put in order; what Vedette's and Jaeger's answers are
// rendered from.
#pragma once

#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "store/store.h"

namespace vedette::api {

/// Texts by number, in order of first use: resources, scopes and processes of a trace, each as
/// rendered JSON.
class RenderedSet {
 public:
  size_t add(std::string json);
  const std::vector<std::string>& items() const { return items_; }

 private:
  std::vector<std::string> items_;
  std::unordered_map<std::string, size_t> place_;
};

struct TraceSpan {
  model::SpanId span_id = 0;
  model::SpanId parent_span_id = 0;
  int64_t start_ns = 0;
  int64_t duration_ns = 0;
  bool error = false;
  std::string service;
  std::string name;
  std::string json;  // as the renderer wrote it
};

struct TraceDocument {
  model::TraceId trace_id;
  std::vector<TraceSpan> spans;  // by start, parents before children, each span id once
  RenderedSet resources;
  RenderedSet scopes;

  int64_t start_ns() const { return spans.front().start_ns; }
  int64_t end_ns() const;
  /// The root, or the earliest span where it is missing.
  const TraceSpan& root() const;
  bool has_root() const { return root().parent_span_id == 0; }
  size_t errors() const;
  /// Spans by service, by name.
  std::vector<std::pair<std::string, size_t>> services() const;
};

/// Renders one span as JSON; may add to the document's resources and scopes.
using SpanRenderer =
    std::function<std::string(const model::SpanBatch&, uint32_t row, TraceDocument&)>;

/// A trace with more spans is cut there.
inline constexpr size_t kTraceSpansMax = 100'000;

/// In the order of `ids`; those that are not stored are left out.
Result<std::vector<TraceDocument>> read_traces(store::Store& store,
                                               const std::vector<model::TraceId>& ids,
                                               const SpanRenderer& render,
                                               const store::ReadContext& context);

/// The entries of `columns` that belong to `row`; they are sorted by row.
std::pair<size_t, size_t> rows_of(const std::vector<uint32_t>& span_row, uint32_t row);

}  // namespace vedette::api
