#include "wire/attribute_sink.h"
#include "wire/otlp_decode.h"
#include "wire/otlp_envelope.h"

namespace vedette::wire {
namespace {

constexpr std::string_view kRequest = "ExportTraceServiceRequest";

class TraceDecoder {
 public:
  TraceDecoder(Decoded<model::SpanBatch>& out, const DecodeOptions& options)
      : batch_(out.batch),
        report_(out.report),
        options_(options),
        text_(batch_.strings, options.text_bytes_max, report_),
        attributes_(batch_.attributes, text_, options),
        event_attributes_(batch_.events.attributes, text_, options),
        link_attributes_(batch_.links.attributes, text_, options) {}

  AnyValueFault decode(std::string_view body) {
    EnvelopeDecoder envelope(batch_.resources, batch_.scopes, text_, options_);
    return envelope.walk(body, *this);
  }

  // Called by the envelope.
  size_t rows() const { return batch_.size(); }
  void expect(size_t records);
  AnyValueFault record(std::string_view bytes, uint32_t resource, uint32_t scope);

 private:
  // A span's own fields; what it has many of goes straight into the batch.
  struct Fields {
    std::string_view trace_id, span_id, parent_span_id, trace_state, name, status;
    uint64_t start = 0, end = 0, kind = 0;
    uint32_t flags = 0, dropped_attributes = 0, dropped_events = 0, dropped_links = 0;
    uint32_t events = 0, links = 0;
  };

  AnyValueFault field(ProtoReader& in, Fields& f);
  bool commit(const Fields& f, uint32_t resource, uint32_t scope);
  bool status(std::string_view bytes, model::SpanStatus& code, base::StringId& message);
  AnyValueFault event(std::string_view bytes);
  AnyValueFault link(std::string_view bytes, uint32_t& dropped);
  void rollback();

