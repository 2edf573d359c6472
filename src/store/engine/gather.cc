#include "store/engine/gather.h"

#include <unordered_map>

namespace vedette::store::engine {
namespace {

using model::AttributeColumn;
using model::AttributeColumns;
using model::AttributeList;
using model::LogBatch;
using model::Resource;
using model::Scope;
using model::SpanBatch;
using model::StringId;
using model::StringTable;
using model::Value;
using model::ValueType;

constexpr uint32_t kNone = UINT32_MAX;

uint64_t mix(uint64_t h, uint64_t v) {
  h = (h ^ v) * 0x9e3779b97f4a7c15ull;
  return h ^ (h >> 29);
}

uint64_t hash_of(const AttributeList& list) {
  uint64_t h = list.items.size();
  for (const auto& item : list.items)
    h = mix(mix(mix(h, item.key), uint64_t(item.value.type)), item.value.bits);
  return h;
}
uint64_t hash_of(const Resource& r) {
  return mix(mix(hash_of(r.attributes), r.service), r.schema_url);
}
uint64_t hash_of(const Scope& s) {
  return mix(mix(mix(hash_of(s.attributes), s.name), s.version), s.schema_url);
}

/// Numbers things that are equal alike.
template <typename T>
class Numbering {
 public:
  explicit Numbering(std::vector<T>& out) : out_(out) {}
  uint32_t number(T thing) {
    std::vector<uint32_t>& same_hash = by_hash_[hash_of(thing)];
    for (const uint32_t i : same_hash) {
      if (out_[i] == thing) return i;
    }
    same_hash.push_back(static_cast<uint32_t>(out_.size()));
    out_.push_back(std::move(thing));
    return same_hash.back();
  }

 private:
  std::vector<T>& out_;
  std::unordered_map<uint64_t, std::vector<uint32_t>> by_hash_;
};

bool is_text(ValueType type) {
  return type == ValueType::kString || type >= ValueType::kBytes;
}

/// One source's numbers in terms of the new batch.
template <typename Batch>
class Source {
 public:
  Source(const Batch& batch, Batch& out, Numbering<Resource>& resources, Numbering<Scope>& scopes)
      : batch_(batch),
        out_(out),
        resources_(resources),
        scopes_(scopes),
        strings_(batch.strings.size(), kNone),
        resource_(batch.resources.size(), kNone),
        scope_(batch.scopes.size(), kNone) {}

  StringId string(StringId id) {
    StringId& to = strings_[id];
    if (to == kNone) to = out_.strings.intern(batch_.strings[id], batch_.strings.hash(id));
    return to;
  }
  Value value(Value v) {
    if (is_text(v.type)) v.bits = string(v.text_id());
    return v;
  }
  uint32_t resource(uint32_t i) {
    if (resource_[i] == kNone) {
      const Resource& from = batch_.resources[i];
      resource_[i] =
          resources_.number({string(from.service), string(from.schema_url), list(from.attributes)});
    }
    return resource_[i];
  }
  uint32_t scope(uint32_t i) {
    if (scope_[i] == kNone) {
      const Scope& from = batch_.scopes[i];
      scope_[i] = scopes_.number({string(from.name), string(from.version), string(from.schema_url),
                                  list(from.attributes)});
    }
    return scope_[i];
  }

 private:
  AttributeList list(const AttributeList& from) {
    AttributeList to;
    for (const auto& item : from.items) to.items.push_back({string(item.key), value(item.value)});
    return to;
  }

  const Batch& batch_;
  Batch& out_;
  Numbering<Resource>& resources_;
  Numbering<Scope>& scopes_;
  std::vector<StringId> strings_;
  std::vector<uint32_t> resource_;
  std::vector<uint32_t> scope_;
};

/// Where the rows of each source went; empty for a source of which none was taken.
using Places = std::vector<std::vector<uint32_t>>;

/// Merges attribute columns of many sources, key by key.
template <typename Batch>
class AttributeGather {
 public:
  AttributeGather(std::vector<Source<Batch>>& sources, const Places& places, size_t rows)
      : sources_(sources), places_(places), rows_(rows) {}

  void add(uint32_t source, const AttributeColumns& columns) {
    for (const AttributeColumn& column : columns.columns()) {
      const StringId key = sources_[source].string(column.key);
      if (key >= of_key_.size()) of_key_.resize(key + 16, kNone);
      if (of_key_[key] == kNone) {
        of_key_[key] = static_cast<uint32_t>(keys_.size());
        keys_.push_back({key, {}});
      }
      keys_[of_key_[key]].pieces.push_back({source, &column});
    }
  }

  void finish(AttributeColumns& out) {
    at_row_.assign(rows_, 0);
    for (const Key& key : keys_) {
      AttributeColumn column = merge(key);
      if (!column.rows.empty()) out.add_column(std::move(column));
    }
  }

 private:
  struct Piece {
    uint32_t source;
    const AttributeColumn* column;
  };
  struct Key {
    StringId key;
    std::vector<Piece> pieces;
  };

