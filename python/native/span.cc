#include "span.h"

#include <structmember.h>

#include "sdk/ids.h"
#include "sdk/secrets.h"
#include "sdk/wall_clock.h"
#include "span_items.h"
#include "span_read.h"
#include "tracer.h"
#include "values.h"
#include "waiting.h"

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
  if (span->local) stop_waiting(span);
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

bool open(SpanObject* span) {
  if (span->recording) return true;
  if (span->head.start_ns) warn_once(kEnded);  // it did record once
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
    parent.span = ours;
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

namespace {

/// Of all threads: they hold the GIL.
sdk::IdGenerator ids;

/// The provider's id generator is the application's: what it gets wrong becomes a random id.
uint64_t next_span_id(PyObject* generator) {
  if (!generator) return ids.next();
  Ref id(PyObject_CallMethod(generator, "generate_span_id", nullptr));
  const uint64_t made = id ? span_id_of(id.get()) : 0;
  if (!id) report_exception("the id generator failed; a random span id is taken");
  return made ? made : ids.next();
}

sdk::TraceId next_trace_id(PyObject* generator, uint8_t* flags) {
  constexpr uint8_t kRandom = 2;
  *flags = kRandom;
  if (!generator) return {ids.next(), ids.next()};
  Ref number(PyObject_CallMethod(generator, "generate_trace_id", nullptr));
  const sdk::TraceId made = number ? trace_id_of(number.get()) : sdk::TraceId{};
  if (!number) report_exception("the id generator failed; a random trace id is taken");
  if (!made.valid()) return {ids.next(), ids.next()};
  Ref random(PyObject_CallMethod(generator, "is_trace_id_random", nullptr));
  if (!random || PyObject_IsTrue(random.get()) <= 0) *flags = 0;
  PyErr_Clear();
  return made;
}

/// What a sampler written in Python answered.
struct Answer {
  bool asked = false;
  Ref attributes;
  Ref trace_state;
};

sdk::Decision ask_sampler(PyObject* sampler, const SpanObject* span, const StartArguments& given,
                          PyObject* context, Answer* answer) {
  const ErrorGuard guard;
  answer->asked = true;
  Ref trace_id(trace_id_number(span->head.trace_id));
  Ref no_links(PyTuple_New(0));
  Ref result(trace_id && no_links
                 ? PyObject_CallMethod(
                       sampler, "should_sample", "OOOOOO", context, trace_id.get(), span->name,
                       otel.span_kinds[span->head.kind - 1],
                       given.attributes ? given.attributes : Py_None,
                       given.links && given.links != Py_None ? given.links : no_links.get())
                 : nullptr);
  Ref decision(result ? PyObject_GetAttrString(result.get(), "decision") : nullptr);
  Ref value(decision ? PyObject_GetAttrString(decision.get(), "value") : nullptr);
  const long number = value ? PyLong_AsLong(value.get()) : -1;
  if (number < 0 || number > 2) {
    report_exception("the sampler failed; the span is sampled");
    answer->attributes = Ref::borrow(given.attributes);
    return sdk::Decision::kRecordAndSample;
  }
  answer->attributes = field(result.get(), "attributes");
  answer->trace_state = field(result.get(), "trace_state");
  return static_cast<sdk::Decision>(number);
}

/// A span of a tracer that is switched off: it records nothing and is its parent's context.
SpanObject* stand_in(SpanObject* span, const Parent& parent) {
  span->head.trace_id = parent.trace_id;
  span->head.span_id = parent.span_id;
  span->head.trace_flags = parent.trace_flags;
  span->span_context = Py_XNewRef(parent.span_context);
  span->trace_state = Py_XNewRef(parent.trace_state);
  return span;
}

/// Tells the processors written in Python. What they raise is said, and stays here.
void notify(PyObject* hooks, const char* method, PyObject* span, PyObject* context) {
  const ErrorGuard guard;
  Ref done(context ? PyObject_CallMethod(hooks, method, "OO", span, context)
                   : PyObject_CallMethod(hooks, method, "O", span));
  if (!done) report_exception("a span processor failed");
}

void add_links(SpanObject* span, PyObject* links) {
  each(links, 10'000, [&](PyObject* link) {
    const Ref context = field(link, "context");
    const Ref attributes = field(link, "attributes");
    if (context) add_link(span, context.get(), attributes.get());
    return true;
  });
}

void begin_recording(SpanObject* span, const StartArguments& given, PyObject* attributes) {
  const ProviderObject* provider = span->tracer->provider;
  span->recording = true;
  if (attributes && attributes != Py_None) {
    record_attributes(span->record, attributes, provider->limits);
  }
  if (given.links && given.links != Py_None) add_links(span, given.links);
}

void send(SpanObject* span) {
  const ProviderObject* provider = span->tracer->provider;
  const Utf8 name(span->name);
  const std::string trace_state = trace_state_header(span->trace_state);
  std::string message;
  if (span->status_message) {
    std::string kept;
    const Utf8 given(span->status_message);
    message = sdk::masked_text(sdk::KeyKind::kUrl, given.view(), kept);
  }
  const std::string_view name_text = cut(name.view(), sdk::kUnlimited);
  const std::string_view message_text = cut(message, sdk::kUnlimited);
  if (span->local) return end_waiting(span, name_text, message_text);
  const size_t size = span->record.encoded_size(span->head, name_text, trace_state, message_text);
  for (const Sink& sink : provider->sinks->sinks) {
    char* out = sink.lane->reserve(size, span->tracer->source);
    if (!out) continue;
    span->record.encode(out, span->head, name_text, trace_state, message_text);
    sink.thread->commit(*sink.lane, out);
  }
}

}  // namespace

