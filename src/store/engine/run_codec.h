// The columns that follow from traces: ids, parents, times, resources. A run is the rows of one
// trace in one block (or, for log records, of none), by time. docs/format/row_part.md, "Runs".
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/ids.h"
#include "store/engine/chunk.h"

namespace vedette::store::engine {

struct Run {
  uint32_t begin = 0;  // rows, in the block or the batch
  uint32_t end = 0;
  model::TraceId trace;
  int64_t start_ns = 0;  // time of its first row
};

/// Rows of equal trace ids, and where they lie. `rows_max`: longer runs are cut.
std::vector<Run> find_runs(std::span<const model::TraceId> traces, std::span<const int64_t> times,
                           uint32_t rows_max);

// Encoders take the columns of the whole batch and the runs of one block; decoders give rows from 0
// on.

void encode_runs(std::span<const Run> runs, ChunkWriter& out);
/// Runs of `rows` rows together.
std::vector<Run> decode_runs(ChunkReader& in, size_t rows);

void encode_span_ids(std::span<const model::SpanId> ids, std::span<const Run> runs,
                     ChunkWriter& out);
std::vector<model::SpanId> decode_span_ids(ChunkReader& in, size_t rows);

/// For each row the row of its parent in the same run, kNoRow where it is elsewhere or there is
/// none.
inline constexpr uint32_t kNoRow = UINT32_MAX;
std::vector<uint32_t> find_parents(std::span<const model::SpanId> ids,
                                   std::span<const model::SpanId> parents,
                                   std::span<const Run> runs);
/// `parent_rows`: of find_parents, for the rows of these runs.
void encode_parents(std::span<const model::SpanId> parents, std::span<const uint32_t> parent_rows,
                    std::span<const Run> runs, ChunkWriter& out);
/// Rows of parents; where that is kNoRow, the id (0: root).
struct Parents {
  std::vector<uint32_t> rows;
  std::vector<model::SpanId> ids;
};
Parents decode_parents(ChunkReader& in, std::span<const Run> runs);

/// From the parent's start where the parent comes earlier, else from the run's.
void encode_starts(std::span<const int64_t> starts, std::span<const uint32_t> parent_rows,
                   std::span<const Run> runs, ChunkWriter& out);
std::vector<int64_t> decode_starts(ChunkReader& in, std::span<const uint32_t> parent_rows,
                                   std::span<const Run> runs);

/// From the row before.
void encode_times(std::span<const int64_t> times, std::span<const Run> runs, ChunkWriter& out);
std::vector<int64_t> decode_times(ChunkReader& in, std::span<const Run> runs);

/// Span ids that log records of a run share.
void encode_log_span_ids(std::span<const model::SpanId> ids, std::span<const Run> runs,
                         ChunkWriter& out);
std::vector<model::SpanId> decode_log_span_ids(ChunkReader& in, std::span<const Run> runs);

/// Resources of rows whose services are known: a trace meets a service at one resource, mostly.
class ResourceGuess {
 public:
  ResourceGuess(std::span<const uint32_t> service_of_resource, size_t services);
  void next_run() { ++run_; }
  uint32_t guess(uint32_t service) const {
    return run_of_service_[service] == run_ ? last_of_service_[service]
                                            : first_of_service_[service];
  }
  void set(uint32_t service, uint32_t resource) {
    run_of_service_[service] = run_;
    last_of_service_[service] = resource;
  }

 private:
  std::vector<uint32_t> first_of_service_;
  std::vector<uint32_t> last_of_service_;
  std::vector<uint32_t> run_of_service_;
  uint32_t run_ = 0;
};
void encode_resources(std::span<const uint32_t> resources,
                      std::span<const uint32_t> service_of_resource, size_t services,
                      std::span<const Run> runs, ChunkWriter& out);
/// `row_services`: of the block's rows.
std::vector<uint32_t> decode_resources(ChunkReader& in, std::span<const uint32_t> row_services,
                                       std::span<const uint32_t> service_of_resource,
                                       size_t services, std::span<const Run> runs);

}  // namespace vedette::store::engine