  AttributeColumn merge(const Key& key) {
    AttributeColumn arrived;
    arrived.key = key.key;
    size_t most = 0;
    for (const Piece& piece : key.pieces) most += piece.column->size();
    arrived.rows.reserve(most);
    arrived.types.reserve(most);
    arrived.bits.reserve(most);
    for (const Piece& piece : key.pieces) append(piece, arrived);
    if (std::is_sorted(arrived.rows.begin(), arrived.rows.end())) return arrived;
    return in_row_order(arrived);
  }

  void append(const Piece& piece, AttributeColumn& to) {
    const std::vector<uint32_t>& places = places_[piece.source];
    Source<Batch>& source = sources_[piece.source];
    const AttributeColumn& from = *piece.column;
    for (size_t i = 0; i < from.size(); ++i) {
      const uint32_t row = places[from.rows[i]];
      if (row == kNone) continue;
      to.rows.push_back(row);
      to.types.push_back(from.types[i]);
      to.bits.push_back(is_text(from.types[i]) ? source.string(static_cast<StringId>(from.bits[i]))
                                               : from.bits[i]);
    }
  }

  AttributeColumn in_row_order(const AttributeColumn& arrived) {
    AttributeColumn column;
    column.key = arrived.key;
    column.rows.reserve(arrived.size());
    column.types.reserve(arrived.size());
    column.bits.reserve(arrived.size());
    const auto take = [&](uint32_t row, uint32_t i) {
      column.rows.push_back(row);
      column.types.push_back(arrived.types[i]);
      column.bits.push_back(arrived.bits[i]);
    };
    if (arrived.size() < rows_ / 16) {
      std::vector<uint64_t> order(arrived.size());
      for (size_t i = 0; i < order.size(); ++i) order[i] = uint64_t{arrived.rows[i]} << 32 | i;
      std::sort(order.begin(), order.end());
      for (const uint64_t o : order) take(static_cast<uint32_t>(o >> 32), static_cast<uint32_t>(o));
      return column;
    }
    for (size_t i = 0; i < arrived.size(); ++i)
      at_row_[arrived.rows[i]] = static_cast<uint32_t>(i + 1);
    for (uint32_t row = 0; row < rows_; ++row) {
      if (at_row_[row] == 0) continue;
      take(row, at_row_[row] - 1);
      at_row_[row] = 0;
    }
    return column;
  }

  std::vector<Source<Batch>>& sources_;
  const Places& places_;
  size_t rows_;
  std::vector<uint32_t> of_key_;
  std::vector<Key> keys_;
  std::vector<uint32_t> at_row_;
};

/// Copies one column; empty where the sources do not have it.
template <typename Batch, typename Column, typename Fn>
void copy(std::span<const Batch* const> sources, std::span<const RowRef> order,
          Column Batch::*column, Batch& out, Fn&& convert) {
  if (order.empty() || (sources[order[0].source]->*column).empty()) return;
  Column& to = out.*column;
  to.resize(order.size());
  for (size_t i = 0; i < order.size(); ++i) {
    to[i] = convert(order[i].source, (sources[order[i].source]->*column)[order[i].row]);
  }
}

template <typename Batch>
Places places_of(std::span<const Batch* const> sources, std::span<const RowRef> order) {
  Places places(sources.size());
  for (uint32_t i = 0; i < order.size(); ++i) {
    std::vector<uint32_t>& of_source = places[order[i].source];
    if (of_source.empty()) of_source.assign(sources[order[i].source]->size(), kNone);
    of_source[order[i].row] = i;
  }
  return places;
}

/// What spans and logs have in common. Keeps the per-source state for the rest.
template <typename Batch>
struct Common {
  Common(std::span<const Batch* const> sources, std::span<const RowRef> order, Batch& out)
      : resources(out.resources), scopes(out.scopes), places(places_of(sources, order)) {
    of.reserve(sources.size());
    for (const Batch* batch : sources) of.emplace_back(*batch, out, resources, scopes);
    AttributeGather<Batch> attributes(of, places, order.size());
    for (uint32_t s = 0; s < sources.size(); ++s) {
      if (!places[s].empty()) attributes.add(s, sources[s]->attributes);
    }
    attributes.finish(out.attributes);
    const auto same = [](uint32_t, auto v) { return v; };
    copy(sources, order, &Batch::resource, out,
         [&](uint32_t s, uint32_t v) { return of[s].resource(v); });
    copy(sources, order, &Batch::scope, out,
         [&](uint32_t s, uint32_t v) { return of[s].scope(v); });
    copy(sources, order, &Batch::trace_id, out, same);
    copy(sources, order, &Batch::span_id, out, same);
    copy(sources, order, &Batch::flags, out, same);
    copy(sources, order, &Batch::dropped_attributes, out, same);
  }

