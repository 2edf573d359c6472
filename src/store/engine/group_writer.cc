#include "store/engine/group_writer.h"

#include "store/engine/bloom.h"
#include "store/engine/checksum.h"
#include "store/engine/chunk.h"
#include "store/engine/group_columns.h"
#include "store/engine/head_list.h"
#include "store/engine/int_codec.h"
#include "store/engine/nested_codec.h"
#include "store/engine/run_codec.h"
#include "store/engine/value_codec.h"
#include "store/engine/words.h"

namespace vedette::store::engine {
namespace {

using model::LogBatch;
using model::SpanBatch;
using model::StringId;
using model::Value;
using model::ValueType;

constexpr uint32_t kBlockRows = 8192;        // a block ends with the trace that reaches this
constexpr uint32_t kRunRowsMax = 16384;      // of one trace in one block
constexpr size_t kBlockTextMax = 16u << 20;  // about, of distinct texts
constexpr size_t kTraceFilterBits = 10;
constexpr size_t kValueFilterBits = 8;
constexpr size_t kWordFilterBits = 8;
constexpr double kRandomBitsMax = 1.0;  // of a value beyond what shapes tell already, to be joined
constexpr size_t kFewValues = 8;        // columns with so few values are joined however random

template <typename Batch>
class GroupWriter {
 public:
  GroupWriter(const Batch& batch, std::string& out) : b_(batch), out_(out), begin_(out.size()) {}

  GroupPlace write() {
    number_origins();
    columns_ = sparse_columns(b_, meta_.service_of_resource);
    join_columns();
    const size_t text_per_row = b_.strings.bytes() / b_.size() + 1;
    const auto block_rows =
        static_cast<uint32_t>(std::clamp<size_t>(kBlockTextMax / text_per_row, 256, kBlockRows));
    runs_ =
        find_runs(b_.trace_id, row_times(b_), std::max(kRunRowsMax * block_rows / kBlockRows, 1u));
    if constexpr (kSpans) parent_rows_ = find_parents(b_.span_id, b_.parent_span_id, runs_);
    next_value_.assign(columns_.columns.size(), 0);
    for (size_t first = 0; first < runs_.size();) {
      size_t last = first;
      while (last < runs_.size() && runs_[last].end - runs_[first].begin < block_rows) ++last;
      last = std::min(last + 1, runs_.size());
      write_block(std::span(runs_).subspan(first, last - first));
      first = last;
    }
    return finish();
  }

 private:
  static constexpr bool kSpans = std::is_same_v<Batch, SpanBatch>;

  StringId text(StringId id) { return meta_.strings.intern(b_.strings[id], b_.strings.hash(id)); }
  Value value(Value v) {
    if (v.has_text()) v.bits = text(v.text_id());
    return v;
  }
  model::AttributeList list(const model::AttributeList& from) {
    model::AttributeList to;
    for (const auto& item : from.items) to.items.push_back({text(item.key), value(item.value)});
    return to;
  }

  void number_origins() {
    std::vector<uint32_t> service_of_text;
    for (const model::Resource& r : b_.resources) {
      const StringId name = text(r.service);
      if (name >= service_of_text.size()) service_of_text.resize(name + 16, kNoRow);
      if (service_of_text[name] == kNoRow) {
        service_of_text[name] = static_cast<uint32_t>(meta_.services.size());
        meta_.services.push_back(name);
      }
      meta_.service_of_resource.push_back(service_of_text[name]);
      meta_.resources.push_back({name, text(r.schema_url), list(r.attributes)});
    }
    for (const model::Scope& s : b_.scopes) {
      meta_.scopes.push_back(
          {text(s.name), text(s.version), text(s.schema_url), list(s.attributes)});
    }
  }

