#include "readable.h"

#include <map>

#include "otel_api.h"
#include "sdk/lane_batch.h"
#include "sdk/source_table.h"
#include "span_context.h"
#include "span_items.h"
#include "tracer.h"
#include "values.h"

namespace vedette::native {
namespace {

/// A property, or null without an exception.
Ref property(PyObject* object, const char* name) {
  Ref value = field(object, name);
  return value.get() == Py_None ? Ref() : std::move(value);
}

int64_t integer(PyObject* object, const char* name) {
  const Ref value = property(object, name);
  const long long number = value && PyLong_Check(value.get()) ? PyLong_AsLongLong(value.get()) : 0;
  if (PyErr_Occurred()) PyErr_Clear();
  return std::max(number, 0ll);
}

uint32_t count(PyObject* object, const char* name) {
  return static_cast<uint32_t>(std::min<int64_t>(integer(object, name), sdk::kUnlimited));
}

struct ReadSpan {
  sdk::SpanHead head;
  sdk::SpanRecord record;
  std::string name;
  std::string trace_state;
  std::string message;
};

/// Limits were applied when the span was recorded.
constexpr sdk::SpanLimits kNoLimits{sdk::kUnlimited, sdk::kUnlimited, sdk::kUnlimited,
                                    sdk::kUnlimited, sdk::kUnlimited, sdk::kUnlimited,
                                    sdk::kUnlimited};

void read_items(PyObject* span, ReadSpan* out) {
  if (const Ref attributes = property(span, "attributes")) {
    record_attributes(out->record, attributes.get(), kNoLimits);
  }
  if (const Ref events = property(span, "events")) {
    each(events.get(), kItemsMax, [&](PyObject* event) {
      const Ref name = property(event, "name"), attributes = property(event, "attributes");
      sdk::ProtoBuffer message;
      write_event(message, name ? safe_str(name.get()) : "", integer(event, "timestamp"),
                  attributes.get(), kNoLimits, count(event, "dropped_attributes"));
      out->record.add_event(message.view(), kNoLimits);
      return true;
    });
  }
  if (const Ref links = property(span, "links")) {
    each(links.get(), kItemsMax, [&](PyObject* link) {
      const Ref context = property(link, "context"), attributes = property(link, "attributes");
      sdk::ProtoBuffer message;
      if (context && write_link(message, context.get(), attributes.get(), kNoLimits,
                                count(link, "dropped_attributes"))) {
        out->record.add_link(message.view(), kNoLimits);
      }
      return true;
    });
  }
  out->record.add_dropped(count(span, "dropped_attributes"), count(span, "dropped_events"),
                          count(span, "dropped_links"));
}

/// False when it has no context.
bool read_span(PyObject* span, ReadSpan* out) {
  Parent own, parent;
  const Ref context = property(span, "context"), parent_context = property(span, "parent");
  if (!context) return false;
  read_span_context(context.get(), &own);
  if (parent_context) read_span_context(parent_context.get(), &parent);
  sdk::SpanHead& head = out->head;
  head.trace_id = own.trace_id;
  head.span_id = own.span_id;
  head.trace_flags = own.trace_flags;
  head.parent_id = parent.span_id;
  head.parent_remote = parent.remote;
  head.start_ns = integer(span, "start_time");
  head.end_ns = integer(span, "end_time");
  if (const Ref kind = property(span, "kind")) head.kind = kind_number(kind.get());
  if (const Ref name = property(span, "name")) out->name = safe_str(name.get());
  out->trace_state = trace_state_header(own.trace_state);
  if (const Ref status = property(span, "status")) {
    const Ref code = property(status.get(), "status_code");
    const Ref description = property(status.get(), "description");
    head.status = static_cast<uint8_t>(std::max(code ? status_number(code.get()) : 0, 0));
    if (description) out->message = safe_str(description.get());
  }
  read_items(span, out);
  return true;
}

size_t size_of(const ReadSpan& span) {
  return span.record.encoded_size(span.head, cut(span.name, sdk::kUnlimited), span.trace_state,
                                  cut(span.message, sdk::kUnlimited));
}

void encode(const ReadSpan& span, char* out) {
  span.record.encode(out, span.head, cut(span.name, sdk::kUnlimited), span.trace_state,
                     cut(span.message, sdk::kUnlimited));
}

}  // namespace

uint32_t source_of(PyObject* span) {
  static PyObject *last_resource, *last_scope;
  static uint32_t last_source;
  const Ref resource = property(span, "resource"), scope = property(span, "instrumentation_scope");
  if (resource && scope && resource.get() == last_resource && scope.get() == last_scope) {
    return last_source;
  }
  const auto text = [](const Ref& object, const char* name) {
    const Ref value = object ? property(object.get(), name) : Ref();
    return value ? safe_str(value.get()) : std::string();
  };
  const auto attributes = [](const Ref& object) {
    return object ? property(object.get(), "attributes") : Ref();
  };
  const Ref resource_attributes = attributes(resource), scope_attributes = attributes(scope);
  const Ref name = scope ? property(scope.get(), "name") : Ref();
  const Ref version = scope ? property(scope.get(), "version") : Ref();
  const auto or_none = [](const Ref& ref) { return ref ? ref.get() : Py_None; };
  const uint32_t source = sdk::SourceTable::instance().intern(
      encode_resource(or_none(resource_attributes)), text(resource, "schema_url"),
      encode_scope(or_none(name), or_none(version), or_none(scope_attributes)),
      text(scope, "schema_url"));
  Py_XSETREF(last_resource, Py_XNewRef(resource.get()));
  Py_XSETREF(last_scope, Py_XNewRef(scope.get()));
  last_source = source;
  return source;
}

PyObject* lane_emit(PyObject* self, PyObject* object) {
  const ErrorGuard guard;
  auto* lane = reinterpret_cast<LaneObject*>(self);
  ReadSpan span;
  if (!read_span(object, &span)) return PyBool_FromLong(0);
  const uint32_t source = source_of(object);
  char* out = lane->lane->reserve(size_of(span), source);
  if (!out) return PyBool_FromLong(0);
  encode(span, out);
  lane->thread->commit(*lane->lane, out);
  return PyBool_FromLong(1);
}

PyObject* encode_spans(PyObject*, PyObject* spans) {
  std::map<uint32_t, std::string> items;
  each(spans, SIZE_MAX, [&](PyObject* object) {
    ReadSpan span;
    if (!read_span(object, &span)) return true;
    std::string bytes(size_of(span), '\0');
    encode(span, bytes.data());
    sdk::append_item(items[source_of(object)], bytes);
    return true;
  });
  const std::string request = sdk::encode_request(items);
  return PyBytes_FromStringAndSize(request.data(), static_cast<Py_ssize_t>(request.size()));
}

}  // namespace vedette::native
