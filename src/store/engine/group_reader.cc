#include "store/engine/group_reader.h"

#include <set>

#include "store/engine/checksum.h"
#include "store/engine/chunk.h"
#include "store/engine/group_columns.h"
#include "store/engine/int_codec.h"
#include "store/engine/nested_codec.h"
#include "store/engine/run_codec.h"
#include "store/engine/value_codec.h"

namespace vedette::store::engine {
namespace {

using model::LogBatch;
using model::SpanBatch;
using model::StringId;
using model::Value;
using model::ValueType;

constexpr uint64_t kReadGapMax = 8u << 10;  // bytes read for nothing to save a call
constexpr uint32_t kMetaSizeMax = 256u << 20;
constexpr uint32_t kNone = UINT32_MAX;

Error corrupt(const std::string& what) {
  return {Code::kCorruption, what + " is damaged"};
}

bool is_text_field(FixedColumn field) {
  return field == FixedColumn::kName || field == FixedColumn::kStatusMessage ||
         field == FixedColumn::kTraceState || field == FixedColumn::kSeverityText ||
         field == FixedColumn::kEventName;
}

template <typename Batch>
class BlockReader {
 public:
  BlockReader(const GroupMeta& meta, const BlockMeta& block, const ReadSet& set)
      : meta_(meta),
        block_(block),
        set_(set),
        rows_(block.rows),
        strings_(meta.strings.size(), kNone) {
    const std::set<std::string_view> keys(set.columns.attributes.begin(),
                                          set.columns.attributes.end());
    wanted_.resize(meta.columns.size());
    for (size_t i = 0; i < wanted_.size(); ++i) wanted_[i] = wants(meta.columns[i].id, keys);
    for (const std::string& key : set.columns.attributes) wants_rest_ |= !known_key(key);
    wants_rest_ |= set.columns.all_attributes;
  }

  std::vector<uint32_t> kinds() const {
    std::vector<uint32_t> kinds = {kTraceChunk, kTimeChunk, kShapeChunk};
    if (kSpans) kinds.push_back(kParentChunk);
    if (set_.span_ids) kinds.push_back(kSpanIdChunk);
    if (kSpans && set_.durations) kinds.push_back(kDurationChunk);
    if (set_.resources) kinds.push_back(kResourceChunk);
    if (set_.columns.events_and_links) kinds.insert(kinds.end(), {kEventChunk, kLinkChunk});
    if (wants_rest_) kinds.push_back(kRestChunk);
    for (uint32_t i = 0; i < wanted_.size(); ++i) {
      if (wanted_[i] && meta_.columns[i].storage != GroupColumn::kJoined)
        kinds.push_back(kFirstColumn + i);
    }
    return kinds;
  }

  Result<Batch> read(const Chunks& chunks) {
    chunks_ = &chunks;
    read_runs();
    read_shapes();
    if (set_.columns.names || set_.columns.details) make_fields();
    for (uint32_t i = 0; i < wanted_.size() && ok_; ++i) {
      if (wanted_[i]) read_column(i);
    }
    if (set_.resources && ok_) read_resources();
    if (wants_rest_ && ok_) {
      decode(kRestChunk, false,
             [&](ChunkReader& in) { decode_attributes(in, rows_, b_.strings, b_.attributes); });
    }
    if constexpr (kSpans) {
      if (set_.columns.events_and_links && ok_) {
        decode(kEventChunk, false, [&](ChunkReader& in) { decode_events(in, rows_, b_); });
        decode(kLinkChunk, false, [&](ChunkReader& in) { decode_links(in, rows_, b_); });
      }
    }
    if (!ok_) return corrupt(what_);
    return std::move(b_);
  }

 private:
  static constexpr bool kSpans = std::is_same_v<Batch, SpanBatch>;

