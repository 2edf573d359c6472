#include "tracer.h"

#include "exporter.h"
#include "otel_api.h"
#include "sdk/otlp_fields.h"
#include "sdk/source_table.h"
#include "span.h"
#include "span_scope.h"
#include "values.h"

namespace vedette::native {

PyTypeObject* provider_type;
PyTypeObject* tracer_type;

void add_link(SpanObject* span, PyObject* context, PyObject* attributes);

namespace {

ProviderObject* as_provider(PyObject* object) {
  return reinterpret_cast<ProviderObject*>(object);
}
TracerObject* as_tracer(PyObject* object) {
  return reinterpret_cast<TracerObject*>(object);
}

/// ("on",) | ("off",) | ("ratio", bound) | ("parent", root, remote sampled, …)
bool parse_sampler(PyObject* spec, sdk::Sampler* out) {
  using Kind = sdk::Sampler::Kind;
  if (!PyTuple_Check(spec) || PyTuple_GET_SIZE(spec) < 1 ||
      !PyUnicode_Check(PyTuple_GET_ITEM(spec, 0))) {
    PyErr_SetString(PyExc_TypeError, "not a sampler description");
    return false;
  }
  const std::string kind = safe_str(PyTuple_GET_ITEM(spec, 0));
  if (kind == "on" || kind == "off") {
    out->kind = kind == "on" ? Kind::kAlwaysOn : Kind::kAlwaysOff;
    return true;
  }
  if (kind == "ratio" && PyTuple_GET_SIZE(spec) == 2) {
    out->kind = Kind::kTraceIdRatio;
    out->bound = PyLong_AsUnsignedLongLong(PyTuple_GET_ITEM(spec, 1));
    if (PyErr_Occurred()) {
      if (!PyErr_ExceptionMatches(PyExc_OverflowError)) return false;
      PyErr_Clear();
      out->all = true;
    }
    return true;
  }
  if (kind != "parent" || PyTuple_GET_SIZE(spec) != 6) {
    PyErr_Format(PyExc_TypeError, "unknown sampler description %R", spec);
    return false;
  }
  out->kind = Kind::kParentBased;
  for (size_t i = 0; i < 5; ++i) {
    out->children[i] = std::make_unique<sdk::Sampler>();
    if (!parse_sampler(PyTuple_GET_ITEM(spec, static_cast<Py_ssize_t>(i + 1)),
                       out->children[i].get())) {
      return false;
    }
  }
  return true;
}

/// A limit of SpanLimits: None is no limit.
uint32_t limit_of(PyObject* limits, const char* name) {
  Ref value(PyObject_GetAttrString(limits, name));
  if (!value || value.get() == Py_None) {
    PyErr_Clear();
    return sdk::kUnlimited;
  }
  const long long n = PyLong_AsLongLong(value.get());
  if (PyErr_Occurred()) PyErr_Clear();
  return n < 0 || n >= sdk::kUnlimited ? sdk::kUnlimited : static_cast<uint32_t>(n);
}

void provider_dealloc(PyObject* self) {
  ProviderObject* provider = as_provider(self);
  Py_XDECREF(provider->python_resource);
  std::destroy_at(&provider->sampler);
  std::destroy_at(&provider->sinks);
  std::destroy_at(&provider->resource);
  std::destroy_at(&provider->resource_schema_url);
  PyTypeObject* type = Py_TYPE(self);
  PyObject_Free(self);
  Py_DECREF(type);
}

/// Provider(sampler_description, limits, resource)
PyObject* provider_new(PyTypeObject*, PyObject* args, PyObject*) {
  PyObject *sampler, *limits, *resource;
  if (!PyArg_ParseTuple(args, "OOO", &sampler, &limits, &resource)) return nullptr;
  Ref attributes(PyObject_GetAttrString(resource, "attributes"));
  Ref schema_url(PyObject_GetAttrString(resource, "schema_url"));
  sdk::Sampler parsed;
  if (!attributes || !schema_url || !parse_sampler(sampler, &parsed)) return nullptr;
  auto* provider = PyObject_New(ProviderObject, provider_type);
  if (!provider) return nullptr;
  new (&provider->sampler) sdk::Sampler(std::move(parsed));
  new (&provider->limits) sdk::SpanLimits;
  new (&provider->sinks) std::vector<Sink>;
  new (&provider->resource) std::string(encode_resource(attributes.get()));
  new (&provider->resource_schema_url) std::string(safe_str(schema_url.get()));
  provider->python_resource = Py_NewRef(resource);
  provider->shut = false;
  sdk::SpanLimits& to = provider->limits;
  to.attributes = limit_of(limits, "max_span_attributes");
  to.events = limit_of(limits, "max_events");
  to.links = limit_of(limits, "max_links");
  to.event_attributes = limit_of(limits, "max_event_attributes");
  to.link_attributes = limit_of(limits, "max_link_attributes");
  to.attribute_length = limit_of(limits, "max_attribute_length");
  to.span_attribute_length = limit_of(limits, "max_span_attribute_length");
  return reinterpret_cast<PyObject*>(provider);
}

PyObject* provider_add_sink(PyObject* self, PyObject* lane) {
  if (Py_TYPE(lane) != lane_type) {
    PyErr_SetString(PyExc_TypeError, "not a lane");
    return nullptr;
  }
  auto* from = reinterpret_cast<LaneObject*>(lane);
  as_provider(self)->sinks.push_back({from->thread, from->lane});
  return none();
}

/// tracer(name, version, schema_url, attributes, scope) -> Tracer
PyObject* provider_tracer(PyObject* self, PyObject* args) {
  PyObject *name, *version, *schema_url, *attributes, *scope;
  if (!PyArg_ParseTuple(args, "OOOOO", &name, &version, &schema_url, &attributes, &scope)) {
    return nullptr;
  }
  ProviderObject* provider = as_provider(self);
  const uint32_t source = sdk::SourceTable::instance().intern(
      provider->resource, provider->resource_schema_url, encode_scope(name, version, attributes),
      schema_url == Py_None ? "" : safe_str(schema_url));
  auto* tracer = PyObject_New(TracerObject, tracer_type);
  if (!tracer) return nullptr;
  tracer->provider = as_provider(Py_NewRef(self));
  tracer->scope = Py_NewRef(scope);
  tracer->source = source;
  return reinterpret_cast<PyObject*>(tracer);
}

/// adopt(tracer): the tracer of another provider makes its spans here from now on.
PyObject* provider_adopt(PyObject* self, PyObject* object) {
  if (Py_TYPE(object) != tracer_type) {
    PyErr_SetString(PyExc_TypeError, "not a tracer");
    return nullptr;
  }
  TracerObject* tracer = as_tracer(object);
  Ref name(PyObject_GetAttrString(tracer->scope, "name"));
  Ref version(PyObject_GetAttrString(tracer->scope, "version"));
  Ref schema_url(PyObject_GetAttrString(tracer->scope, "schema_url"));
  Ref attributes(PyObject_GetAttrString(tracer->scope, "attributes"));
  if (!name || !version || !schema_url || !attributes) return nullptr;
  ProviderObject* provider = as_provider(self);
  const uint32_t source = sdk::SourceTable::instance().intern(
      provider->resource, provider->resource_schema_url,
      encode_scope(name.get(), version.get(), attributes.get()),
      schema_url.get() == Py_None ? "" : safe_str(schema_url.get()));
  ProviderObject* previous = tracer->provider;
  tracer->provider = as_provider(Py_NewRef(self));
  tracer->source = source;
  Py_DECREF(reinterpret_cast<PyObject*>(previous));
  return none();
}

void tracer_dealloc(PyObject* self) {
  TracerObject* tracer = as_tracer(self);
  Py_DECREF(reinterpret_cast<PyObject*>(tracer->provider));
  Py_DECREF(tracer->scope);
  PyTypeObject* type = Py_TYPE(self);
  PyObject_Free(self);
  Py_DECREF(type);
}

const char* const kStartNames[] = {"name",
                                   "context",
                                   "kind",
                                   "attributes",
                                   "links",
                                   "start_time",
                                   "record_exception",
                                   "set_status_on_exception",
                                   "end_on_exit"};

bool start_arguments(const char* function, int count, PyObject* const* args, Py_ssize_t nargs,
                     PyObject* kwnames, StartArguments* out) {
  *out = {};
  if (nargs == 1 && !kwnames) {
    out->name = args[0];
    return true;
  }
  return bind({function, kStartNames, count, 1, count}, args, nargs, kwnames, &out->name);
}

PyObject* tracer_start_span(PyObject* self, PyObject* const* args, Py_ssize_t nargs,
                            PyObject* kwnames) {
  StartArguments given;
  if (!start_arguments("start_span", 8, args, nargs, kwnames, &given)) return nullptr;
  if (given.context && given.context != Py_None) {
    return start_from_arguments(as_tracer(self), given, given.context);
  }
  Ref current(current_context());
  if (!current) return nullptr;
  return start_from_arguments(as_tracer(self), given, current.get());
}

PyObject* tracer_start_as_current_span(PyObject* self, PyObject* const* args, Py_ssize_t nargs,
                                       PyObject* kwnames) {
  StartArguments given;
  if (!start_arguments("start_as_current_span", 9, args, nargs, kwnames, &given)) return nullptr;
  return make_scope(as_tracer(self), given);
}

void add_links(SpanObject* span, PyObject* links) {
  each(links, 10'000, [&](PyObject* link) {
    Ref context(PyObject_GetAttrString(link, "context"));
    Ref attributes(PyObject_GetAttrString(link, "attributes"));
    PyErr_Clear();
    if (context) add_link(span, context.get(), attributes.get());
    return true;
  });
}

bool is_false(PyObject* value) {
  if (!value) return false;
  const int truth = PyObject_IsTrue(value);
  if (truth < 0) PyErr_Clear();
  return truth == 0;
}

#define FAST(function) reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function))

PyMethodDef tracer_methods[] = {
    {"start_span", FAST(tracer_start_span), METH_FASTCALL | METH_KEYWORDS,
     "start_span(name, context=None, kind=INTERNAL, attributes=None, links=None, start_time=None,\n"
     "record_exception=True, set_status_on_exception=True): a started span, not made current."},
    {"start_as_current_span", FAST(tracer_start_as_current_span), METH_FASTCALL | METH_KEYWORDS,
     "start_as_current_span(name, …, end_on_exit=True): a context manager and decorator."},
    {nullptr, nullptr, 0, nullptr},
};
PyType_Slot tracer_slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(tracer_dealloc)},
    {Py_tp_methods, tracer_methods},
    {Py_tp_doc, const_cast<char*>("Makes spans. Made by TracerProvider.get_tracer().")},
    {0, nullptr},
};
PyType_Spec tracer_spec = {"vedette._native.Tracer", sizeof(TracerObject), 0,
                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, tracer_slots};