SpanObject* start_span(TracerObject* tracer, PyObject* name, const Parent& parent, uint8_t kind,
                       int64_t start_ns, const StartArguments& given, PyObject* context) {
  SpanObject* span = new_span();
  if (!span) return nullptr;
  span->weakrefs = nullptr;
  span->tracer = reinterpret_cast<TracerObject*>(Py_NewRef(reinterpret_cast<PyObject*>(tracer)));
  span->name = Py_NewRef(name);
  span->span_context = nullptr;
  span->parent_context = nullptr;
  span->trace_state = nullptr;
  span->status_message = nullptr;
  span->recording = span->sampled = span->ending = false;
  span->local = nullptr;
  span->traces = nullptr;
  span->record_exception = !is_false(given.record_exception);
  span->set_status_on_exception = !is_false(given.set_status_on_exception);
  sdk::SpanHead& head = span->head;
  head = {};
  head.kind = kind;
  if (!tracer->enabled) return stand_in(span, parent);
  const ProviderObject* provider = tracer->provider;
  head.span_id = next_span_id(provider->id_generator);
  if (parent.valid()) {
    head.trace_id = parent.trace_id;
    head.parent_id = parent.span_id;
    head.parent_remote = parent.remote;
    head.trace_flags = parent.trace_flags & 2;
    span->trace_state = Py_XNewRef(parent.trace_state);
    span->parent_context = Py_XNewRef(parent.span_context);
  } else {
    head.trace_id = next_trace_id(provider->id_generator, &head.trace_flags);
  }
  Ref current;
  if (provider->hooks || provider->asks_python) {
    current = context ? Ref::borrow(context) : Ref(current_context());
    if (!current) current = Ref(none());
    PyErr_Clear();
  }
  Answer answer;
  const sdk::SamplingParent sampling{parent.valid(), parent.remote, (parent.trace_flags & 1) != 0};
  const sdk::Decision decision =
      provider->traces && join_waiting(span, parent)
          ? waiting_decision(span)
          : provider->sampler.should_sample(sampling, head.trace_id.low, [&](void* sampler) {
              if (is_trace_buffer(sampler)) return start_waiting(span, parent, sampler);
              return ask_sampler(static_cast<PyObject*>(sampler), span, given, current.get(),
                                 &answer);
            });
  if (answer.asked) {
    PyObject* state = answer.trace_state.get();
    Py_XSETREF(span->trace_state, state && state != Py_None ? Py_NewRef(state) : nullptr);
  }
  const int origin = parent.valid() ? 1 + parent.remote : 0;
  ++tracer->provider->started[origin][static_cast<int>(decision)];
  span->sampled = decision == sdk::Decision::kRecordAndSample;
  if (span->sampled) head.trace_flags |= 1;
  if (decision == sdk::Decision::kDrop) return span;
  const int64_t now = sdk::wall_now(&span->clock_offset);
  head.start_ns = start_ns ? start_ns : now;
  begin_recording(span, given, answer.asked ? answer.attributes.get() : given.attributes);
  if (provider->hooks) notify(provider->hooks, "on_start", as_object(span), current.get());
  return span;
}