  /// Joins what can be joined: columns of few values first, then the presence of the others.
  void join_columns() {
    const size_t n = columns_.columns.size();
    struct Candidate {
      uint16_t column;
      std::vector<uint16_t> codes;
      std::vector<Value> values;
    };
    std::vector<Candidate> candidates;
    ValueNumbers numbers;
    for (uint16_t c = 0; c < n; ++c) {
      const SparseColumn& from = columns_.columns[c];
      GroupColumn& column = meta_.columns.emplace_back();
      column.id = {from.id.field, from.id.field == FixedColumn::kAttribute ? text(from.id.key) : 0};
      for (const ValueType type : from.types)
        column.types |= static_cast<uint8_t>(1u << static_cast<unsigned>(type));
      if (auto codes = numbers.number(from.types, from.bits)) {
        candidates.push_back({c, *std::move(codes), std::move(numbers.values())});
      }
    }
    std::stable_sort(candidates.begin(), candidates.end(), [](const auto& a, const auto& b) {
      return a.values.size() < b.values.size();
    });
    ShapeJoin shapes(b_.size());
    for (Candidate& c : candidates) {
      const double bits_max = c.values.size() <= kFewValues ? 64 : kRandomBitsMax;
      if (!shapes.join(c.column, columns_.columns[c.column].rows, c.codes, bits_max)) continue;
      GroupColumn& column = meta_.columns[c.column];
      column.storage = GroupColumn::kJoined;
      for (const Value v : c.values) column.values.push_back(value(v));
    }
    for (uint16_t c = 0; c < n; ++c) {
      if (meta_.columns[c].storage == GroupColumn::kJoined) continue;
      const SparseColumn& from = columns_.columns[c];
      const std::vector<uint16_t> present(from.rows.size(), 0);
      if (shapes.join(c, from.rows, present, 64)) meta_.columns[c].storage = GroupColumn::kPresence;
    }
    meta_.shapes = shapes.finish(shape_of_row_);
  }

  void write_block(std::span<const Run> runs) {
    const RowRange rows{runs.front().begin, runs.back().end};
    BlockMeta& block = meta_.blocks.emplace_back();
    block.rows = rows.end - rows.begin;
    block.first_start_ns = runs.front().start_ns;
    const auto times = std::span(row_times(b_)).subspan(rows.begin, block.rows);
    const auto [min, max] = std::minmax_element(times.begin(), times.end());
    block.min_ns = *min;
    block.max_ns = *max;
    count_shapes(rows, block);
    chunk(kTraceChunk, [&](ChunkWriter& c) { encode_runs(runs, c); });
    if constexpr (kSpans) {
      write_span_chunks(runs, rows, block);
    } else {
      chunk(kSpanIdChunk, [&](ChunkWriter& c) { encode_log_span_ids(b_.span_id, runs, c); });
      chunk(kTimeChunk, [&](ChunkWriter& c) { encode_times(b_.time_ns, runs, c); });
    }
    chunk(kShapeChunk, [&](ChunkWriter& c) {
      encode_unsigned<uint16_t>(std::span(shape_of_row_).subspan(rows.begin, block.rows),
                                IntKind::kCodes, c);
    });
    chunk(kResourceChunk, [&](ChunkWriter& c) {
      encode_resources(b_.resource, meta_.service_of_resource, meta_.services.size(), runs, c);
    });
    write_columns(rows);
    write_trace_filter(runs);
  }

  void write_span_chunks(std::span<const Run> runs, RowRange rows, BlockMeta& block) {
    const auto durations = std::span(b_.duration_ns).subspan(rows.begin, rows.end - rows.begin);
    const auto [shortest, longest] = std::minmax_element(durations.begin(), durations.end());
    block.min_duration_ns = *shortest;
    block.max_duration_ns = *longest;
    chunk(kSpanIdChunk, [&](ChunkWriter& c) { encode_span_ids(b_.span_id, runs, c); });
    chunk(kParentChunk,
          [&](ChunkWriter& c) { encode_parents(b_.parent_span_id, parent_rows_, runs, c); });
    chunk(kTimeChunk, [&](ChunkWriter& c) { encode_starts(b_.start_ns, parent_rows_, runs, c); });
    chunk(kDurationChunk, [&](ChunkWriter& c) { encode_ints(durations, IntKind::kNoise, c); });
    chunk(kEventChunk, [&](ChunkWriter& c) { encode_events(b_, rows, scratch_, c); });
    chunk(kLinkChunk, [&](ChunkWriter& c) { encode_links(b_, rows, scratch_, c); });
  }

  void write_columns(RowRange rows) {
    std::vector<uint64_t> value_hashes;
    std::vector<StringId> bodies;
    for (uint32_t i = 0; i < columns_.columns.size(); ++i) {
      if (meta_.columns[i].storage != GroupColumn::kJoined)
        write_column(i, rows, value_hashes, bodies);
    }
    if (!columns_.rest.empty()) {
      chunk(kRestChunk, [&](ChunkWriter& c) {
        encode_attributes(columns_.rest, rows, b_.strings, scratch_, c);
      });
    }
    if (!value_hashes.empty()) filter(kValueFilter, value_hashes, kValueFilterBits);
    if (!bodies.empty()) write_word_filter(bodies);
  }