  model::SpanBatch& batch_;
  DecodeReport& report_;
  const DecodeOptions& options_;
  BatchText text_;
  AttributeSink attributes_, event_attributes_, link_attributes_;
  bool begun_ = false;  // attributes of the span being read have been started
};

void TraceDecoder::expect(size_t records) {
  const size_t n = std::min(batch_.size() + records, options_.rows_max);
  if (records <= batch_.size()) return;  // else many small scopes would grow it bit by bit
  attributes_.expect(records);
  batch_.trace_id.reserve(n);
  batch_.span_id.reserve(n);
  batch_.parent_span_id.reserve(n);
  batch_.start_ns.reserve(n);
  batch_.duration_ns.reserve(n);
  batch_.name.reserve(n);
  batch_.kind.reserve(n);
  batch_.status.reserve(n);
  batch_.status_message.reserve(n);
  batch_.trace_state.reserve(n);
  batch_.flags.reserve(n);
  batch_.resource.reserve(n);
  batch_.scope.reserve(n);
  batch_.dropped_attributes.reserve(n);
  batch_.dropped_events.reserve(n);
  batch_.dropped_links.reserve(n);
}

AnyValueFault TraceDecoder::record(std::string_view bytes, uint32_t resource, uint32_t scope) {
  if (batch_.size() == options_.rows_max) {
    report_.reject(1, "more than " + std::to_string(options_.rows_max) + " spans in one request");
    return AnyValueFault::kNone;
  }
  Fields f;
  begun_ = false;
  ProtoReader in(bytes);
  while (in.next()) {
    if (const auto fault = field(in, f); fault != AnyValueFault::kNone) return fault;
  }
  if (!in.ok()) return AnyValueFault::kMalformed;
  if (!begun_) attributes_.begin(0, 0);
  if (!commit(f, resource, scope)) rollback();
  return AnyValueFault::kNone;
}

AnyValueFault TraceDecoder::field(ProtoReader& in, Fields& f) {
  namespace span = otlp::span;
  switch (in.tag()) {
    case span::kTraceId:
      f.trace_id = in.bytes();
      break;
    case span::kSpanId:
      f.span_id = in.bytes();
      break;
    case span::kTraceState:
      f.trace_state = in.bytes();
      break;
    case span::kParentSpanId:
      f.parent_span_id = in.bytes();
      break;
    case span::kFlags:
      f.flags = in.fixed32();
      break;
    case span::kName:
      f.name = in.bytes();
      break;
    case span::kKind:
      f.kind = in.varint();
      break;
    case span::kStartTimeUnixNano:
      f.start = in.fixed64();
      break;
    case span::kEndTimeUnixNano:
      f.end = in.fixed64();
      break;
    case span::kDroppedAttributesCount:
      f.dropped_attributes = static_cast<uint32_t>(in.varint());
      break;
    case span::kDroppedEventsCount:
      f.dropped_events = static_cast<uint32_t>(in.varint());
      break;
    case span::kDroppedLinksCount:
      f.dropped_links = static_cast<uint32_t>(in.varint());
      break;
    case span::kStatus:
      f.status = in.bytes();
      break;
    case span::kAttributes:
      if (!begun_) {
        // Spans of one operation look alike: its name, which comes first, foretells the keys.
        attributes_.begin(static_cast<uint32_t>(batch_.size()), kind_of_text(f.name));
        begun_ = true;
      }
      return attributes_.add(in.bytes());
    case span::kEvents: {
      const auto bytes = in.bytes();
      if (f.events == options_.events_max) {
        ++f.dropped_events;
        break;
      }
      ++f.events;
      return event(bytes);
    }
    case span::kLinks: {
      const auto bytes = in.bytes();
      if (f.links == options_.links_max) {
        ++f.dropped_links;
        break;
      }
      ++f.links;
      return link(bytes, f.dropped_links);
    }
    default:
      in.skip();
  }
  return AnyValueFault::kNone;
}

bool TraceDecoder::commit(const Fields& f, uint32_t resource, uint32_t scope) {
  const auto reject = [&](std::string_view why) {
    report_.reject(1, why);
    return false;
  };
  model::TraceId trace_id;
  model::SpanId span_id = 0;
  if (!otlp_trace_id(f.trace_id, trace_id)) {
    return reject("a span's trace_id is not 16 bytes or is all zero");
  }
  if (!otlp_span_id(f.span_id, span_id)) {
    return reject("a span's span_id is not 8 bytes or is all zero");
  }
  model::SpanId parent = 0;
  if (!f.parent_span_id.empty()) {
    if (f.parent_span_id.size() != 8) return reject("a span's parent_span_id is not 8 bytes");
    parent = model::span_id_from_bytes(f.parent_span_id.data());
  }
  int64_t start = 0, end = 0;
  if (!otlp_time(f.start, start) || !otlp_time(f.end, end)) {
    return reject("a span's time is after the year 2262");
  }
  auto code = model::SpanStatus::kUnset;
  base::StringId message = 0;
  if (!status(f.status, code, message)) return reject("a span's status is cut short or corrupt");

  batch_.trace_id.push_back(trace_id);
  batch_.span_id.push_back(span_id);
  batch_.parent_span_id.push_back(parent);
  batch_.start_ns.push_back(start);
  batch_.duration_ns.push_back(end > start ? end - start : 0);
  batch_.name.push_back(text_.intern(f.name));
  batch_.kind.push_back(f.kind <= static_cast<uint64_t>(model::SpanKind::kConsumer)
                            ? static_cast<model::SpanKind>(f.kind)
                            : model::SpanKind::kUnspecified);
  batch_.status.push_back(code);
  batch_.status_message.push_back(message);
  batch_.trace_state.push_back(text_.intern(f.trace_state));
  batch_.flags.push_back(f.flags);
  batch_.resource.push_back(resource);
  batch_.scope.push_back(scope);
  batch_.dropped_attributes.push_back(f.dropped_attributes + attributes_.dropped());
  batch_.dropped_events.push_back(f.dropped_events);
  batch_.dropped_links.push_back(f.dropped_links);
  return true;
}

bool TraceDecoder::status(std::string_view bytes, model::SpanStatus& code,
                          base::StringId& message) {
  ProtoReader in(bytes);
  while (in.next()) {
    switch (in.tag()) {
      case otlp::status::kMessage:
        message = text_.intern(in.bytes());
        break;
      case otlp::status::kCode: {
        const uint64_t number = in.varint();
        if (number <= static_cast<uint64_t>(model::SpanStatus::kError)) {
          code = static_cast<model::SpanStatus>(number);
        }
        break;
      }
      default:
        in.skip();
    }
  }
  return in.ok();
}

AnyValueFault TraceDecoder::event(std::string_view bytes) {
  model::EventColumns& events = batch_.events;
  event_attributes_.begin(static_cast<uint32_t>(events.size()), 0);
  std::string_view name;
  int64_t time = 0;
  uint32_t dropped = 0;
  ProtoReader in(bytes);
  while (in.next()) {
    switch (in.tag()) {
      case otlp::event::kTimeUnixNano:
        otlp_time(in.fixed64(), time);
        break;
      case otlp::event::kName:
        name = in.bytes();
        break;
      case otlp::event::kDroppedAttributesCount:
        dropped = static_cast<uint32_t>(in.varint());
        break;
      case otlp::event::kAttributes:
        if (const auto fault = event_attributes_.add(in.bytes()); fault != AnyValueFault::kNone) {
          return fault;
        }
        break;
      default:
        in.skip();
    }
  }
  if (!in.ok()) return AnyValueFault::kMalformed;
  events.span_row.push_back(static_cast<uint32_t>(batch_.size()));
  events.time_ns.push_back(time);
  events.name.push_back(text_.intern(name));
  events.dropped_attributes.push_back(dropped + event_attributes_.dropped());
  return AnyValueFault::kNone;
}

AnyValueFault TraceDecoder::link(std::string_view bytes, uint32_t& dropped_links) {
  model::LinkColumns& links = batch_.links;
  link_attributes_.begin(static_cast<uint32_t>(links.size()), 0);
  std::string_view trace_bytes, span_bytes, trace_state;
  uint32_t flags = 0, dropped = 0;
  ProtoReader in(bytes);
  while (in.next()) {
    switch (in.tag()) {
      case otlp::link::kTraceId:
        trace_bytes = in.bytes();
        break;
      case otlp::link::kSpanId:
        span_bytes = in.bytes();
        break;
      case otlp::link::kTraceState:
        trace_state = in.bytes();
        break;
      case otlp::link::kFlags:
        flags = in.fixed32();
        break;
      case otlp::link::kDroppedAttributesCount:
        dropped = static_cast<uint32_t>(in.varint());
        break;
      case otlp::link::kAttributes:
        if (const auto fault = link_attributes_.add(in.bytes()); fault != AnyValueFault::kNone) {
          return fault;
        }
        break;
      default:
        in.skip();
    }
  }
  if (!in.ok()) return AnyValueFault::kMalformed;
  model::TraceId trace_id;
  model::SpanId span_id = 0;
  if (!otlp_trace_id(trace_bytes, trace_id) || !otlp_span_id(span_bytes, span_id)) {
    link_attributes_.rollback();
    ++dropped_links;
    return AnyValueFault::kNone;
  }
  links.span_row.push_back(static_cast<uint32_t>(batch_.size()));
  links.trace_id.push_back(trace_id);
  links.span_id.push_back(span_id);
  links.trace_state.push_back(text_.intern(trace_state));
  links.flags.push_back(flags);
  links.dropped_attributes.push_back(dropped + link_attributes_.dropped());
  return AnyValueFault::kNone;
}

// Takes back what a rejected span has left in the batch.
void TraceDecoder::rollback() {
  attributes_.rollback();
  const auto row = static_cast<uint32_t>(batch_.size());
  const auto drop_tail = [](model::AttributeColumns& attributes, size_t first) {
    for (model::AttributeColumn& column : attributes.mutable_columns()) {
      while (!column.rows.empty() && column.rows.back() >= first) {
        column.rows.pop_back();
        column.types.pop_back();
        column.bits.pop_back();
      }
    }
  };
  model::EventColumns& events = batch_.events;
  if (!events.span_row.empty() && events.span_row.back() == row) {
    size_t n = events.size();
    while (n > 0 && events.span_row[n - 1] == row) --n;
    events.span_row.resize(n);
    events.time_ns.resize(n);
    events.name.resize(n);
    events.dropped_attributes.resize(n);
    drop_tail(events.attributes, n);
  }
  model::LinkColumns& links = batch_.links;
  if (!links.span_row.empty() && links.span_row.back() == row) {
    size_t n = links.size();
    while (n > 0 && links.span_row[n - 1] == row) --n;
    links.span_row.resize(n);
    links.trace_id.resize(n);
    links.span_id.resize(n);
    links.trace_state.resize(n);
    links.flags.resize(n);
    links.dropped_attributes.resize(n);
    drop_tail(links.attributes, n);
  }
}

}  // namespace

Result<Decoded<model::SpanBatch>> decode_otlp_traces(std::string_view body,
                                                     const DecodeOptions& options) {
  Decoded<model::SpanBatch> out;
  const auto fault = TraceDecoder(out, options).decode(body);
  if (fault != AnyValueFault::kNone) return otlp_body_error(fault, kRequest, options);
  return out;
}

}  // namespace vedette::wire