void end_span(SpanObject* span, int64_t end_ns) {
  if (!span->recording || span->ending) return;
  span->ending = true;
  span->head.end_ns = end_ns ? end_ns : sdk::wall_now(span->clock_offset);
  const ProviderObject* provider = span->tracer->provider;
  if (provider->hooks) notify(provider->hooks, "_on_ending", as_object(span), nullptr);
  span->recording = false;
  ++span->tracer->provider->ended[span->sampled ? 2 : 1];
  if ((span->sampled || span->local) && !provider->sinks->sinks.empty()) send(span);
  if (!provider->hooks) return;
  const ErrorGuard guard;
  Ref readable(call_face("snapshot", as_object(span)));
  if (readable) {
    notify(provider->hooks, "on_end", readable.get(), nullptr);
  } else {
    report_exception("a span could not be read back");
  }
}

PyObject* span_context_of(SpanObject* span) {
  if (!span->span_context) {
    span->span_context = make_span_context(span->head.trace_id, span->head.span_id, false,
                                           span->head.trace_flags, span->trace_state);
  }
  return Py_XNewRef(span->span_context);
}

void set_text(SpanObject* span, const sdk::AttributeKey& key, std::string_view value) {
  const sdk::SpanLimits& limits = span->tracer->provider->limits;
  span->record.set_string(key, cut(value, limits.span_attribute_length), limits);
}

void set_int(SpanObject* span, const sdk::AttributeKey& key, int64_t value) {
  span->record.set_int(key, value, span->tracer->provider->limits);
}

std::string exception_type(PyObject* exception) {
  PyObject* type = reinterpret_cast<PyObject*>(Py_TYPE(exception));
  const Ref qualname = field(type, "__qualname__");
  const Ref module = field(type, "__module__");
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

int64_t time_or_now(const SpanObject* span, int64_t time_ns) {
  return time_ns ? time_ns : sdk::wall_now(span->clock_offset);
}

}  // namespace

void add_event(SpanObject* span, std::string_view name, PyObject* attributes, int64_t time_ns) {
  const sdk::SpanLimits& limits = span->tracer->provider->limits;
  sdk::ProtoBuffer event;
  write_event(event, name, time_or_now(span, time_ns), attributes, limits);
  span->record.add_event(event.view(), limits);
}

void record_exception(SpanObject* span, PyObject* exception, PyObject* attributes, int64_t time_ns,
                      bool escaped) {
  if (!open(span)) return;
  // The application's attributes come last, and win.
  Ref all(PyDict_New());
  const std::pair<const char*, std::string> facts[] = {
      {"exception.type", exception_type(exception)},
      {"exception.message", safe_str(exception)},
      {"exception.stacktrace", stack_trace(exception)},
      {"exception.escaped", escaped ? "True" : "False"},
  };
  for (const auto& [key, value] : facts) {
    Ref text(PyUnicode_DecodeUTF8(value.data(), static_cast<Py_ssize_t>(value.size()), "replace"));
    if (text && all) PyDict_SetItemString(all.get(), key, text.get());
  }
  if (all && attributes && attributes != Py_None) {
    each_item(attributes,
              [&](PyObject* key, PyObject* value) { PyDict_SetItem(all.get(), key, value); });
  }
  PyErr_Clear();
  add_event(span, "exception", all.get(), time_ns);
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

PyObject* py_set_attributes(PyObject* self, PyObject* const* args, Py_ssize_t nargs,
                            PyObject* kwnames) {
  static const char* const names[] = {"attributes"};
  PyObject* attributes;
  if (!bind({"set_attributes", names, 1, 1, 1}, args, nargs, kwnames, &attributes)) return nullptr;
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
  add_event(span, safe_str(given[0]), given[1], time_argument(given[2]));
  return none();
}

}  // namespace

