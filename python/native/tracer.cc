#include "tracer.h"

#include "exporter.h"
#include "otel_api.h"
#include "sdk/otlp_fields.h"
#include "sdk/source_table.h"
#include "span.h"
#include "span_scope.h"
#include "values.h"
#include "waiting.h"

namespace vedette::native {

PyTypeObject* provider_type;
PyTypeObject* tracer_type;

namespace {

ProviderObject* as_provider(PyObject* object) {
  return reinterpret_cast<ProviderObject*>(object);
}
TracerObject* as_tracer(PyObject* object) {
  return reinterpret_cast<TracerObject*>(object);
}

bool parse_children(PyObject* spec, sdk::Sampler* out);

/// ("on",) | ("off",) | ("record",) | ("ratio", bound) | ("parent", root, remote sampled, …) |
/// ("always_record", root) | ("python", sampler) | ("error_aware", TraceBuffer)
bool parse_sampler(PyObject* spec, sdk::Sampler* out) {
  using Kind = sdk::Sampler::Kind;
  if (!PyTuple_Check(spec) || PyTuple_GET_SIZE(spec) < 1 ||
      !PyUnicode_Check(PyTuple_GET_ITEM(spec, 0))) {
    PyErr_SetString(PyExc_TypeError, "not a sampler description");
    return false;
  }
  const std::string kind = safe_str(PyTuple_GET_ITEM(spec, 0));
  const Py_ssize_t size = PyTuple_GET_SIZE(spec);
  if (kind == "on" || kind == "off" || kind == "record") {
    out->kind = kind == "on"    ? Kind::kAlwaysOn
                : kind == "off" ? Kind::kAlwaysOff
                                : Kind::kRecordOnly;
    return true;
  }
  if (kind == "python" && size == 2) {
    out->kind = Kind::kForeign;
    out->foreign = PyTuple_GET_ITEM(spec, 1);  // kept by the description
    return true;
  }
  if (kind == "error_aware" && size == 2 &&
      Py_TYPE(PyTuple_GET_ITEM(spec, 1)) == trace_buffer_type) {
    out->kind = Kind::kErrorAware;
    out->foreign = PyTuple_GET_ITEM(spec, 1);  // likewise
    return true;
  }
  if (kind == "ratio" && size == 2) {
    out->kind = Kind::kTraceIdRatio;
    out->bound = PyLong_AsUnsignedLongLong(PyTuple_GET_ITEM(spec, 1));
    if (PyErr_Occurred()) {
      if (!PyErr_ExceptionMatches(PyExc_OverflowError)) return false;
      PyErr_Clear();
      out->all = true;
    }
    return true;
  }
  if ((kind == "parent" && size == 6) || (kind == "always_record" && size == 2)) {
    out->kind = kind == "parent" ? Kind::kParentBased : Kind::kAlwaysRecord;
    return parse_children(spec, out);
  }
  PyErr_Format(PyExc_TypeError, "unknown sampler description %R", spec);
  return false;
}

bool parse_children(PyObject* spec, sdk::Sampler* out) {
  for (Py_ssize_t i = 1; i < PyTuple_GET_SIZE(spec); ++i) {
    auto child = std::make_unique<sdk::Sampler>();
    if (!parse_sampler(PyTuple_GET_ITEM(spec, i), child.get())) return false;
    out->children[static_cast<size_t>(i - 1)] = std::move(child);
  }
  return true;
}

bool has_foreign(const sdk::Sampler& sampler) {
  return sampler.kind == sdk::Sampler::Kind::kForeign ||
         std::any_of(sampler.children.begin(), sampler.children.end(),
                     [](const auto& child) { return child && has_foreign(*child); });
}

TraceBufferObject* traces_of(const sdk::Sampler& sampler) {
  if (sampler.kind == sdk::Sampler::Kind::kErrorAware) {
    return static_cast<TraceBufferObject*>(sampler.foreign);
  }
  for (const auto& child : sampler.children) {
    if (TraceBufferObject* found = child ? traces_of(*child) : nullptr) return found;
  }
  return nullptr;
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

PyObject** objects_of(ProviderObject* provider) {
  return &provider->python_resource;
}
constexpr int kProviderObjects = 4;  // python_resource … python_id_generator

int provider_traverse(PyObject* self, visitproc visit, void* arg) {
  ProviderObject* provider = as_provider(self);
  Py_VISIT(Py_TYPE(self));
  for (int i = 0; i < kProviderObjects; ++i) Py_VISIT(objects_of(provider)[i]);
  Py_VISIT(provider->processor);
  Py_VISIT(provider->hooks);
  return 0;
}

// What tracers and spans still need, they keep alive; only the application's own objects can make a
// cycle.
int provider_clear(PyObject* self) {
  ProviderObject* provider = as_provider(self);
  Py_CLEAR(provider->processor);
  Py_CLEAR(provider->hooks);
  return 0;
}

void provider_dealloc(PyObject* self) {
  PyObject_GC_UnTrack(self);
  ProviderObject* provider = as_provider(self);
  if (provider->traces) provider->traces->buffer->flush();
  provider_clear(self);
  for (int i = 0; i < kProviderObjects; ++i) Py_CLEAR(objects_of(provider)[i]);
  std::destroy_at(&provider->sampler);
  std::destroy_at(&provider->sinks);
  std::destroy_at(&provider->resource);
  std::destroy_at(&provider->resource_schema_url);
  PyTypeObject* type = Py_TYPE(self);
  PyObject_GC_Del(self);
  Py_DECREF(type);
}

bool take_resource(ProviderObject* provider, PyObject* resource) {
  Ref attributes(PyObject_GetAttrString(resource, "attributes"));
  Ref schema_url(attributes ? PyObject_GetAttrString(resource, "schema_url") : nullptr);
  if (!attributes || !schema_url) return false;
  provider->resource = encode_resource(attributes.get());
  provider->resource_schema_url = schema_url.get() == Py_None ? "" : safe_str(schema_url.get());
  Py_XSETREF(provider->python_resource, Py_NewRef(resource));
  return true;
}

/// Provider(sampler_description, limits, resource, sampler, id_generator, native_ids, processor)
PyObject* provider_new(PyTypeObject*, PyObject* args, PyObject*) {
  PyObject *description, *limits, *resource, *sampler, *id_generator, *processor;
  int native_ids;
  if (!PyArg_ParseTuple(args, "OOOOOpO", &description, &limits, &resource, &sampler, &id_generator,
                        &native_ids, &processor)) {
    return nullptr;
  }
  sdk::Sampler parsed;
  if (!parse_sampler(description, &parsed)) return nullptr;
  auto* provider = PyObject_GC_New(ProviderObject, provider_type);
  if (!provider) return nullptr;
  provider->asks_python = has_foreign(parsed);
  new (&provider->sampler) sdk::Sampler(std::move(parsed));
  new (&provider->limits) sdk::SpanLimits;
  new (&provider->sinks) std::shared_ptr<SinkList>(std::make_shared<SinkList>());
  provider->traces = traces_of(provider->sampler);
  new (&provider->resource) std::string;
  new (&provider->resource_schema_url) std::string;
  provider->python_resource = nullptr;
  provider->sampler_description = Py_NewRef(description);
  provider->python_sampler = Py_NewRef(sampler);
  provider->python_id_generator = Py_NewRef(id_generator);
  provider->id_generator = native_ids ? nullptr : id_generator;
  provider->processor = Py_NewRef(processor);
  provider->hooks = nullptr;
  std::fill_n(&provider->started[0][0], 9, 0);
  std::fill_n(provider->ended, 3, 0);
  sdk::SpanLimits& to = provider->limits;
  to.attributes = limit_of(limits, "max_span_attributes");
  to.events = limit_of(limits, "max_events");
  to.links = limit_of(limits, "max_links");
  to.event_attributes = limit_of(limits, "max_event_attributes");
  to.link_attributes = limit_of(limits, "max_link_attributes");
  to.attribute_length = limit_of(limits, "max_attribute_length");
  to.span_attribute_length = limit_of(limits, "max_span_attribute_length");
  Ref made(reinterpret_cast<PyObject*>(provider));
  if (!take_resource(provider, resource)) return nullptr;
  PyObject_GC_Track(made.get());
  return made.release();
}

PyObject* provider_set_hooks(PyObject* self, PyObject* hooks) {
  Py_XSETREF(as_provider(self)->hooks, hooks == Py_None ? nullptr : Py_NewRef(hooks));
  return none();
}

/// (((started by decision) by origin of the parent), (ended by decision))
PyObject* provider_counts(PyObject* self, PyObject*) {
  const ProviderObject* provider = as_provider(self);
  const auto triple = [](const uint64_t* n) { return Py_BuildValue("(KKK)", n[0], n[1], n[2]); };
  return Py_BuildValue("((NNN)N)", triple(provider->started[0]), triple(provider->started[1]),
                       triple(provider->started[2]), triple(provider->ended));
}

PyObject* provider_set_resource(PyObject* self, PyObject* resource) {
  return take_resource(as_provider(self), resource) ? none() : nullptr;
}

/// settle(whether to decide everything): before a flush and a shutdown.
PyObject* provider_settle(PyObject* self, PyObject* all) {
  TraceBufferObject* traces = as_provider(self)->traces;
  if (traces && all == Py_True) traces->buffer->close();
  if (traces) traces->buffer->flush();
  return none();
}

PyObject* provider_add_sink(PyObject* self, PyObject* lane) {
  if (Py_TYPE(lane) != lane_type) {
    PyErr_SetString(PyExc_TypeError, "not a lane");
    return nullptr;
  }
  auto* from = reinterpret_cast<LaneObject*>(lane);
  as_provider(self)->sinks->sinks.push_back({from->thread, from->lane});
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
  auto* tracer = PyObject_GC_New(TracerObject, tracer_type);
  if (!tracer) return nullptr;
  tracer->provider = as_provider(Py_NewRef(self));
  tracer->scope = Py_NewRef(scope);
  tracer->source = source;
  tracer->enabled = true;
  PyObject_GC_Track(reinterpret_cast<PyObject*>(tracer));
  return reinterpret_cast<PyObject*>(tracer);
}

int tracer_traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(reinterpret_cast<PyObject*>(as_tracer(self)->provider));
  Py_VISIT(as_tracer(self)->scope);
  return 0;
}

void tracer_dealloc(PyObject* self) {
  PyObject_GC_UnTrack(self);
  TracerObject* tracer = as_tracer(self);
  Py_DECREF(reinterpret_cast<PyObject*>(tracer->provider));
  Py_DECREF(tracer->scope);
  PyTypeObject* type = Py_TYPE(self);
  PyObject_GC_Del(self);
  Py_DECREF(type);
}

/// The tracer's provider, or that one's resource, is another.
void renew_source(TracerObject* tracer) {
  sdk::SourceTable& table = sdk::SourceTable::instance();
  const sdk::Source before = table.get(tracer->source);
  tracer->source = table.intern(tracer->provider->resource, tracer->provider->resource_schema_url,
                                before.scope, before.scope_schema_url);
}

PyObject* tracer_renew_source(PyObject* self, PyObject*) {
  renew_source(as_tracer(self));
  return none();
}

/// adopt(tracer): the tracer of another provider makes its spans here from now on.
PyObject* provider_adopt(PyObject* self, PyObject* object) {
  if (Py_TYPE(object) != tracer_type) {
    PyErr_SetString(PyExc_TypeError, "not a tracer");
    return nullptr;
  }
  TracerObject* tracer = as_tracer(object);
  const Ref previous(reinterpret_cast<PyObject*>(tracer->provider));
  tracer->provider = as_provider(Py_NewRef(self));
  renew_source(tracer);
  return none();
}

PyObject* tracer_set_enabled(PyObject* self, PyObject* value) {
  as_tracer(self)->enabled = !is_false(value);
  return none();
}

PyObject* tracer_is_enabled(PyObject* self, PyObject*) {
  return PyBool_FromLong(as_tracer(self)->enabled);
}

PyObject* get_resource(PyObject* self, void*) {
  return Py_NewRef(as_tracer(self)->provider->python_resource);
}
PyObject* get_sampler(PyObject* self, void*) {
  return Py_NewRef(as_tracer(self)->provider->python_sampler);
}
PyObject* get_id_generator(PyObject* self, void*) {
  return Py_NewRef(as_tracer(self)->provider->python_id_generator);
}
PyObject* get_processor(PyObject* self, void*) {
  PyObject* processor = as_tracer(self)->provider->processor;
  return Py_NewRef(processor ? processor : Py_None);
}
PyObject* get_scope(PyObject* self, void*) {
  return Py_NewRef(as_tracer(self)->scope);
}
PyObject* get_info(PyObject* self, void*) {
  return call_face("instrumentation_info", self);
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

#define FAST(function) reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function))

PyMethodDef tracer_methods[] = {
    {"start_span", FAST(tracer_start_span), METH_FASTCALL | METH_KEYWORDS,
     "start_span(name, context=None, kind=INTERNAL, attributes=None, links=None, start_time=None,\n"
     "record_exception=True, set_status_on_exception=True): a started span, not made current.\n"
     "Attributes are better given here than set later: samplers can only consider these."},
    {"start_as_current_span", FAST(tracer_start_as_current_span), METH_FASTCALL | METH_KEYWORDS,
     "start_as_current_span(name, context=None, kind=INTERNAL, attributes=None, links=None,\n"
     "start_time=None, record_exception=True, set_status_on_exception=True, end_on_exit=True):\n"
     "a context manager and decorator."},
    {"_renew_source", tracer_renew_source, METH_NOARGS, nullptr},
    {"_set_enabled", tracer_set_enabled, METH_O, nullptr},
    {"_is_enabled", tracer_is_enabled, METH_NOARGS, "False: its spans record nothing."},
    {nullptr, nullptr, 0, nullptr},
};
PyGetSetDef tracer_properties[] = {
    {"resource", get_resource, nullptr, nullptr, nullptr},
    {"sampler", get_sampler, nullptr, nullptr, nullptr},
    {"id_generator", get_id_generator, nullptr, nullptr, nullptr},
    {"span_processor", get_processor, nullptr, nullptr, nullptr},
    {"instrumentation_scope", get_scope, nullptr, nullptr, nullptr},
    {"instrumentation_info", get_info, nullptr, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};
PyType_Slot tracer_slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(tracer_dealloc)},
    {Py_tp_traverse, reinterpret_cast<void*>(tracer_traverse)},
    {Py_tp_methods, tracer_methods},
    {Py_tp_getset, tracer_properties},
    {Py_tp_doc, const_cast<char*>("Makes spans. Made by TracerProvider.get_tracer().")},
    {0, nullptr},
};
PyType_Spec tracer_spec = {
    "vedette._native.Tracer", sizeof(TracerObject), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION, tracer_slots};

PyMethodDef provider_methods[] = {
    {"add_sink", provider_add_sink, METH_O, "add_sink(lane): ended spans go there, too."},
    {"settle", provider_settle, METH_O,
     "settle(all): sends the waiting spans that are decided; True: decides the others, too."},
    {"tracer", provider_tracer, METH_VARARGS,
     "tracer(name, version, schema_url, attributes, scope)"},
    {"adopt", provider_adopt, METH_O,
     "adopt(tracer): the tracer of another provider makes its spans here from now on."},
    {"set_hooks", provider_set_hooks, METH_O,
     "set_hooks(processor): its on_start, _on_ending and on_end are called; None: nobody's."},
    {"counts", provider_counts, METH_NOARGS,
     "counts(): spans started, by parent (none, local, remote) and decision; ended, by decision."},
    {"set_resource", provider_set_resource, METH_O, "set_resource(resource): for new sources."},
    {nullptr, nullptr, 0, nullptr},
};
PyType_Slot provider_slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(provider_new)},
    {Py_tp_traverse, reinterpret_cast<void*>(provider_traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(provider_clear)},
    {Py_tp_dealloc, reinterpret_cast<void*>(provider_dealloc)},
    {Py_tp_methods, provider_methods},
    {0, nullptr},
};
PyType_Spec provider_spec = {"vedette._native.Provider", sizeof(ProviderObject), 0,
                             Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, provider_slots};

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
  return as_object(start_span(tracer, name, parent, given.kind ? kind_number(given.kind) : 1,
                              std::max<int64_t>(start_ns, 0), given, context));
}

bool add_tracer_types(PyObject* module) {
  tracer_type = add_type(module, &tracer_spec);
  provider_type = tracer_type ? add_type(module, &provider_spec) : nullptr;
  return provider_type != nullptr;
}

}  // namespace vedette::native
