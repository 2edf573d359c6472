#include "store/engine/run_codec.h"

#include <unordered_map>

#include "store/engine/int_codec.h"

namespace vedette::store::engine {
namespace {

using base::unzigzag;
using base::zigzag;
using model::SpanId;
using model::TraceId;

constexpr size_t kSmallRun = 24;      // rows up to which parents are searched one by one
constexpr size_t kSharedIdsMax = 32;  // latest span ids of a run that log records may refer to

size_t rows_of(std::span<const Run> runs) {
  return runs.empty() ? 0 : runs.back().end - runs.front().begin;
}

int64_t add(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
int64_t subtract(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}

}  // namespace

std::vector<Run> find_runs(std::span<const TraceId> traces, std::span<const int64_t> times,
                           uint32_t rows_max) {
  std::vector<Run> runs;
  for (uint32_t row = 0; row < traces.size(); ++row) {
    const bool goes_on =
        !runs.empty() && runs.back().trace == traces[row] && row - runs.back().begin < rows_max;
    if (!goes_on) runs.push_back({row, row, traces[row], times[row]});
    runs.back().end = row + 1;
  }
  return runs;
}

void encode_runs(std::span<const Run> runs, ChunkWriter& out) {
  out.meta_writer().varint(runs.size());
  std::vector<int64_t> lengths, traced, starts;
  int64_t before = 0;
  for (const Run& run : runs) {
    lengths.push_back(run.end - run.begin);
    traced.push_back(run.trace.valid());
    starts.push_back(starts.empty() ? 0 : subtract(run.start_ns, before));
    before = run.start_ns;
  }
  out.meta_writer().fixed(runs.front().start_ns);
  encode_ints(lengths, IntKind::kCodes, out);
  encode_ints(traced, IntKind::kCodes, out);
  encode_ints(starts, IntKind::kNoise, out);
  for (const Run& run : runs) {
    if (!run.trace.valid()) continue;
    out.bits.put(run.trace.hi, 64);
    out.bits.put(run.trace.lo, 64);
  }
}

std::vector<Run> decode_runs(ChunkReader& in, size_t rows) {
  const uint64_t count = in.meta.varint();
  if (count > rows || count == 0) return in.fail(), std::vector<Run>();
  std::vector<Run> runs(count);
  int64_t start = in.meta.fixed<int64_t>();
  std::vector<uint32_t> lengths(count);
  std::vector<uint8_t> traced(count);
  std::vector<int64_t> starts(count);
  decode_below<uint32_t>(in, lengths, rows + 1);
  decode_below<uint8_t>(in, traced, 2);
  decode_ints(in, starts);
  uint64_t row = 0;
  for (size_t i = 0; i < count && in.ok(); ++i) {
    Run& run = runs[i];
    run.begin = static_cast<uint32_t>(row);
    row += lengths[i];
    run.end = static_cast<uint32_t>(row);
    run.start_ns = start = add(start, starts[i]);
    if (lengths[i] == 0 || row > rows) in.fail();
    if (traced[i]) {
      run.trace.hi = in.bits.get(64);
      run.trace.lo = in.bits.get(64);
    }
  }
  if (row != rows) in.fail();
  return runs;
}

void encode_span_ids(std::span<const SpanId> ids, std::span<const Run> runs, ChunkWriter& out) {
  for (uint32_t row = runs.front().begin; row < runs.back().end; ++row) out.bits.put(ids[row], 64);
}

std::vector<SpanId> decode_span_ids(ChunkReader& in, size_t rows) {
  std::vector<SpanId> ids;
  if (in.bits.bits_left() / 64 < rows) return in.fail(), ids;
  ids.resize(rows);
  for (SpanId& id : ids) id = in.bits.get(64);
  return ids;
}

std::vector<uint32_t> find_parents(std::span<const SpanId> ids, std::span<const SpanId> parents,
                                   std::span<const Run> runs) {
  std::vector<uint32_t> rows(ids.size(), kNoRow);
  std::unordered_map<SpanId, uint32_t> row_of;
  for (const Run& run : runs) {
    const bool small = run.end - run.begin <= kSmallRun;
    if (!small) {
      row_of.clear();
      for (uint32_t r = run.begin; r < run.end; ++r) row_of.emplace(ids[r], r);
    }
    for (uint32_t r = run.begin; r < run.end; ++r) {
      if (parents[r] == 0 || parents[r] == ids[r]) continue;
      if (small) {
        for (uint32_t p = run.begin; p < run.end; ++p) {
          if (ids[p] == parents[r]) {
            rows[r] = p;
            break;
          }
        }
      } else if (const auto found = row_of.find(parents[r]); found != row_of.end()) {
        rows[r] = found->second;
      }
    }
  }
  return rows;
}

// Code of a parent: 0: none; 1: its id follows; else 1 + zigzag(rows back to it).

void encode_parents(std::span<const SpanId> parents, std::span<const uint32_t> parent_rows,
                    std::span<const Run> runs, ChunkWriter& out) {
  std::vector<int64_t> codes;
  codes.reserve(rows_of(runs));
  for (uint32_t row = runs.front().begin; row < runs.back().end; ++row) {
    if (parents[row] == 0) {
      codes.push_back(0);
    } else if (parent_rows[row] == kNoRow) {
      codes.push_back(1);
      out.bits.put(parents[row], 64);
    } else {
      codes.push_back(static_cast<int64_t>(1 + zigzag(int64_t{row} - parent_rows[row])));
    }
  }
  encode_ints(codes, IntKind::kCodes, out);
}

Parents decode_parents(ChunkReader& in, std::span<const Run> runs) {
  const size_t rows = rows_of(runs);
  Parents parents{std::vector<uint32_t>(rows, kNoRow), std::vector<SpanId>(rows)};
  std::vector<int64_t> codes(rows);
  decode_ints(in, codes);
  for (const Run& run : runs) {
    for (uint32_t row = run.begin; row < run.end; ++row) {
      const int64_t code = codes[row];
      if (code == 0) continue;
      if (code == 1) {
        parents.ids[row] = in.bits.get(64);
        continue;
      }
      if (static_cast<uint64_t>(code) > 2 * rows + 1) return in.fail(), parents;
      const int64_t at = int64_t{row} - unzigzag(static_cast<uint64_t>(code) - 1);
      if (at < run.begin || at >= run.end) return in.fail(), parents;
      parents.rows[row] = static_cast<uint32_t>(at);
    }
  }
  return parents;
}

void encode_starts(std::span<const int64_t> starts, std::span<const uint32_t> parent_rows,
                   std::span<const Run> runs, ChunkWriter& out) {
  std::vector<int64_t> distances;
  distances.reserve(rows_of(runs));
  for (const Run& run : runs) {
    for (uint32_t row = run.begin + 1; row < run.end; ++row) {
      const uint32_t parent = parent_rows[row];
      distances.push_back(subtract(starts[row], parent < row ? starts[parent] : run.start_ns));
    }
  }
  encode_ints(distances, IntKind::kNoise, out);
}

std::vector<int64_t> decode_starts(ChunkReader& in, std::span<const uint32_t> parent_rows,
                                   std::span<const Run> runs) {
  std::vector<int64_t> starts(rows_of(runs));
  std::vector<int64_t> distances(starts.size() - runs.size());
  decode_ints(in, distances);
  size_t next = 0;
  for (const Run& run : runs) {
    starts[run.begin] = run.start_ns;
    for (uint32_t row = run.begin + 1; row < run.end; ++row) {
      const uint32_t parent = parent_rows[row];
      starts[row] = add(distances[next++], parent < row ? starts[parent] : run.start_ns);
    }
  }
  return starts;
}

void encode_times(std::span<const int64_t> times, std::span<const Run> runs, ChunkWriter& out) {
  std::vector<int64_t> distances;
  distances.reserve(rows_of(runs));
  for (const Run& run : runs) {
    for (uint32_t row = run.begin + 1; row < run.end; ++row)
      distances.push_back(subtract(times[row], times[row - 1]));
  }
  encode_ints(distances, IntKind::kNoise, out);
}

std::vector<int64_t> decode_times(ChunkReader& in, std::span<const Run> runs) {
  std::vector<int64_t> times(rows_of(runs));
  std::vector<int64_t> distances(times.size() - runs.size());
  decode_ints(in, distances);
  size_t next = 0;
  for (const Run& run : runs) {
    times[run.begin] = run.start_ns;
    for (uint32_t row = run.begin + 1; row < run.end; ++row)
      times[row] = add(times[row - 1], distances[next++]);
  }
  return times;
}

// Code of a log record's span id: 0: it follows; k: the k-th last different one of this run.

void encode_log_span_ids(std::span<const SpanId> ids, std::span<const Run> runs, ChunkWriter& out) {
  std::vector<int64_t> codes;
  codes.reserve(rows_of(runs));
  std::vector<SpanId> seen;
  for (const Run& run : runs) {
    seen.clear();
    for (uint32_t row = run.begin; row < run.end; ++row) {
      int64_t code = 0;
      for (size_t back = 1; back <= std::min(seen.size(), kSharedIdsMax) && code == 0; ++back) {
        if (seen[seen.size() - back] == ids[row]) code = static_cast<int64_t>(back);
      }
      codes.push_back(code);
      if (code != 0) continue;
      seen.push_back(ids[row]);
      out.bits.put(ids[row], 64);
    }
  }
  encode_ints(codes, IntKind::kCodes, out);
}

std::vector<SpanId> decode_log_span_ids(ChunkReader& in, std::span<const Run> runs) {
  std::vector<SpanId> ids(rows_of(runs));
  std::vector<int64_t> codes(ids.size());
  decode_ints(in, codes);
  std::vector<SpanId> seen;
  for (const Run& run : runs) {
    seen.clear();
    for (uint32_t row = run.begin; row < run.end; ++row) {
      const auto code = static_cast<uint64_t>(codes[row]);
      if (code > seen.size()) return in.fail(), ids;
      if (code == 0) seen.push_back(in.bits.get(64));
      ids[row] = code == 0 ? seen.back() : seen[seen.size() - code];
    }
  }
  return ids;
}

ResourceGuess::ResourceGuess(std::span<const uint32_t> service_of_resource, size_t services)
    : first_of_service_(services), last_of_service_(services), run_of_service_(services) {
  for (size_t r = service_of_resource.size(); r-- > 0;) {
    first_of_service_[service_of_resource[r]] = static_cast<uint32_t>(r);
  }
}

// Code of a resource: 0: as guessed; else 1 + its index.

void encode_resources(std::span<const uint32_t> resources,
                      std::span<const uint32_t> service_of_resource, size_t services,
                      std::span<const Run> runs, ChunkWriter& out) {
  std::vector<int64_t> codes;
  codes.reserve(rows_of(runs));
  ResourceGuess guess(service_of_resource, services);
  for (const Run& run : runs) {
    guess.next_run();
    for (uint32_t row = run.begin; row < run.end; ++row) {
      const uint32_t service = service_of_resource[resources[row]];
      codes.push_back(guess.guess(service) == resources[row] ? 0 : int64_t{1} + resources[row]);
      guess.set(service, resources[row]);
    }
  }
  encode_ints(codes, IntKind::kCodes, out);
}

std::vector<uint32_t> decode_resources(ChunkReader& in, std::span<const uint32_t> row_services,
                                       std::span<const uint32_t> service_of_resource,
                                       size_t services, std::span<const Run> runs) {
  std::vector<uint32_t> resources(row_services.size());
  std::vector<uint32_t> codes(row_services.size());
  decode_below<uint32_t>(in, codes, service_of_resource.size() + 1);
  if (!in.ok() || service_of_resource.empty()) return in.fail(), resources;
  ResourceGuess guess(service_of_resource, services);
  for (const Run& run : runs) {
    guess.next_run();
    for (uint32_t row = run.begin; row < run.end; ++row) {
      resources[row] = codes[row] == 0 ? guess.guess(row_services[row]) : codes[row] - 1;
      guess.set(row_services[row], resources[row]);
    }
  }
  return resources;
}

}  // namespace vedette::store::engine