void add_link(SpanObject* span, PyObject* context, PyObject* attributes) {
  const sdk::SpanLimits& limits = span->tracer->provider->limits;
  sdk::ProtoBuffer link;
  if (write_link(link, context, attributes, limits)) span->record.add_link(link.view(), limits);
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

PyObject* py_update_name(PyObject* self, PyObject* const* args, Py_ssize_t nargs,
                         PyObject* kwnames) {
  static const char* const names[] = {"name"};
  PyObject* name;
  if (!bind({"update_name", names, 1, 1, 1}, args, nargs, kwnames, &name)) return nullptr;
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
  const Ref inner = field(given[0], "status_code");
  const Ref description = field(given[0], "description");
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

/// A tracer has started it: there is nothing to do.
PyObject* py_start(PyObject*, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames) {
  static const char* const names[] = {"start_time", "parent_context"};
  PyObject* given[2];
  if (!bind({"start", names, 2, 0, 2}, args, nargs, kwnames, given)) return nullptr;
  warn_once("start() was called on a span that is started already");
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

PyObject* span_repr(PyObject* self) {
  Ref context(span_context_of(as_span(self)));
  return context
             ? PyUnicode_FromFormat("Span(name=%R, context=%R)", as_span(self)->name, context.get())
             : nullptr;
}

#define FAST(function) reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function))

PyMethodDef span_methods[] = {
    {"set_attribute", FAST(py_set_attribute), METH_FASTCALL | METH_KEYWORDS,
     "set_attribute(key, value): sets one attribute. None is no value: it is sent as an empty one, "
     "and\n"
     "means nothing to most who receive it."},
    {"set_attributes", FAST(py_set_attributes), METH_FASTCALL | METH_KEYWORDS,
     "set_attributes(attributes): sets several."},
    {"add_event", FAST(py_add_event), METH_FASTCALL | METH_KEYWORDS,
     "add_event(name, attributes=None, timestamp=None)"},
    {"add_link", FAST(py_add_link), METH_FASTCALL | METH_KEYWORDS,
     "add_link(context, attributes=None)"},
    {"update_name", FAST(py_update_name), METH_FASTCALL | METH_KEYWORDS, "update_name(name)"},
    {"set_status", FAST(py_set_status), METH_FASTCALL | METH_KEYWORDS,
     "set_status(status, description=None): OK is final, UNSET is ignored."},
    {"record_exception", FAST(py_record_exception), METH_FASTCALL | METH_KEYWORDS,
     "record_exception(exception, attributes=None, timestamp=None, escaped=False)"},
    {"is_recording", py_is_recording, METH_NOARGS, "False once ended, or when not sampled."},
    {"get_span_context", py_get_span_context, METH_NOARGS, "The span's SpanContext."},
    {"start", FAST(py_start), METH_FASTCALL | METH_KEYWORDS,
     "start(start_time=None, parent_context=None): spans are started by their tracer."},
    {"end", FAST(py_end), METH_FASTCALL | METH_KEYWORDS, "end(end_time=None)"},
    {"__enter__", py_enter, METH_NOARGS, nullptr},
    {"__exit__", FAST(py_exit), METH_FASTCALL, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyMemberDef span_members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(SpanObject, weakrefs), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

// Reading back is the base's part: there is nothing to read from but a Span.
PyType_Slot base_slots[] = {
    {Py_tp_methods, span_reading_methods},
    {Py_tp_getset, span_properties},
    {0, nullptr},
};
PyType_Spec base_spec = {
    "vedette._native.SpanBase", 0, 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION, base_slots};

PyType_Slot span_slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(span_dealloc)},
    {Py_tp_repr, reinterpret_cast<void*>(span_repr)},
    {Py_tp_methods, span_methods},
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
