#include "span.h"

#include <structmember.h>

#include "sdk/ids.h"
#include "sdk/otlp_fields.h"
#include "tracer.h"
#include "values.h"

namespace vedette::native {

PyTypeObject* span_type;

namespace {

constexpr const char* kEnded = "a span was changed after its end; the change is dropped";

FreeList<SpanObject, 64> free_spans;

SpanObject* new_span() {
  if (SpanObject* span = free_spans.take(span_type)) return span;
  auto* span = PyObject_New(SpanObject, span_type);
  if (span) new (&span->record) sdk::SpanRecord;
  return span;
}

void span_dealloc(PyObject* self) {
  SpanObject* span = as_span(self);
  if (span->weakrefs) PyObject_ClearWeakRefs(self);
  Py_CLEAR(span->tracer);
  Py_CLEAR(span->name);
  Py_CLEAR(span->span_context);
  Py_CLEAR(span->parent_context);
  Py_CLEAR(span->trace_state);
  Py_CLEAR(span->status_message);
  span->record.reset();
  PyTypeObject* type = Py_TYPE(self);
  if (!free_spans.give(span)) {
    span->record.~SpanRecord();
    PyObject_Free(self);
  }
  Py_DECREF(type);
}

uint64_t low_word(PyObject* number) {
  return PyLong_AsUnsignedLongLongMask(number);
}

sdk::TraceId trace_id_of(PyObject* number) {
  unsigned char bytes[16] = {};
  sdk::TraceId id;
  if (!PyLong_Check(number) ||
      _PyLong_AsByteArray(reinterpret_cast<PyLongObject*>(number), bytes, 16, 0, 0) < 0) {
    PyErr_Clear();
    return id;
  }
  for (int i = 0; i < 8; ++i) {
    id.high = id.high << 8 | bytes[i];
    id.low = id.low << 8 | bytes[i + 8];
  }
  return id;
}

PyObject* trace_id_number(const sdk::TraceId& id) {
  unsigned char bytes[16];
  for (int i = 0; i < 8; ++i) {
    bytes[i] = static_cast<unsigned char>(id.low >> (8 * i));
    bytes[8 + i] = static_cast<unsigned char>(id.high >> (8 * i));
  }
  return _PyLong_FromByteArray(bytes, 16, 1, 0);
}

/// A SpanContext without running its Python constructor.
PyObject* make_span_context(const sdk::TraceId& trace_id, uint64_t span_id, bool remote,
                            uint8_t flags, PyObject* trace_state) {
  Ref fields(PyTuple_New(6));
  Ref arguments(PyTuple_New(1));
  if (!fields || !arguments) return nullptr;
  PyObject* tuple = fields.get();
  PyTuple_SET_ITEM(tuple, 0, trace_id_number(trace_id));
  PyTuple_SET_ITEM(tuple, 1, PyLong_FromUnsignedLongLong(span_id));
  PyTuple_SET_ITEM(tuple, 2, PyBool_FromLong(remote));
  PyTuple_SET_ITEM(tuple, 3, Py_NewRef(otel.trace_flags[flags & 3]));
  PyTuple_SET_ITEM(tuple, 4, Py_NewRef(trace_state ? trace_state : otel.default_trace_state));
  PyTuple_SET_ITEM(tuple, 5, PyBool_FromLong(trace_id.valid() && span_id));
  if (PyErr_Occurred()) return nullptr;
  PyTuple_SET_ITEM(arguments.get(), 0, fields.release());
  return PyTuple_Type.tp_new(otel.span_context, arguments.get(), nullptr);
}

/// Reads a SpanContext; an invalid parent when it is none.
void read_span_context(PyObject* context, Parent* parent) {
  if (!PyTuple_Check(context) || PyTuple_GET_SIZE(context) < 5) return;
  parent->trace_id = trace_id_of(PyTuple_GET_ITEM(context, 0));
  PyObject* span_id = PyTuple_GET_ITEM(context, 1);
  parent->span_id = PyLong_Check(span_id) ? low_word(span_id) : 0;
  parent->remote = PyTuple_GET_ITEM(context, 2) == Py_True;
  PyObject* flags = PyTuple_GET_ITEM(context, 3);
  parent->trace_flags = PyLong_Check(flags) ? static_cast<uint8_t>(low_word(flags)) : 0;
  parent->span_context = context;
  PyObject* state = PyTuple_GET_ITEM(context, 4);
  if (state == otel.default_trace_state || state == Py_None) return;
  const Py_ssize_t size = PyObject_Size(state);
  if (size < 0) PyErr_Clear();
  if (size > 0) parent->trace_state = state;
}

bool open(SpanObject* span) {
  if (span->recording) return true;
  if (span->sampled) warn_once(kEnded);
  return false;
}

/// A time argument in nanoseconds; 0 when it is not given or not a time.
int64_t time_argument(PyObject* value) {
  if (!value || value == Py_None) return 0;
  const long long ns = PyLong_Check(value)    ? PyLong_AsLongLong(value)
                       : PyFloat_Check(value) ? static_cast<long long>(PyFloat_AS_DOUBLE(value))
                                              : 0;
  if (PyErr_Occurred()) PyErr_Clear();
  return ns > 0 ? ns : 0;
}

}  // namespace

Parent parent_of(PyObject* context, Ref* kept) {
  Parent parent;
  PyObject* span = span_of_context(context);
  if (!span) return parent;
  if (is_span(span)) {
    const SpanObject* ours = as_span(span);
    parent.trace_id = ours->head.trace_id;
    parent.span_id = ours->head.span_id;
    parent.trace_flags = ours->head.trace_flags;
    parent.span_context = ours->span_context;
    parent.trace_state = ours->trace_state;
    return parent;
  }
  *kept = Ref(PyObject_CallMethod(span, "get_span_context", nullptr));
  if (*kept) {
    read_span_context(kept->get(), &parent);
  } else {
    PyErr_Clear();
  }
  return parent;
}

SpanObject* start_span(TracerObject* tracer, PyObject* name, const Parent& parent, uint8_t kind,
                       int64_t start_ns) {
  SpanObject* span = new_span();
  if (!span) return nullptr;
  span->weakrefs = nullptr;
  span->tracer = reinterpret_cast<TracerObject*>(Py_NewRef(reinterpret_cast<PyObject*>(tracer)));
  span->name = Py_NewRef(name);
  span->span_context = nullptr;
  span->parent_context = nullptr;
  span->trace_state = nullptr;
  span->status_message = nullptr;
  span->record_exception = span->set_status_on_exception = true;
  sdk::SpanHead& head = span->head;
  head = {};
  head.kind = kind;
  head.span_id = sdk::random_id();
  if (parent.valid()) {
    head.trace_id = parent.trace_id;
    head.parent_id = parent.span_id;
    head.parent_remote = parent.remote;
    head.trace_flags = parent.trace_flags & 2;
    span->trace_state = Py_XNewRef(parent.trace_state);
    span->parent_context = Py_XNewRef(parent.span_context);
  } else {
    head.trace_id = {sdk::random_id(), sdk::random_id()};
    head.trace_flags = 2;  // its trace id is random
  }
  const sdk::SamplingParent sampling{parent.valid(), parent.remote, (parent.trace_flags & 1) != 0};
  span->sampled = tracer->provider->sampler.should_sample(sampling, head.trace_id.low);
  if (span->sampled) head.trace_flags |= 1;
  span->recording = span->sampled;
  if (span->recording) {
    const int64_t now = sdk::wall_now(&span->clock_offset);
    head.start_ns = start_ns ? start_ns : now;
  }
  return span;
}

void end_span(SpanObject* span, int64_t end_ns) {
  if (!span->recording) return;
  span->recording = false;
  span->head.end_ns = end_ns ? end_ns : sdk::wall_now(span->clock_offset);
  const ProviderObject* provider = span->tracer->provider;
  if (provider->sinks.empty()) return;
  const Utf8 name(span->name);
  Ref state_header(span->trace_state ? PyObject_CallMethod(span->trace_state, "to_header", nullptr)
                                     : nullptr);
  if (span->trace_state && (!state_header || !PyUnicode_Check(state_header.get()))) {
    PyErr_Clear();
    state_header = Ref();
  }
  std::string_view trace_state, message;
  if (state_header) trace_state = Utf8(state_header.get()).view();
  const Ref message_kept = Ref::borrow(span->status_message);
  std::string message_text;
  if (span->status_message) {
    message_text = Utf8(span->status_message).view();
    message = cut(message_text, sdk::kUnlimited);
  }
  const std::string_view name_text = cut(name.view(), sdk::kUnlimited);
  const size_t size = span->record.encoded_size(span->head, name_text, trace_state, message);
  for (const Sink& sink : provider->sinks) {
    char* out = sink.lane->reserve(size, span->tracer->source);
    if (!out) continue;
    span->record.encode(out, span->head, name_text, trace_state, message);
    sink.thread->commit(*sink.lane, out);
  }
}

PyObject* span_context_of(SpanObject* span) {
  if (!span->span_context) {
    span->span_context = make_span_context(span->head.trace_id, span->head.span_id, false,
                                           span->head.trace_flags, span->trace_state);
  }
  return Py_XNewRef(span->span_context);
}

void set_text(SpanObject* span, std::string_view key, std::string_view value) {
  const sdk::SpanLimits& limits = span->tracer->provider->limits;
  span->record.set_string(key, cut(value, limits.span_attribute_length), limits);
}

void set_int(SpanObject* span, std::string_view key, int64_t value) {
  span->record.set_int(key, value, span->tracer->provider->limits);
}

std::string exception_type(PyObject* exception) {
  PyObject* type = reinterpret_cast<PyObject*>(Py_TYPE(exception));
  Ref qualname(PyObject_GetAttrString(type, "__qualname__"));
  Ref module(PyObject_GetAttrString(type, "__module__"));
  PyErr_Clear();
  const std::string name = qualname ? safe_str(qualname.get()) : Py_TYPE(exception)->tp_name;
  const std::string from = module ? safe_str(module.get()) : "";
  return from.empty() || from == "builtins" ? name : from + '.' + name;
}

std::string stack_trace(PyObject* exception) {
  static PyObject* format = [] {
    Ref module(PyImport_ImportModule("traceback"));
    return module ? PyObject_GetAttrString(module.get(), "format_exception") : nullptr;
  }();
  Ref lines(format ? PyObject_CallOneArg(format, exception) : nullptr);
  Ref empty(PyUnicode_FromStringAndSize("", 0));
  Ref joined(lines && empty ? PyUnicode_Join(empty.get(), lines.get()) : nullptr);
  if (!joined) {
    PyErr_Clear();
    return "";
  }
  return std::string(Utf8(joined.get()).view());
}

namespace {

void add_event_bytes(SpanObject* span, std::string_view name, int64_t time_ns,
                     const sdk::ProtoBuffer& attributes, uint32_t dropped) {
  sdk::ProtoBuffer event;
  event.fixed64_field(sdk::otlp::Event::kTime,
                      static_cast<uint64_t>(time_ns ? time_ns : sdk::wall_now(span->clock_offset)));
  event.bytes_field(sdk::otlp::Event::kName, cut(name, sdk::kUnlimited));
  event.raw(attributes.view());
  if (dropped) event.varint_field(sdk::otlp::Event::kDroppedAttributes, dropped);
  span->record.add_event(event.view(), span->tracer->provider->limits);
}

void text_attribute(sdk::ProtoBuffer& out, std::string_view key, std::string_view value,
                    uint32_t length_max) {
  const size_t message = out.begin_message(sdk::otlp::Event::kAttributes);
  out.bytes_field(sdk::otlp::KeyValue::kKey, key);
  const size_t inner = out.begin_message(sdk::otlp::KeyValue::kValue);
  out.bytes_field(sdk::otlp::AnyValue::kString, cut(value, length_max));
  out.end_message(inner);
  out.end_message(message);
}

bool has_key(PyObject* attributes, const char* key) {
  if (!attributes || attributes == Py_None) return false;
  const int has = PyMapping_HasKeyString(attributes, key);
  return has > 0;
}

}  // namespace

void record_exception(SpanObject* span, PyObject* exception, PyObject* attributes, int64_t time_ns,
                      bool escaped) {
  if (!open(span)) return;
  const sdk::SpanLimits& limits = span->tracer->provider->limits;
  sdk::ProtoBuffer encoded;
  const std::pair<const char*, std::string> facts[] = {
      {"exception.type", exception_type(exception)},
      {"exception.message", safe_str(exception)},
      {"exception.stacktrace", stack_trace(exception)},
      {"exception.escaped", escaped ? "True" : "False"},
  };
  uint32_t room = limits.event_attributes;
  uint32_t dropped = 0;
  for (const auto& [key, value] : facts) {
    if (has_key(attributes, key)) continue;
    if (room == 0) {
      ++dropped;
      continue;
    }
    text_attribute(encoded, key, value, limits.attribute_length);
    --room;
  }
  dropped += write_attributes(encoded, sdk::otlp::Event::kAttributes, attributes, room,
                              limits.attribute_length);
  add_event_bytes(span, "exception", time_ns, encoded, dropped);
}

void set_status(SpanObject* span, int code, PyObject* description) {
  if (code <= 0 || !open(span) || span->head.status == 1) return;
  span->head.status = static_cast<uint8_t>(code);
  Py_CLEAR(span->status_message);
  if (code == 2 && description && PyUnicode_Check(description) &&
      PyUnicode_GET_LENGTH(description)) {
    span->status_message = Py_NewRef(description);
  }
}

void set_error(SpanObject* span, PyObject* exception) {
  const std::string text =
      std::string(_PyType_Name(Py_TYPE(exception))) + ": " + safe_str(exception);
  Ref description(
      PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace"));
  if (!description) PyErr_Clear();
  set_status(span, 2, description.get());
}

// ---- methods
// -------------------------------------------------------------------------------------

namespace {

PyObject* py_set_attribute(PyObject* self, PyObject* const* args, Py_ssize_t nargs,
                           PyObject* kwnames) {
  SpanObject* span = as_span(self);
  PyObject* given[2] = {nargs > 0 ? args[0] : nullptr, nargs > 1 ? args[1] : nullptr};
  if (nargs != 2 || kwnames) {
    static const char* const names[] = {"key", "value"};
    if (!bind({"set_attribute", names, 2, 2, 2}, args, nargs, kwnames, given)) return nullptr;
  }
  if (open(span))
    record_attribute(span->record, given[0], given[1], span->tracer->provider->limits);
  return none();
}

PyObject* py_set_attributes(PyObject* self, PyObject* attributes) {
  SpanObject* span = as_span(self);
  if (attributes != Py_None && open(span)) {
    record_attributes(span->record, attributes, span->tracer->provider->limits);
  }
  return none();
}

PyObject* py_add_event(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  static const char* const names[] = {"name", "attributes", "timestamp"};
  PyObject* given[3];
  if (!bind({"add_event", names, 3, 1, 3}, args, nargs, kwnames, given)) return nullptr;
  SpanObject* span = as_span(self);
  if (!open(span)) return none();
  const sdk::SpanLimits& limits = span->tracer->provider->limits;
  sdk::ProtoBuffer attributes;
  const uint32_t dropped = write_attributes(attributes, sdk::otlp::Event::kAttributes, given[1],
                                            limits.event_attributes, limits.attribute_length);
  add_event_bytes(span, safe_str(given[0]), time_argument(given[2]), attributes, dropped);
  return none();
}

}  // namespace

void add_link(SpanObject* span, PyObject* context, PyObject* attributes) {
  Parent target;
  read_span_context(context, &target);
  const Py_ssize_t size = attributes && attributes != Py_None ? PyObject_Size(attributes) : 0;
  if (size < 0) PyErr_Clear();
  if (!target.span_context || (!target.valid() && size <= 0 && !target.trace_state)) return;
  const sdk::SpanLimits& limits = span->tracer->provider->limits;
  using Field = sdk::otlp::Link;
  sdk::ProtoBuffer link;
  char ids[24];
  const uint64_t words[3] = {__builtin_bswap64(target.trace_id.high),
                             __builtin_bswap64(target.trace_id.low),
                             __builtin_bswap64(target.span_id)};
  std::memcpy(ids, words, sizeof ids);
  link.bytes_field(Field::kTraceId, {ids, 16});
  link.bytes_field(Field::kSpanId, {ids + 16, 8});
  if (target.trace_state) {
    Ref header(PyObject_CallMethod(target.trace_state, "to_header", nullptr));
    if (header) link.bytes_field(Field::kTraceState, safe_str(header.get()));
    PyErr_Clear();
  }
  const uint32_t dropped = write_attributes(link, Field::kAttributes, attributes,
                                            limits.link_attributes, limits.attribute_length);
  if (dropped) link.varint_field(Field::kDroppedAttributes, dropped);
  link.fixed32_field(Field::kFlags, target.trace_flags | 0x100u | (target.remote ? 0x200u : 0u));
  span->record.add_link(link.view(), limits);
}

namespace {

PyObject* py_add_link(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  static const char* const names[] = {"context", "attributes"};
  PyObject* given[2];
  if (!bind({"add_link", names, 2, 1, 2}, args, nargs, kwnames, given)) return nullptr;
  SpanObject* span = as_span(self);
  if (open(span)) add_link(span, given[0], given[1]);
  return none();
}

PyObject* py_update_name(PyObject* self, PyObject* name) {
  SpanObject* span = as_span(self);
  if (!open(span)) return none();
  Ref text(PyUnicode_Check(name) ? Py_NewRef(name) : PyObject_Str(name));
  if (!text) {
    PyErr_Clear();
    return none();
  }
  Py_SETREF(span->name, text.release());
  return none();
}

PyObject* py_set_status(PyObject* self, PyObject* const* args, Py_ssize_t nargs,
                        PyObject* kwnames) {
  static const char* const names[] = {"status", "description"};
  PyObject* given[2];
  if (!bind({"set_status", names, 2, 1, 2}, args, nargs, kwnames, given)) return nullptr;
  SpanObject* span = as_span(self);
  int code = status_number(given[0]);
  if (code >= 0) {
    set_status(span, code, given[1]);
    return none();
  }
  Ref inner(PyObject_GetAttrString(given[0], "status_code"));
  Ref description(PyObject_GetAttrString(given[0], "description"));
  PyErr_Clear();
  code = inner ? status_number(inner.get()) : -1;
  set_status(span, code, description.get());
  return none();
}

PyObject* py_record_exception(PyObject* self, PyObject* const* args, Py_ssize_t nargs,
                              PyObject* kwnames) {
  static const char* const names[] = {"exception", "attributes", "timestamp", "escaped"};
  PyObject* given[4];
  if (!bind({"record_exception", names, 4, 1, 4}, args, nargs, kwnames, given)) return nullptr;
  const int escaped = given[3] ? PyObject_IsTrue(given[3]) : 0;
  if (escaped < 0) PyErr_Clear();
  record_exception(as_span(self), given[0], given[1], time_argument(given[2]), escaped > 0);
  return none();
}

PyObject* py_end(PyObject* self, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  PyObject* given[1] = {nullptr};
  if (nargs != 0 || kwnames) {
    static const char* const names[] = {"end_time"};
    if (!bind({"end", names, 1, 0, 1}, args, nargs, kwnames, given)) return nullptr;
  }
  SpanObject* span = as_span(self);
  if (open(span)) end_span(span, time_argument(given[0]));
  return none();
}

PyObject* py_is_recording(PyObject* self, PyObject*) {
  return PyBool_FromLong(as_span(self)->recording);
}

PyObject* py_get_span_context(PyObject* self, PyObject*) {
  return span_context_of(as_span(self));
}

PyObject* py_enter(PyObject* self, PyObject*) {
  return Py_NewRef(self);
}

PyObject* py_exit(PyObject* self, PyObject* const* args, Py_ssize_t nargs) {
  SpanObject* span = as_span(self);
  if (nargs > 1 && args[1] != Py_None && span->recording) {
    if (span->record_exception) record_exception(span, args[1], nullptr, 0, true);
    if (span->set_status_on_exception) set_error(span, args[1]);
  }
  if (span->recording) end_span(span, 0);
  return none();
}

// ---- reading back
// --------------------------------------------------------------------------------

PyObject* get_name(PyObject* self, void*) {
  return Py_NewRef(as_span(self)->name);
}
PyObject* get_context(PyObject* self, void*) {
  return span_context_of(as_span(self));
}
PyObject* get_kind(PyObject* self, void*) {
  return Py_NewRef(otel.span_kinds[as_span(self)->head.kind - 1]);
}
PyObject* get_parent(PyObject* self, void*) {
  SpanObject* span = as_span(self);
  if (!span->head.parent_id) return none();
  if (!span->parent_context) {
    // Only what the parent was sampled as is not kept; a child is seldom sampled otherwise.
    span->parent_context =
        make_span_context(span->head.trace_id, span->head.parent_id, span->head.parent_remote,
                          span->head.trace_flags, span->trace_state);
  }
  return Py_XNewRef(span->parent_context);
}
PyObject* get_status(PyObject* self, void*) {
  SpanObject* span = as_span(self);
  return PyObject_CallFunctionObjArgs(otel.status_type, otel.status_codes[span->head.status],
                                      span->status_message, nullptr);
}
PyObject* get_start_time(PyObject* self, void*) {
  return PyLong_FromLongLong(as_span(self)->head.start_ns);
}
PyObject* get_end_time(PyObject* self, void*) {
  const int64_t end = as_span(self)->head.end_ns;
  return end ? PyLong_FromLongLong(end) : none();
}
PyObject* get_attributes(PyObject* self, void*) {
  return read_attributes(as_span(self)->record);
}
PyObject* get_resource(PyObject* self, void*) {
  PyObject* resource = as_span(self)->tracer->provider->python_resource;
  return Py_NewRef(resource ? resource : Py_None);
}
PyObject* get_scope(PyObject* self, void*) {
  PyObject* scope = as_span(self)->tracer->scope;
  return Py_NewRef(scope ? scope : Py_None);
}

PyObject* span_repr(PyObject* self) {
  Ref context(span_context_of(as_span(self)));
  return context
             ? PyUnicode_FromFormat("Span(name=%R, context=%R)", as_span(self)->name, context.get())
             : nullptr;
}

#define FAST(function) reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function))

PyMethodDef span_methods[] = {
    {"set_attribute", FAST(py_set_attribute), METH_FASTCALL | METH_KEYWORDS,
     "set_attribute(key, value): sets one attribute."},
    {"set_attributes", py_set_attributes, METH_O, "set_attributes(attributes): sets several."},
    {"add_event", FAST(py_add_event), METH_FASTCALL | METH_KEYWORDS,
     "add_event(name, attributes=None, timestamp=None)"},
    {"add_link", FAST(py_add_link), METH_FASTCALL | METH_KEYWORDS,
     "add_link(context, attributes=None)"},
    {"update_name", py_update_name, METH_O, "update_name(name)"},
    {"set_status", FAST(py_set_status), METH_FASTCALL | METH_KEYWORDS,
     "set_status(status, description=None): OK is final, UNSET is ignored."},
    {"record_exception", FAST(py_record_exception), METH_FASTCALL | METH_KEYWORDS,
     "record_exception(exception, attributes=None, timestamp=None, escaped=False)"},
    {"is_recording", py_is_recording, METH_NOARGS, "False once ended, or when not sampled."},
    {"get_span_context", py_get_span_context, METH_NOARGS, "The span's SpanContext."},
    {"end", FAST(py_end), METH_FASTCALL | METH_KEYWORDS, "end(end_time=None)"},
    {"__enter__", py_enter, METH_NOARGS, nullptr},
    {"__exit__", FAST(py_exit), METH_FASTCALL, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef span_properties[] = {
    {"name", get_name, nullptr, nullptr, nullptr},
    {"context", get_context, nullptr, nullptr, nullptr},
    {"kind", get_kind, nullptr, nullptr, nullptr},
    {"parent", get_parent, nullptr, nullptr, nullptr},
    {"status", get_status, nullptr, nullptr, nullptr},
    {"start_time", get_start_time, nullptr, nullptr, nullptr},
    {"end_time", get_end_time, nullptr, nullptr, nullptr},
    {"attributes", get_attributes, nullptr, "A copy of the attributes.", nullptr},
    {"resource", get_resource, nullptr, nullptr, nullptr},
    {"instrumentation_scope", get_scope, nullptr, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyMemberDef span_members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(SpanObject, weakrefs), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

PyType_Slot base_slots[] = {{0, nullptr}};
PyType_Spec base_spec = {
    "vedette._native.SpanBase", 0, 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION, base_slots};

PyType_Slot span_slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(span_dealloc)},
    {Py_tp_repr, reinterpret_cast<void*>(span_repr)},
    {Py_tp_methods, span_methods},
    {Py_tp_getset, span_properties},
    {Py_tp_members, span_members},
    {Py_tp_doc, const_cast<char*>("A span. Made by a Tracer.")},
    {0, nullptr},
};
PyType_Spec span_spec = {"vedette._native.Span", sizeof(SpanObject), 0,
                         Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, span_slots};

}  // namespace

bool add_span_type(PyObject* module) {
  // isinstance(span, trace.Span) is answered from a cache for a subclass of a registered class, but
  // searched for anew each time for the registered class itself.
  PyTypeObject* base = add_type(module, &base_spec);
  if (!base) return false;
  Ref registered(PyObject_CallMethod(otel.span_abc, "register", "O", base));
  if (!registered) return false;
  span_type = add_type(module, &span_spec, reinterpret_cast<PyObject*>(base));
  return span_type != nullptr;
}

}  // namespace vedette::native