  bool wants(ColumnId id, const std::set<std::string_view>& keys) const {
    switch (id.field) {
      case FixedColumn::kAttribute:
        return set_.columns.all_attributes || keys.contains(meta_.strings[id.key]);
      case FixedColumn::kService:
        return set_.resources;
      case FixedColumn::kName:
      case FixedColumn::kKind:
      case FixedColumn::kStatus:
      case FixedColumn::kSeverity:
      case FixedColumn::kBody:
        return set_.columns.names;
      default:
        return set_.columns.details;
    }
  }
  bool known_key(std::string_view key) const {
    return meta_.find_column({FixedColumn::kAttribute, meta_.strings.find(key).value_or(0)})
        .has_value();
  }

  /// Runs `fill` on a chunk, if it is there; a chunk that must be there and is not is damage.
  template <typename Fill>
  void decode(uint32_t kind, bool must, Fill&& fill) {
    const std::string_view bytes = chunks_->find(kind);
    if (bytes.empty()) {
      if (must) fail(kind);
      return;
    }
    Result<ChunkReader> chunk = ChunkReader::open(bytes, rows_);
    if (chunk.ok()) fill(*chunk);
    if (!chunk.ok() || !chunk->ok()) fail(kind);
  }
  void fail(uint32_t kind) {
    if (ok_) what_ = "chunk " + std::to_string(kind);
    ok_ = false;
  }

  void read_runs() {
    decode(kTraceChunk, true, [&](ChunkReader& in) { runs_ = decode_runs(in, rows_); });
    if (!ok_) return;
    if (set_.trace_ids) {
      b_.trace_id.resize(rows_);
      for (const Run& run : runs_)
        std::fill(b_.trace_id.begin() + run.begin, b_.trace_id.begin() + run.end, run.trace);
    }
    if constexpr (kSpans) {
      read_span_times();
    } else {
      decode(kTimeChunk, true, [&](ChunkReader& in) { b_.time_ns = decode_times(in, runs_); });
      if (set_.span_ids) {
        decode(kSpanIdChunk, true,
               [&](ChunkReader& in) { b_.span_id = decode_log_span_ids(in, runs_); });
      }
    }
  }

  void read_span_times() {
    Parents parents;
    decode(kParentChunk, true, [&](ChunkReader& in) { parents = decode_parents(in, runs_); });
    if (!ok_) return;
    decode(kTimeChunk, true,
           [&](ChunkReader& in) { b_.start_ns = decode_starts(in, parents.rows, runs_); });
    if (set_.span_ids) {
      decode(kSpanIdChunk, true, [&](ChunkReader& in) { b_.span_id = decode_span_ids(in, rows_); });
      if (!ok_) return;
      b_.parent_span_id = std::move(parents.ids);
      for (size_t row = 0; row < rows_; ++row) {
        if (parents.rows[row] != kNoRow) b_.parent_span_id[row] = b_.span_id[parents.rows[row]];
      }
    }
    if (!set_.durations) return;
    decode(kDurationChunk, true, [&](ChunkReader& in) {
      b_.duration_ns.resize(rows_);
      decode_ints(in, b_.duration_ns);
    });
  }

  void read_shapes() {
    shapes_.resize(rows_);
    decode(kShapeChunk, true,
           [&](ChunkReader& in) { decode_below<uint16_t>(in, shapes_, meta_.shapes.size()); });
  }

  void make_fields() {
    if constexpr (kSpans) {
      if (set_.columns.names) {
        b_.name.resize(rows_);
        b_.kind.resize(rows_);
        b_.status.resize(rows_);
      }
      if (set_.columns.details) {
        for (auto* column :
             {&b_.status_message, &b_.trace_state, &b_.dropped_events, &b_.dropped_links}) {
          column->resize(rows_);
        }
      }
    } else {
      if (set_.columns.names) {
        b_.severity.resize(rows_);
        b_.body.resize(rows_);
      }
      if (set_.columns.details) {
        b_.observed_ns = b_.time_ns;
        b_.severity_text.resize(rows_);
        b_.event_name.resize(rows_);
      }
    }
    if (!set_.columns.details) return;
    for (auto* column : {&b_.flags, &b_.scope, &b_.dropped_attributes}) column->resize(rows_);
    for (const model::Scope& s : meta_.scopes) {
      b_.scopes.push_back({text(s.name), text(s.version), text(s.schema_url), list(s.attributes)});
    }
  }

