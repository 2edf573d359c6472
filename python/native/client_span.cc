#include "client_span.h"

#include <structmember.h>

#include "otel_api.h"
#include "sdk/connection.h"
#include "tracer.h"
#include "values.h"

namespace vedette::native {

PyTypeObject* template_type;

namespace {

/// Objects of opentelemetry-api and of vedette.instrumentation, looked up once.
struct Names {
  PyObject* trace_module;     // dicts of modules, where the global providers are
  PyObject* metrics_module;   // null as long as nobody has imported it
  PyObject* tracer_provider;  // the names they have there
  PyObject* meter_provider;
  PyObject* suppress_keys[3];
  PyObject* start_span;
  PyObject* set_attribute;
  PyObject* is_recording;
  PyObject* end;
  PyObject* record;
  PyObject* error_type;

  bool load() {
    if (loaded_) return true;
    Ref trace(PyImport_ImportModule("opentelemetry.trace"));
    Ref context(PyImport_ImportModule("opentelemetry.context"));
    if (!trace || !context) return false;
    trace_module = Py_NewRef(PyModule_GetDict(trace.get()));
    suppress_keys[0] = PyUnicode_InternFromString("suppress_instrumentation");
    // Null in releases of the API before these keys.
    suppress_keys[1] = field(context.get(), "_SUPPRESS_INSTRUMENTATION_KEY").release();
    suppress_keys[2] = field(context.get(), "_SUPPRESS_HTTP_INSTRUMENTATION_KEY").release();
    const std::pair<PyObject**, const char*> names[] = {
        {&tracer_provider, "_TRACER_PROVIDER"},
        {&meter_provider, "_METER_PROVIDER"},
        {&start_span, "start_span"},
        {&set_attribute, "set_attribute"},
        {&is_recording, "is_recording"},
        {&end, "end"},
        {&record, "record"},
        {&error_type, "error.type"},
    };
    for (const auto& [to, name] : names) *to = PyUnicode_InternFromString(name);
    loaded_ = true;
    return true;
  }

  bool find_metrics() {
    if (metrics_module) return true;
    static PyObject* name = PyUnicode_InternFromString("opentelemetry.metrics._internal");
    Ref module(PyImport_GetModule(name));
    if (module) metrics_module = Py_NewRef(PyModule_GetDict(module.get()));
    if (PyErr_Occurred()) PyErr_Clear();
    return metrics_module != nullptr;
  }