  void write_column(uint32_t index, RowRange rows, std::vector<uint64_t>& value_hashes,
                    std::vector<StringId>& bodies) {
    const SparseColumn& column = columns_.columns[index];
    const size_t begin = next_value_[index];
    size_t end = begin;
    while (end < column.rows.size() && column.rows[end] < rows.end) ++end;
    next_value_[index] = end;
    if (begin == end) return;
    std::vector<StringId> texts;
    chunk(kFirstColumn + index, [&](ChunkWriter& c) {
      if (meta_.columns[index].storage == GroupColumn::kApart) {
        c.meta_writer().varint(end - begin);
        encode_rows(column.rows.subspan(begin, end - begin), rows.begin, c);
      }
      encode_values(
          {column.types.subspan(begin, end - begin), column.bits.subspan(begin, end - begin)},
          b_.strings, scratch_, c, &texts);
    });
    if (column.id.field == FixedColumn::kBody) bodies = std::move(texts);
    if (column.id.field != FixedColumn::kAttribute) return;
    const uint64_t key = b_.strings.hash(column.id.key);
    for (const StringId id : texts) value_hashes.push_back(hash_pair(key, b_.strings.hash(id)));
  }

  void write_word_filter(const std::vector<StringId>& bodies) {
    std::vector<uint64_t> hashes;
    for (const StringId id : bodies) {
      for_each_word(b_.strings[id],
                    [&](std::string_view word) { hashes.push_back(hash_word(word)); });
    }
    std::sort(hashes.begin(), hashes.end());
    hashes.erase(std::unique(hashes.begin(), hashes.end()), hashes.end());
    filter(kWordFilter, hashes, kWordFilterBits);
  }

  void write_trace_filter(std::span<const Run> runs) {
    std::vector<uint64_t> hashes;
    for (const Run& run : runs) {
      if (run.trace.valid()) hashes.push_back(hash_pair(run.trace.hi, run.trace.lo));
    }
    if (!hashes.empty()) filter(kTraceFilter, hashes, kTraceFilterBits);
  }

  void count_shapes(RowRange rows, BlockMeta& block) {
    std::vector<uint32_t>& counts = shape_counts_;
    counts.assign(meta_.shapes.size(), 0);
    for (uint32_t row = rows.begin; row < rows.end; ++row) ++counts[shape_of_row_[row]];
    for (size_t s = 0; s < counts.size(); ++s) {
      if (counts[s] > 0) block.shapes.push_back({static_cast<uint16_t>(s), counts[s]});
    }
  }

  template <typename Fill>
  void chunk(uint32_t kind, Fill&& fill) {
    ChunkWriter writer;
    fill(writer);
    if (writer.empty() && kind >= kEventChunk) return;
    const size_t at = out_.size();
    writer.finish(out_);
    placed(kind, at);
  }
  void filter(uint32_t kind, std::span<const uint64_t> hashes, size_t bits) {
    const size_t at = out_.size();
    append_bloom(hashes, bits, out_);
    placed(kind, at);
  }
  void placed(uint32_t kind, size_t at) {
    const std::string_view bytes = std::string_view(out_).substr(at);
    meta_.blocks.back().chunks.push_back({kind, static_cast<uint32_t>(bytes.size()), at - begin_,
                                          static_cast<uint32_t>(checksum(bytes))});
  }

  GroupPlace finish() {
    GroupPlace place;
    place.blocks_bytes = out_.size() - begin_;
    place.rows = static_cast<uint32_t>(b_.size());
    place.blocks = static_cast<uint32_t>(meta_.blocks.size());
    place.min_ns = meta_.blocks[0].min_ns;
    place.max_ns = meta_.blocks[0].max_ns;
    place.first_start_ns = meta_.blocks[0].first_start_ns;
    for (const BlockMeta& block : meta_.blocks) {
      place.min_ns = std::min(place.min_ns, block.min_ns);
      place.max_ns = std::max(place.max_ns, block.max_ns);
    }
    const std::string meta = meta_.encode();
    const std::string packed = compress(meta);
    const std::string& stored = packed.empty() ? meta : packed;
    place.meta_size = static_cast<uint32_t>(meta.size());
    place.meta_packed = static_cast<uint32_t>(stored.size());
    place.meta_checksum = checksum(stored);
    out_ += stored;
    return place;
  }

  const Batch& b_;
  std::string& out_;
  const size_t begin_;
  GroupMeta meta_;
  SparseColumns columns_;
  std::vector<uint16_t> shape_of_row_;
  std::vector<Run> runs_;
  std::vector<uint32_t> parent_rows_;
  std::vector<size_t> next_value_;  // by column: the first that no block has yet
  std::vector<uint32_t> shape_counts_;
  FirstUse scratch_;
};

}  // namespace

GroupPlace encode_group(const SpanBatch& sorted, std::string& out) {
  return GroupWriter(sorted, out).write();
}
GroupPlace encode_group(const LogBatch& sorted, std::string& out) {
  return GroupWriter(sorted, out).write();
}

}  // namespace vedette::store::engine