  void read_column(uint32_t index) {
    const GroupColumn& column = meta_.columns[index];
    model::AttributeColumn values;
    if (column.storage == GroupColumn::kJoined) {
      take_joined(index, values);
    } else if (block_.find(kFirstColumn + index)) {
      decode(kFirstColumn + index, true, [&](ChunkReader& in) {
        if (column.storage == GroupColumn::kPresence) {
          values.rows = rows_with(index);
        } else {
          const uint64_t count = in.meta.varint();
          if (count > rows_) return in.fail();
          values.rows = decode_rows(in, count, rows_, true);
        }
        decode_values(in, values.rows.size(), b_.strings, values.types, values.bits);
      });
    }
    if (!ok_ || values.rows.empty()) return;
    if (column.id.field != FixedColumn::kAttribute) return put_field(index, values);
    values.key = text(column.id.key);
    if (b_.attributes.find(values.key)) return fail(kFirstColumn + index);
    b_.attributes.add_column(std::move(values));
  }

  /// By shape: the shape's value index in this column, or kNone.
  std::vector<uint32_t> entries_of(uint32_t index) const {
    std::vector<uint32_t> entries(meta_.shapes.size(), kNone);
    for (const ShapeCount& s : block_.shapes) {
      for (const ShapeEntry& entry : meta_.shapes[s.shape]) {
        if (entry.column == index) entries[s.shape] = entry.value;
      }
    }
    return entries;
  }

  std::vector<uint32_t> rows_with(uint32_t index) const {
    const std::vector<uint32_t> entries = entries_of(index);
    std::vector<uint32_t> rows;
    for (uint32_t row = 0; row < rows_; ++row) {
      if (entries[shapes_[row]] != kNone) rows.push_back(row);
    }
    return rows;
  }

  void take_joined(uint32_t index, model::AttributeColumn& values) {
    const GroupColumn& column = meta_.columns[index];
    const std::vector<uint32_t> entries = entries_of(index);
    std::vector<Value> local(column.values.size());
    for (const ShapeCount& s : block_.shapes) {
      const uint32_t e = entries[s.shape];
      if (e != kNone) local[e] = value(column.values[e]);
    }
    for (uint32_t row = 0; row < rows_; ++row) {
      const uint32_t e = entries[shapes_[row]];
      if (e == kNone) continue;
      values.rows.push_back(row);
      values.types.push_back(local[e].type);
      values.bits.push_back(local[e].bits);
    }
  }

  void put_field(uint32_t index, const model::AttributeColumn& values) {
    const FixedColumn field = meta_.columns[index].id.field;
    if (field == FixedColumn::kService) services_.resize(rows_);
    for (size_t i = 0; i < values.rows.size(); ++i) {
      const Value v = values.value(i);
      const bool bad = (is_text_field(field) && v.type != ValueType::kString) ||
                       (field == FixedColumn::kScope && v.bits >= meta_.scopes.size()) ||
                       (field == FixedColumn::kService && v.bits >= meta_.services.size());
      if (bad) return fail(kFirstColumn + index);
      if (field == FixedColumn::kService) {
        services_[values.rows[i]] = static_cast<uint32_t>(v.bits);
      } else {
        set_field(b_, field, values.rows[i], v);
      }
    }
  }

  void read_resources() {
    services_.resize(rows_);
    decode(kResourceChunk, true, [&](ChunkReader& in) {
      b_.resource =
          decode_resources(in, services_, meta_.service_of_resource, meta_.services.size(), runs_);
    });
    if (!ok_) return;
    std::vector<uint32_t> local(meta_.resources.size(), kNone);
    for (uint32_t& r : b_.resource) {
      if (local[r] == kNone) {
        const model::Resource& from = meta_.resources[r];
        local[r] = static_cast<uint32_t>(b_.resources.size());
        b_.resources.push_back({text(from.service), text(from.schema_url), list(from.attributes)});
      }
      r = local[r];
    }
  }