PyMethodDef provider_methods[] = {
    {"add_sink", provider_add_sink, METH_O, "add_sink(lane): ended spans go there, too."},
    {"tracer", provider_tracer, METH_VARARGS,
     "tracer(name, version, schema_url, attributes, scope)"},
    {"adopt", provider_adopt, METH_O,
     "adopt(tracer): the tracer of another provider makes its spans here from now on."},
    {nullptr, nullptr, 0, nullptr},
};
PyType_Slot provider_slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(provider_new)},
    {Py_tp_dealloc, reinterpret_cast<void*>(provider_dealloc)},
    {Py_tp_methods, provider_methods},
    {0, nullptr},
};
PyType_Spec provider_spec = {"vedette._native.Provider", sizeof(ProviderObject), 0,
                             Py_TPFLAGS_DEFAULT, provider_slots};

}  // namespace

std::string encode_resource(PyObject* attributes) {
  sdk::ProtoBuffer out;
  write_attributes(out, sdk::otlp::Resource::kAttributes, attributes, sdk::kUnlimited,
                   sdk::kUnlimited);
  return std::string(out.view());
}

std::string encode_scope(PyObject* name, PyObject* version, PyObject* attributes) {
  sdk::ProtoBuffer out;
  const std::string name_text = name == Py_None ? "" : safe_str(name);
  const std::string version_text = version == Py_None ? "" : safe_str(version);
  if (!name_text.empty()) out.bytes_field(sdk::otlp::Scope::kName, name_text);
  if (!version_text.empty()) out.bytes_field(sdk::otlp::Scope::kVersion, version_text);
  write_attributes(out, sdk::otlp::Scope::kAttributes, attributes, 128, sdk::kUnlimited);
  return std::string(out.view());
}