  Numbering<Resource> resources;
  Numbering<Scope> scopes;
  Places places;
  std::vector<Source<Batch>> of;
};

/// Events or links: rows of their own, that follow the spans they belong to.
struct NestedRef {
  uint32_t span_row;
  uint32_t source;
  uint32_t row;
};

template <typename Nested>
std::vector<NestedRef> nested_order(std::span<const SpanBatch* const> sources,
                                    const Places& span_places, Nested SpanBatch::*nested,
                                    Places& places) {
  std::vector<NestedRef> order;
  places.resize(sources.size());
  for (uint32_t s = 0; s < sources.size(); ++s) {
    const std::vector<uint32_t>& rows = (sources[s]->*nested).span_row;
    if (span_places[s].empty() || rows.empty()) continue;
    for (uint32_t i = 0; i < rows.size(); ++i) {
      if (span_places[s][rows[i]] != kNone) order.push_back({span_places[s][rows[i]], s, i});
    }
  }
  std::stable_sort(order.begin(), order.end(),
                   [](const NestedRef& a, const NestedRef& b) { return a.span_row < b.span_row; });
  for (uint32_t i = 0; i < order.size(); ++i) {
    std::vector<uint32_t>& of_source = places[order[i].source];
    if (of_source.empty()) of_source.assign((sources[order[i].source]->*nested).size(), kNone);
    of_source[order[i].row] = i;
  }
  return order;
}

template <typename Nested>
void gather_nested_attributes(std::span<const SpanBatch* const> sources, Common<SpanBatch>& common,
                              Nested SpanBatch::*nested, const Places& places, size_t rows,
                              AttributeColumns& out) {
  AttributeGather<SpanBatch> attributes(common.of, places, rows);
  for (uint32_t s = 0; s < sources.size(); ++s) {
    if (!places[s].empty()) attributes.add(s, (sources[s]->*nested).attributes);
  }
  attributes.finish(out);
}

void gather_events(std::span<const SpanBatch* const> sources, Common<SpanBatch>& common,
                   SpanBatch& out) {
  Places places;
  const std::vector<NestedRef> order =
      nested_order(sources, common.places, &SpanBatch::events, places);
  for (const NestedRef& ref : order) {
    const model::EventColumns& from = sources[ref.source]->events;
    out.events.span_row.push_back(ref.span_row);
    out.events.time_ns.push_back(from.time_ns[ref.row]);
    out.events.name.push_back(common.of[ref.source].string(from.name[ref.row]));
    out.events.dropped_attributes.push_back(from.dropped_attributes[ref.row]);
  }
  gather_nested_attributes(sources, common, &SpanBatch::events, places, order.size(),
                           out.events.attributes);
}

void gather_links(std::span<const SpanBatch* const> sources, Common<SpanBatch>& common,
                  SpanBatch& out) {
  Places places;
  const std::vector<NestedRef> order =
      nested_order(sources, common.places, &SpanBatch::links, places);
  for (const NestedRef& ref : order) {
    const model::LinkColumns& from = sources[ref.source]->links;
    out.links.span_row.push_back(ref.span_row);
    out.links.trace_id.push_back(from.trace_id[ref.row]);
    out.links.span_id.push_back(from.span_id[ref.row]);
    out.links.trace_state.push_back(common.of[ref.source].string(from.trace_state[ref.row]));
    out.links.flags.push_back(from.flags[ref.row]);
    out.links.dropped_attributes.push_back(from.dropped_attributes[ref.row]);
  }
  gather_nested_attributes(sources, common, &SpanBatch::links, places, order.size(),
                           out.links.attributes);
}

}  // namespace

SpanBatch gather(std::span<const SpanBatch* const> sources, std::span<const RowRef> order) {
  SpanBatch out;
  Common<SpanBatch> common(sources, order, out);
  const auto same = [](uint32_t, auto v) { return v; };
  const auto text = [&](uint32_t s, StringId id) { return common.of[s].string(id); };
  copy(sources, order, &SpanBatch::parent_span_id, out, same);
  copy(sources, order, &SpanBatch::start_ns, out, same);
  copy(sources, order, &SpanBatch::duration_ns, out, same);
  copy(sources, order, &SpanBatch::name, out, text);
  copy(sources, order, &SpanBatch::kind, out, same);
  copy(sources, order, &SpanBatch::status, out, same);
  copy(sources, order, &SpanBatch::status_message, out, text);
  copy(sources, order, &SpanBatch::trace_state, out, text);
  copy(sources, order, &SpanBatch::dropped_events, out, same);
  copy(sources, order, &SpanBatch::dropped_links, out, same);
  gather_events(sources, common, out);
  gather_links(sources, common, out);
  return out;
}

LogBatch gather(std::span<const LogBatch* const> sources, std::span<const RowRef> order) {
  LogBatch out;
  Common<LogBatch> common(sources, order, out);
  const auto same = [](uint32_t, auto v) { return v; };
  const auto text = [&](uint32_t s, StringId id) { return common.of[s].string(id); };
  copy(sources, order, &LogBatch::time_ns, out, same);
  copy(sources, order, &LogBatch::observed_ns, out, same);
  copy(sources, order, &LogBatch::severity, out, same);
  copy(sources, order, &LogBatch::severity_text, out, text);
  copy(sources, order, &LogBatch::body, out,
       [&](uint32_t s, Value v) { return common.of[s].value(v); });
  copy(sources, order, &LogBatch::event_name, out, text);
  return out;
}

}  // namespace vedette::store::engine
