#include "store/engine/wal_codec.h"

#include "store/engine/plain_columns.h"

namespace vedette::store::engine {
namespace {

using model::AttributeColumns;
using model::LogBatch;
using model::Resource;
using model::SampleBatch;
using model::Scope;
using model::SpanBatch;
using model::StringTable;
using model::Value;
using model::ValueType;

enum RecordFlags : uint8_t { kSpans = 1, kLogs = 2, kSamples = 4, kCarried = 8, kAllFlags = 15 };

template <typename T>
std::span<const uint8_t> bytes_of(const std::vector<T>& enums) {
  static_assert(sizeof(T) == 1);
  return {reinterpret_cast<const uint8_t*>(enums.data()), enums.size()};
}

template <typename T>
std::vector<T> enums_of(const std::vector<uint8_t>& bytes) {
  std::vector<T> out(bytes.size());
  for (size_t i = 0; i < bytes.size(); ++i) out[i] = static_cast<T>(bytes[i]);
  return out;
}

void put_origins(PlainWriter& w, const StringTable& strings, const std::vector<Resource>& resources,
                 const std::vector<Scope>& scopes) {
  w.strings(strings);
  w.varint(resources.size());
  for (const Resource& r : resources) {
    w.varint(r.service);
    w.varint(r.schema_url);
    w.attribute_list(r.attributes);
  }
  w.varint(scopes.size());
  for (const Scope& s : scopes) {
    w.varint(s.name);
    w.varint(s.version);
    w.varint(s.schema_url);
    w.attribute_list(s.attributes);
  }
}

void get_origins(PlainReader& r, StringTable& strings, std::vector<Resource>& resources,
                 std::vector<Scope>& scopes) {
  r.strings(strings);
  const size_t texts = strings.size();
  const size_t resource_count = r.count();
  for (size_t i = 0; i < resource_count && r.ok(); ++i) {
    Resource resource;
    resource.service = r.index(texts);
    resource.schema_url = r.index(texts);
    resource.attributes = r.attribute_list(texts);
    resources.push_back(std::move(resource));
  }
  const size_t scope_count = r.count();
  for (size_t i = 0; i < scope_count && r.ok(); ++i) {
    Scope scope;
    scope.name = r.index(texts);
    scope.version = r.index(texts);
    scope.schema_url = r.index(texts);
    scope.attributes = r.attribute_list(texts);
    scopes.push_back(std::move(scope));
  }
}

void put_spans(PlainWriter& w, const SpanBatch& b) {
  put_origins(w, b.strings, b.resources, b.scopes);
  w.varint(b.size());
  w.trace_ids(b.trace_id);
  w.numbers<uint64_t>(b.span_id);
  w.numbers<uint64_t>(b.parent_span_id);
  w.distances(b.start_ns);
  w.distances(b.duration_ns);
  w.numbers<uint32_t>(b.name);
  w.numbers(bytes_of(b.kind));
  w.numbers(bytes_of(b.status));
  for (const auto* column : {&b.status_message, &b.trace_state, &b.flags, &b.resource, &b.scope,
                             &b.dropped_attributes, &b.dropped_events, &b.dropped_links}) {
    w.numbers<uint32_t>(*column);
  }
  w.attributes(b.attributes, b.size());

  w.varint(b.events.size());
  w.numbers<uint32_t>(b.events.span_row, 1);
  w.distances(b.events.time_ns);
  w.numbers<uint32_t>(b.events.name);
  w.numbers<uint32_t>(b.events.dropped_attributes);
  w.attributes(b.events.attributes, b.events.size());

  w.varint(b.links.size());
  w.numbers<uint32_t>(b.links.span_row, 1);
  w.trace_ids(b.links.trace_id);
  w.numbers<uint64_t>(b.links.span_id);
  w.numbers<uint32_t>(b.links.trace_state);
  w.numbers<uint32_t>(b.links.flags);
  w.numbers<uint32_t>(b.links.dropped_attributes);
  w.attributes(b.links.attributes, b.links.size());
}

bool ascending(const std::vector<uint32_t>& rows) {
  return std::is_sorted(rows.begin(), rows.end());
}

std::shared_ptr<const SpanBatch> get_spans(PlainReader& r) {
  auto batch = std::make_shared<SpanBatch>();
  SpanBatch& b = *batch;
  get_origins(r, b.strings, b.resources, b.scopes);
  const size_t n = r.count();
  const size_t texts = b.strings.size();
  b.trace_id = r.trace_ids(n);
  b.span_id = r.numbers<uint64_t>(n);
  b.parent_span_id = r.numbers<uint64_t>(n);
  b.start_ns = r.distances(n);
  b.duration_ns = r.distances(n);
  b.name = r.numbers<uint32_t>(n, texts);
  b.kind = enums_of<model::SpanKind>(r.numbers<uint8_t>(n, 6));
  b.status = enums_of<model::SpanStatus>(r.numbers<uint8_t>(n, 3));
  b.status_message = r.numbers<uint32_t>(n, texts);
  b.trace_state = r.numbers<uint32_t>(n, texts);
  b.flags = r.numbers<uint32_t>(n);
  b.resource = r.numbers<uint32_t>(n, b.resources.size());
  b.scope = r.numbers<uint32_t>(n, b.scopes.size());
  b.dropped_attributes = r.numbers<uint32_t>(n);
  b.dropped_events = r.numbers<uint32_t>(n);
  b.dropped_links = r.numbers<uint32_t>(n);
  r.attributes(b.attributes, n, texts);

  const size_t events = r.count();
  b.events.span_row = r.numbers<uint32_t>(events, n);
  b.events.time_ns = r.distances(events);
  b.events.name = r.numbers<uint32_t>(events, texts);
  b.events.dropped_attributes = r.numbers<uint32_t>(events);
  r.attributes(b.events.attributes, events, texts);

  const size_t links = r.count();
  b.links.span_row = r.numbers<uint32_t>(links, n);
  b.links.trace_id = r.trace_ids(links);
  b.links.span_id = r.numbers<uint64_t>(links);
  b.links.trace_state = r.numbers<uint32_t>(links, texts);
  b.links.flags = r.numbers<uint32_t>(links);
  b.links.dropped_attributes = r.numbers<uint32_t>(links);
  r.attributes(b.links.attributes, links, texts);
  if (!ascending(b.events.span_row) || !ascending(b.links.span_row)) r.fail();
  return batch;
}

void put_logs(PlainWriter& w, const LogBatch& b) {
  put_origins(w, b.strings, b.resources, b.scopes);
  w.varint(b.size());
  w.distances(b.time_ns, 1);
  w.distances(b.observed_ns);
  w.numbers<uint8_t>(b.severity);
  w.numbers<uint32_t>(b.severity_text);
  std::vector<uint8_t> types(b.size());
  std::vector<uint64_t> bits(b.size());
  for (size_t i = 0; i < b.size(); ++i) {
    types[i] = static_cast<uint8_t>(b.body[i].type);
    bits[i] = b.body[i].bits;
  }
  w.numbers<uint8_t>(types);
  w.numbers<uint64_t>(bits);
  w.numbers<uint32_t>(b.event_name);
  const bool traced =
      std::any_of(b.trace_id.begin(), b.trace_id.end(), [](auto id) { return id.valid(); });
  w.fixed(static_cast<uint8_t>(traced));
  if (traced) w.trace_ids(b.trace_id);
  w.numbers<uint64_t>(b.span_id);
  for (const auto* column : {&b.flags, &b.resource, &b.scope, &b.dropped_attributes}) {
    w.numbers<uint32_t>(*column);
  }
  w.attributes(b.attributes, b.size());
}

std::shared_ptr<const LogBatch> get_logs(PlainReader& r) {
  auto batch = std::make_shared<LogBatch>();
  LogBatch& b = *batch;
  get_origins(r, b.strings, b.resources, b.scopes);
  const size_t n = r.count();
  const size_t texts = b.strings.size();
  b.time_ns = r.distances(n);
  b.observed_ns = r.distances(n);
  b.severity = r.numbers<uint8_t>(n);
  b.severity_text = r.numbers<uint32_t>(n, texts);
  const std::vector<uint8_t> types = r.numbers<uint8_t>(n, 8);
  const std::vector<uint64_t> bits = r.numbers<uint64_t>(n);
  if (!r.ok()) return batch;
  b.body.resize(n);
  for (size_t i = 0; i < n; ++i) {
    b.body[i] = {static_cast<ValueType>(types[i]), bits[i]};
    if (b.body[i].has_text() && bits[i] >= texts) r.fail();
  }
  b.event_name = r.numbers<uint32_t>(n, texts);
  const bool traced = r.fixed<uint8_t>() != 0;
  b.trace_id = traced ? r.trace_ids(n) : std::vector<model::TraceId>(n);
  b.span_id = r.numbers<uint64_t>(n);
  b.flags = r.numbers<uint32_t>(n);
  b.resource = r.numbers<uint32_t>(n, b.resources.size());
  b.scope = r.numbers<uint32_t>(n, b.scopes.size());
  b.dropped_attributes = r.numbers<uint32_t>(n);
  r.attributes(b.attributes, n, texts);
  return batch;
}

void put_samples(PlainWriter& w, const SampleBatch& b) {
  w.varint(b.label_sets.size());
  for (uint32_t i = 0; i < b.label_sets.size(); ++i) w.bytes(b.labels(i));
  w.varint(b.size());
  w.numbers<uint32_t>(b.label_set);
  w.distances(b.time_ms);
  w.doubles(b.value);
  w.varint(b.exemplar_time_ms.size());
  w.numbers<uint32_t>(b.exemplar_label_set);
  w.distances(b.exemplar_time_ms);
  w.doubles(b.exemplar_value);
  w.trace_ids(b.exemplar_trace_id);
  w.numbers<uint64_t>(b.exemplar_span_id);
  for (const std::string& labels : b.exemplar_labels) w.bytes(labels);
  w.varint(b.metadata.size());
  for (const model::MetricMetadata& m : b.metadata) {
    w.bytes(m.family);
    w.fixed(static_cast<uint8_t>(m.type));
    w.bytes(m.help);
    w.bytes(m.unit);
  }
}

std::shared_ptr<const SampleBatch> get_samples(PlainReader& r) {
  auto batch = std::make_shared<SampleBatch>();
  SampleBatch& b = *batch;
  const size_t sets = r.count();
  for (size_t i = 0; i < sets && r.ok(); ++i) b.add_label_set(r.bytes());
  const size_t n = r.count();
  b.label_set = r.numbers<uint32_t>(n, sets);
  b.time_ms = r.distances(n);
  b.value = r.doubles(n);
  const size_t exemplars = r.count();
  b.exemplar_label_set = r.numbers<uint32_t>(exemplars, sets);
  b.exemplar_time_ms = r.distances(exemplars);
  b.exemplar_value = r.doubles(exemplars);
  b.exemplar_trace_id = r.trace_ids(exemplars);
  b.exemplar_span_id = r.numbers<uint64_t>(exemplars);
  for (size_t i = 0; i < exemplars && r.ok(); ++i) b.exemplar_labels.emplace_back(r.bytes());
  const size_t families = r.count();
  for (size_t i = 0; i < families && r.ok(); ++i) {
    model::MetricMetadata m;
    m.family = r.bytes();
    const auto type = r.fixed<uint8_t>();
    if (type > static_cast<uint8_t>(model::MetricType::kStateset)) r.fail();
    m.type = static_cast<model::MetricType>(type);
    m.help = r.bytes();
    m.unit = r.bytes();
    b.metadata.push_back(std::move(m));
  }
  return batch;
}

}  // namespace

void encode_record(const WalRecord& record, std::string& out) {
  PlainWriter w(out);
  const Write& write = record.write;
  w.fixed(static_cast<uint8_t>((write.spans ? kSpans : 0) | (write.logs ? kLogs : 0) |
                               (write.samples ? kSamples : 0) |
                               (record.carried.empty() ? 0 : kCarried)));
  w.fixed(record.time_ns);
  w.fixed(write.content_hash.hi);
  w.fixed(write.content_hash.lo);
  if (write.spans) put_spans(w, *write.spans);
  if (write.logs) put_logs(w, *write.logs);
  if (write.samples) put_samples(w, *write.samples);
  if (record.carried.empty()) return;
  w.varint(record.carried.size());
  for (const SeenHash& seen : record.carried) {
    w.fixed(seen.hash.hi);
    w.fixed(seen.hash.lo);
    w.fixed(seen.time_ns);
  }
}

Result<WalRecord> decode_record(std::string_view payload) {
  PlainReader r(payload);
  WalRecord record;
  const auto flags = r.fixed<uint8_t>();
  if (flags & ~kAllFlags) r.fail();
  record.time_ns = r.fixed<int64_t>();
  record.write.content_hash.hi = r.fixed<uint64_t>();
  record.write.content_hash.lo = r.fixed<uint64_t>();
  if (r.ok() && flags & kSpans) record.write.spans = get_spans(r);
  if (r.ok() && flags & kLogs) record.write.logs = get_logs(r);
  if (r.ok() && flags & kSamples) record.write.samples = get_samples(r);
  if (r.ok() && flags & kCarried) {
    const size_t n = r.count();
    for (size_t i = 0; i < n && r.ok(); ++i) {
      SeenHash seen;
      seen.hash.hi = r.fixed<uint64_t>();
      seen.hash.lo = r.fixed<uint64_t>();
      seen.time_ns = r.fixed<int64_t>();
      record.carried.push_back(seen);
    }
  }
  if (!r.ok() || r.left() != 0)
    return Error{Code::kCorruption, "a log record does not follow its format"};
  return record;
}

}  // namespace vedette::store::engine