PyObject* start_from_arguments(TracerObject* tracer, const StartArguments& given,
                               PyObject* context) {
  Ref kept;
  const Parent parent = parent_of(context, &kept);
  Ref name_made;
  PyObject* name = given.name;
  if (!PyUnicode_Check(name)) {
    const std::string text = safe_str(name);
    name_made =
        Ref(PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace"));
    name = name_made.get();
    if (!name) return nullptr;
  }
  int64_t start_ns = 0;
  if (given.start_time && PyLong_Check(given.start_time)) {
    start_ns = PyLong_AsLongLong(given.start_time);
    if (PyErr_Occurred()) PyErr_Clear();
  }
  SpanObject* span = start_span(tracer, name, parent, given.kind ? kind_number(given.kind) : 1,
                                std::max<int64_t>(start_ns, 0));
  if (!span) return nullptr;
  span->record_exception = !is_false(given.record_exception);
  span->set_status_on_exception = !is_false(given.set_status_on_exception);
  if (span->recording) {
    if (given.attributes && given.attributes != Py_None) {
      record_attributes(span->record, given.attributes, tracer->provider->limits);
    }
    if (given.links && given.links != Py_None) add_links(span, given.links);
  }
  return as_object(span);
}

bool add_tracer_types(PyObject* module) {
  tracer_type = add_type(module, &tracer_spec);
  provider_type = tracer_type ? add_type(module, &provider_spec) : nullptr;
  return provider_type != nullptr;
}

}  // namespace vedette::native