 private:
  bool loaded_ = false;
};
Names names;

void call_set_attribute(PyObject* span, std::string_view key, PyObject* value) {
  Ref name(key_text(key));
  Ref done(value && name
               ? PyObject_CallMethodObjArgs(span, names.set_attribute, name.get(), value, nullptr)
               : nullptr);
  if (!done) PyErr_Clear();
}

bool is_true(Ref value) {
  const int truth = value ? PyObject_IsTrue(value.get()) : 0;
  if (!value || truth < 0) PyErr_Clear();
  return truth > 0;
}

/// A span of another provider.
PyObject* start_foreign(PyObject* tracer, PyObject* name, PyObject* context, PyObject* attributes) {
  Ref method(PyObject_GetAttr(tracer, names.start_span));
  static PyObject* keywords = Py_BuildValue("(sss)", "context", "kind", "attributes");
  PyObject* arguments[] = {name, context, otel.span_kinds[2], attributes ? attributes : Py_None};
  return method ? PyObject_Vectorcall(method.get(), arguments, 1, keywords) : nullptr;
}

PyObject* start_ours(PyObject* tracer, PyObject* name, PyObject* context, PyObject* attributes) {
  StartArguments given{};
  given.name = name;
  given.kind = otel.span_kinds[2];
  given.attributes = attributes;
  return start_from_arguments(reinterpret_cast<TracerObject*>(tracer), given, context);
}

}  // namespace

Ref key_text(std::string_view key) {
  PyObject* text = PyUnicode_FromStringAndSize(key.data(), static_cast<Py_ssize_t>(key.size()));
  if (text) PyUnicode_InternInPlace(&text);
  return Ref(text);
}

// ---- where spans come from
// -----------------------------------------------------------------------

PyObject* Source::made_for(PyObject* provider, const char* maker, const std::string& name) {
  const ErrorGuard guard;
  Ref module(PyImport_ImportModule("vedette.instrumentation"));
  Ref made(module ? PyObject_CallMethod(module.get(), maker, "Os", provider, name.c_str())
                  : nullptr);
  if (!made) PyErr_Clear();
  return made && made.get() != Py_None ? made.release() : nullptr;
}

PyObject* Source::tracer() {
  PyObject* provider = PyDict_GetItemWithError(names.trace_module, names.tracer_provider);
  if (!provider || provider == Py_None) {
    if (PyErr_Occurred()) PyErr_Clear();
    return nullptr;
  }
  if (provider != tracer_provider_) {
    PyObject* made = made_for(provider, "tracer_of", library_);
    Py_XSETREF(tracer_, made);
    Py_XSETREF(tracer_provider_, Py_NewRef(provider));
  }
  return tracer_;
}

PyObject* Source::histogram() {
  if (!names.find_metrics()) return nullptr;
  PyObject* provider = PyDict_GetItemWithError(names.metrics_module, names.meter_provider);
  if (!provider || provider == Py_None) {
    if (PyErr_Occurred()) PyErr_Clear();
    return nullptr;
  }
  if (provider != meter_provider_) {
    PyObject* made = made_for(provider, "histogram_of", histogram_name_);
    Py_XSETREF(histogram_, made);
    Py_XSETREF(meter_provider_, Py_NewRef(provider));
  }
  return histogram_;
}

bool Source::is_other(PyObject* span) {
  const ErrorGuard guard;
  Ref scope(PyObject_GetAttrString(span, "instrumentation_scope"));
  Ref name(scope ? PyObject_GetAttrString(scope.get(), "name") : nullptr);
  PyErr_Clear();
  if (!name || !PyUnicode_Check(name.get())) return false;
  if (Utf8(name.get()).view() != "opentelemetry.instrumentation." + library_) return false;
  warn_once((library_ + " is instrumented by opentelemetry-instrumentation-" + library_ +
             "; Vedette leaves it alone")
                .c_str());
  return true;
}

bool Source::is_told(PyObject* context) {
  PyObject* span = span_of_context(context);
  if (!span) return false;
  if (!is_span(span)) return is_other(span);
  constexpr uint8_t kClient = 3;
  if (as_span(span)->head.kind != kClient) return false;
  auto* tracer = reinterpret_cast<PyObject*>(as_span(span)->tracer);
  if (tracer != parent_tracer_) {
    parent_is_other_ = is_other(span);
    Py_XSETREF(parent_tracer_, Py_NewRef(tracer));
  }
  return parent_is_other_;
}

bool is_suppressed(PyObject* context, bool http) {
  if (!PyDict_Check(context)) return false;
  const Py_ssize_t size = PyDict_GET_SIZE(context);
  if (size == 0 || (size == 1 && span_of_context(context))) return false;
  for (int i = 0; i < (http ? 3 : 2); ++i) {
    PyObject* key = names.suppress_keys[i];
    PyObject* value = key ? PyDict_GetItemWithError(context, key) : nullptr;
    if (value && is_true(Ref::borrow(value))) return true;
    if (PyErr_Occurred()) PyErr_Clear();
  }
  return false;
}

Ref context_to_observe(bool http) {
  Ref context(current_context());
  if (!context) PyErr_Clear();
  if (context && is_suppressed(context.get(), http)) return Ref();
  return context;
}

bool is_watched(Source& source) {
  PyObject* tracer = source.tracer();
  if (!tracer || Py_TYPE(tracer) != tracer_type) return true;
  const ProviderObject* provider = reinterpret_cast<TracerObject*>(tracer)->provider;
  return provider->asks_python || provider->hooks;
}

bool is_inside(PyObject* context, Source& source) {
  PyObject* span = span_of_context(context);
  PyObject* tracer = span && is_span(span) ? source.tracer() : nullptr;
  return tracer && reinterpret_cast<PyObject*>(as_span(span)->tracer) == tracer;
}

// ---- one span
// ------------------------------------------------------------------------------------

bool ClientSpan::start(Source& from, PyObject* context, PyObject* name, PyObject* attributes) {
  PyObject* tracer = from.tracer();
  if (!tracer || from.is_told(context)) return false;
  source = &from;
  span = Py_TYPE(tracer) == tracer_type ? start_ours(tracer, name, context, attributes)
                                        : start_foreign(tracer, name, context, attributes);
  if (!span) {
    PyErr_Clear();
    return false;
  }
  ours = is_span(span);
  recording = ours ? as_span(span)->recording
                   : is_true(Ref(PyObject_CallMethodNoArgs(span, names.is_recording)));
  described = attributes != nullptr;
  return true;
}

void ClientSpan::make_current(PyObject* context, bool hide_http) {
  current.enter(context, span, hide_http ? names.suppress_keys[2] : nullptr);
  if (source->histogram()) started_ns = sdk::monotonic_now();
}

bool ClientSpan::begin(Source& from, PyObject* context, PyObject* name, TemplateObject* prepared) {
  const bool watched = is_watched(from);
  if (!start(from, context, name, watched ? prepared->attributes : nullptr)) return false;
  if (!watched && recording) {
    SpanObject* to = as_span(span);
    const sdk::SpanLimits& limits = to->tracer->provider->limits;
    if (!to->record.copy(prepared->record, limits)) {
      record_attributes(to->record, prepared->attributes, limits);
    }
  }
  labels = Py_XNewRef(prepared->labels);
  make_current(context, false);
  return true;
}

bool ClientSpan::begin(Source& from, PyObject* context, PyObject* name, PyObject* attributes,
                       bool hide_http) {
  if (!start(from, context, name, attributes)) return false;
  make_current(context, hide_http);
  return true;
}

void ClientSpan::text(const sdk::AttributeKey& key, std::string_view value) {
  if (!recording) return;
  if (ours) return set_text(as_span(span), key, value);
  Ref made(PyUnicode_DecodeUTF8(value.data(), static_cast<Py_ssize_t>(value.size()), "replace"));
  call_set_attribute(span, key.text(), made.get());
}

void ClientSpan::number(const sdk::AttributeKey& key, int64_t value) {
  if (!recording) return;
  if (ours) return set_int(as_span(span), key, value);
  Ref made(PyLong_FromLongLong(value));
  call_set_attribute(span, key.text(), made.get());
}

void ClientSpan::error(std::string_view type) {
  if (!recording) return;
  text("error.type", type);
  if (ours) return set_status(as_span(span), 2, nullptr);
  Ref done(PyObject_CallMethod(span, "set_status", "O", otel.status_codes[2]));
  if (!done) PyErr_Clear();
}

void ClientSpan::raised(PyObject* exception) {
  if (!recording) return;
  text("error.type", exception_type(exception));
  // A cancelled call is no failure of the system that was called.
  if (!PyErr_GivenExceptionMatches(exception, PyExc_Exception)) return;
  if (ours) {
    record_exception(as_span(span), exception, nullptr, 0, false);
    return set_error(as_span(span), exception);
  }
  const std::string message =
      std::string(_PyType_Name(Py_TYPE(exception))) + ": " + safe_str(exception);
  Ref recorded(PyObject_CallMethod(span, "record_exception", "O", exception));
  PyErr_Clear();
  Ref status(PyObject_CallFunction(otel.status_type, "Os#", otel.status_codes[2], message.data(),
                                   static_cast<Py_ssize_t>(message.size())));
  PyErr_Clear();
  Ref done(status ? PyObject_CallMethod(span, "set_status", "O", status.get()) : nullptr);
  PyErr_Clear();
}

void ClientSpan::end(std::string_view error_type) {
  if (!span) return;
  PyObject* histogram = labels && started_ns ? source->histogram() : nullptr;
  if (histogram) {
    Ref kept(Ref::borrow(labels));
    if (!error_type.empty()) {
      kept = Ref(PyDict_Copy(labels));
      Ref value(PyUnicode_DecodeUTF8(error_type.data(), static_cast<Py_ssize_t>(error_type.size()),
                                     "replace"));
      if (!kept || !value || PyDict_SetItem(kept.get(), names.error_type, value.get()) < 0) {
        PyErr_Clear();
      }
    }
    Ref seconds(PyFloat_FromDouble(static_cast<double>(sdk::monotonic_now() - started_ns) / 1e9));
    Ref done(seconds && kept ? PyObject_CallMethodObjArgs(histogram, names.record, seconds.get(),
                                                          kept.get(), nullptr)
                             : nullptr);
    if (!done) PyErr_Clear();
  }
  current.leave();
  if (ours) {
    end_span(as_span(span), 0);
  } else {
    Ref done(PyObject_CallMethodNoArgs(span, names.end));
    if (!done) PyErr_Clear();
  }
  clear();
}

void ClientSpan::clear() {
  current.forget();
  Py_CLEAR(span);
  Py_CLEAR(about);
  Py_CLEAR(labels);
  recording = false;
}

// ---- templates
// -----------------------------------------------------------------------------------

namespace {

TemplateObject* as_template(PyObject* self) {
  return reinterpret_cast<TemplateObject*>(self);
}

/// SpanTemplate(name, attributes, labels=None)
PyObject* template_new(PyTypeObject* type, PyObject* args, PyObject*) {
  PyObject *name, *attributes, *labels = nullptr;
  if (!PyArg_ParseTuple(args, "UO!|O", &name, &PyDict_Type, &attributes, &labels)) return nullptr;
  auto* made = as_template(type->tp_alloc(type, 0));
  if (!made) return nullptr;
  new (&made->record) sdk::SpanRecord;
  made->name = Py_NewRef(name);
  made->attributes = Py_NewRef(attributes);
  made->labels = labels && PyDict_Check(labels) ? Py_NewRef(labels) : nullptr;
  static const sdk::SpanLimits limits;
  record_attributes(made->record, attributes, limits);
  return reinterpret_cast<PyObject*>(made);
}

void template_dealloc(PyObject* self) {
  TemplateObject* made = as_template(self);
  Py_XDECREF(made->name);
  Py_XDECREF(made->attributes);
  Py_XDECREF(made->labels);
  made->record.~SpanRecord();
  PyTypeObject* type = Py_TYPE(self);
  type->tp_free(self);
  Py_DECREF(type);
}

PyMemberDef template_members[] = {
    {"name", T_OBJECT, offsetof(TemplateObject, name), READONLY, nullptr},
    {"attributes", T_OBJECT, offsetof(TemplateObject, attributes), READONLY, nullptr},
    {"labels", T_OBJECT, offsetof(TemplateObject, labels), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};
PyType_Slot template_slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(template_new)},
    {Py_tp_dealloc, reinterpret_cast<void*>(template_dealloc)},
    {Py_tp_members, template_members},
    {Py_tp_doc, const_cast<char*>("Name and attributes that many spans share, encoded once.")},
    {0, nullptr},
};
PyType_Spec template_spec = {"vedette._native.SpanTemplate", sizeof(TemplateObject), 0,
                             Py_TPFLAGS_DEFAULT, template_slots};

}  // namespace

bool load_client_spans() {
  return names.load();
}

bool add_client_span_types(PyObject* module) {
  template_type = add_type(module, &template_spec);
  return template_type != nullptr;
}

}  // namespace vedette::native