  StringId text(StringId id) {
    StringId& local = strings_[id];
    if (local == kNone) local = b_.strings.intern(meta_.strings[id], meta_.strings.hash(id));
    return local;
  }
  Value value(Value v) {
    if (v.has_text()) v.bits = text(v.text_id());
    return v;
  }
  model::AttributeList list(const model::AttributeList& from) {
    model::AttributeList to;
    for (const auto& item : from.items) to.items.push_back({text(item.key), value(item.value)});
    return to;
  }

  const GroupMeta& meta_;
  const BlockMeta& block_;
  const ReadSet& set_;
  const size_t rows_;
  std::vector<StringId> strings_;  // of the group, as numbered in the batch
  std::vector<bool> wanted_;       // by column
  bool wants_rest_ = false;
  const Chunks* chunks_ = nullptr;
  Batch b_;
  std::vector<Run> runs_;
  std::vector<uint16_t> shapes_;
  std::vector<uint32_t> services_;
  bool ok_ = true;
  std::string what_;
};

}  // namespace

Result<GroupMeta> read_group_meta(const base::ReadableFile& file, const GroupPlace& place) {
  if (place.meta_size > kMetaSizeMax || place.meta_packed > kMetaSizeMax)
    return corrupt("a group's description");
  std::string stored(place.meta_packed, '\0');
  RETURN_IF_ERROR(file.read(place.offset + place.blocks_bytes, stored));
  if (checksum(stored) != place.meta_checksum) return corrupt("a group's description");
  if (place.meta_packed != place.meta_size) {
    ASSIGN_OR_RETURN(stored, decompress(stored, place.meta_size));
  }
  return GroupMeta::decode(stored);
}

Result<Chunks> Chunks::load(const base::ReadableFile& file, const GroupPlace& place,
                            const BlockMeta& block, std::vector<uint32_t> kinds) {
  Chunks chunks;
  std::sort(kinds.begin(), kinds.end());
  std::vector<const ChunkPlace*> places;
  for (const ChunkPlace& c : block.chunks) {
    if (c.length > 0 && std::binary_search(kinds.begin(), kinds.end(), c.kind))
      places.push_back(&c);
  }
  for (size_t first = 0; first < places.size();) {
    size_t last = first + 1;
    uint64_t end = places[first]->offset + places[first]->length;
    while (last < places.size() && places[last]->offset <= end + kReadGapMax) {
      end = places[last]->offset + places[last]->length;
      ++last;
    }
    const uint64_t begin = places[first]->offset;
    if (end > place.blocks_bytes) return corrupt("a block's list of chunks");
    auto piece = std::make_unique<std::string>(end - begin, '\0');
    RETURN_IF_ERROR(file.read(place.offset + begin, *piece));
    for (; first < last; ++first) {
      const ChunkPlace& c = *places[first];
      const std::string_view bytes = std::string_view(*piece).substr(c.offset - begin, c.length);
      if (static_cast<uint32_t>(checksum(bytes)) != c.checksum)
        return corrupt("chunk " + std::to_string(c.kind));
      chunks.by_kind_[c.kind] = bytes;
    }
    chunks.pieces_.push_back(std::move(piece));
  }
  return chunks;
}

std::string_view Chunks::find(uint32_t kind) const {
  const auto found = by_kind_.find(kind);
  return found == by_kind_.end() ? std::string_view() : found->second;
}

template <typename Batch>
Result<Batch> read_block(const base::ReadableFile& file, const GroupPlace& place,
                         const GroupMeta& meta, const BlockMeta& block, const ReadSet& set) {
  BlockReader<Batch> reader(meta, block, set);
  ASSIGN_OR_RETURN(const Chunks chunks, Chunks::load(file, place, block, reader.kinds()));
  return reader.read(chunks);
}
template Result<SpanBatch> read_block(const base::ReadableFile&, const GroupPlace&,
                                      const GroupMeta&, const BlockMeta&, const ReadSet&);
template Result<LogBatch> read_block(const base::ReadableFile&, const GroupPlace&, const GroupMeta&,
                                     const BlockMeta&, const ReadSet&);

}  // namespace vedette::store::engine
