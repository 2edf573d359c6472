#include "log_sink.h"

#include "exporter.h"
#include "log_event.h"
#include "log_record.h"
#include "sdk/source_table.h"

namespace vedette::native {
namespace {

PyTypeObject* sink_type;

struct SinkObject {
  PyObject_HEAD std::vector<Sink> queues;
  uint32_t source;
  LogLimits limits;
};

SinkObject* as_sink(PyObject* self) {
  return reinterpret_cast<SinkObject*>(self);
}

/// Null or None: no limit. False with an exception set when it is no number.
bool read_limit(PyObject* given, uint32_t* out) {
  *out = sdk::kUnlimited;
  if (!given || given == Py_None) return true;
  const long value = PyLong_AsLong(given);
  if (value == -1 && PyErr_Occurred()) return false;
  *out = static_cast<uint32_t>(std::clamp<long>(value, 0, sdk::kUnlimited));
  return true;
}

/// LogSink(lanes, resource, scope name, version=None, schema_url=None, attributes=None,
/// attribute count limit=128, value length limit=None)
PyObject* sink_new(PyTypeObject*, PyObject* args, PyObject*) {
  PyObject *lanes, *resource, *scope, *version = Py_None, *url = Py_None, *attributes = Py_None;
  PyObject *count = nullptr, *length = nullptr;
  LogLimits limits;
  if (!PyArg_ParseTuple(args, "O!OO|OOOOO", &PyTuple_Type, &lanes, &resource, &scope, &version,
                        &url, &attributes, &count, &length) ||
      (count && !read_limit(count, &limits.attributes)) || !read_limit(length, &limits.length)) {
    return nullptr;
  }
  std::vector<Sink> queues;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(lanes); ++i) {
    PyObject* lane = PyTuple_GET_ITEM(lanes, i);
    if (Py_TYPE(lane) != lane_type) {
      PyErr_SetString(PyExc_TypeError, "not a Lane");
      return nullptr;
    }
    const auto* from = reinterpret_cast<LaneObject*>(lane);
    queues.push_back({from->thread, from->lane});
  }
  Ref of_resource(PyObject_GetAttrString(resource, "attributes"));
  Ref resource_url(of_resource ? PyObject_GetAttrString(resource, "schema_url") : nullptr);
  if (!of_resource || !resource_url) return nullptr;
  auto* self = PyObject_New(SinkObject, sink_type);
  if (!self) return nullptr;
  new (&self->queues) std::vector<Sink>(std::move(queues));
  self->limits = limits;
  self->source = sdk::SourceTable::instance().intern(
      encode_resource(of_resource.get()), safe_str(resource_url.get()),
      encode_scope(scope, version, attributes), url == Py_None ? "" : safe_str(url));
  return reinterpret_cast<PyObject*>(self);
}

void sink_dealloc(PyObject* self) {
  std::destroy_at(&as_sink(self)->queues);
  PyTypeObject* type = Py_TYPE(self);
  PyObject_Free(self);
  Py_DECREF(type);
}

/// emit(timestamp, observed_timestamp, context, severity_number, severity_text, body, attributes,
/// event_name, exception)
PyObject* sink_emit_fields(PyObject* self, PyObject* const* args, Py_ssize_t nargs) {
  if (nargs != 9) {
    PyErr_SetString(PyExc_TypeError, "emit() takes nine arguments");
    return nullptr;
  }
  const ErrorGuard guard;
  LogFields fields;
  fields.time_ns = time_of(args[0]);
  fields.observed_ns = time_of(args[1]);
  Ref kept;
  fields.span = PyDict_Check(args[2]) && PyDict_GET_SIZE(args[2]) > 0 ? parent_of(args[2], &kept)
                                                                      : current_span(&kept);
  fields.severity_number = args[3];
  fields.severity_text = args[4];
  fields.body = args[5];
  fields.attributes = args[6];
  fields.event_name = args[7];
  fields.exception = args[8];
  Scratch record;
  write_log_fields(*record, fields, as_sink(self)->limits);
  sink_emit(self, *record);
  return none();
}

/// emit_record(LogRecord)
PyObject* sink_emit_record(PyObject* self, PyObject* api_record) {
  const ErrorGuard guard;
  Scratch record;
  write_api_record(*record, api_record, as_sink(self)->limits, false);
  sink_emit(self, *record);
  return none();
}

PyMethodDef sink_methods[] = {
    {"emit", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(sink_emit_fields)),
     METH_FASTCALL, "emit(timestamp, observed_timestamp, …): queues a record."},
    {"emit_record", sink_emit_record, METH_O, "emit_record(record): queues the API's LogRecord."},
    {nullptr, nullptr, 0, nullptr},
};
PyType_Slot sink_slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(sink_new)},
    {Py_tp_dealloc, reinterpret_cast<void*>(sink_dealloc)},
    {Py_tp_methods, sink_methods},
    {0, nullptr},
};
PyType_Spec sink_spec = {"vedette._native.LogSink", sizeof(SinkObject), 0, Py_TPFLAGS_DEFAULT,
                         sink_slots};

/// current_ids() -> ("trace id", "span id") in hex, or None outside of a span.
PyObject* current_ids(PyObject*, PyObject*) {
  Ref kept;
  const Parent span = current_span(&kept);
  if (!span.valid()) return none();
  char text[64];
  const int length = std::snprintf(text, sizeof text, "%016llx%016llx%016llx",
                                   static_cast<unsigned long long>(span.trace_id.high),
                                   static_cast<unsigned long long>(span.trace_id.low),
                                   static_cast<unsigned long long>(span.span_id));
  if (length != 48) return none();
  return Py_BuildValue("(s#s#)", text, Py_ssize_t{32}, text + 32, Py_ssize_t{16});
}

/// ship_logs_to(LogSink, or a function of method and event, or None) -> what it was before is
/// forgotten.
PyObject* ship_logs_to(PyObject*, PyObject* target) {
  const bool native = is_sink(target);
  if (target != Py_None && !native && !PyCallable_Check(target)) {
    PyErr_SetString(PyExc_TypeError, "neither a LogSink nor a function");
    return nullptr;
  }
  ship_to(native ? target : nullptr);
  hand_events_to(native || target == Py_None ? nullptr : target);
  return none();
}

/// severity_named("warn") -> (13, "WARNING")
PyObject* py_severity_named(PyObject*, PyObject* name) {
  if (!PyUnicode_Check(name)) {
    PyErr_SetString(PyExc_TypeError, "the name of a level is a str");
    return nullptr;
  }
  const Severity severity = severity_named(Utf8(name).view());
  const std::string_view text = severity.text;
  return Py_BuildValue("(Is#)", severity.number, text.data(), static_cast<Py_ssize_t>(text.size()));
}

/// ship_event(logger, method_name, event_dict) -> event_dict
PyObject* ship_event(PyObject*, PyObject* const* args, Py_ssize_t nargs) {
  if (nargs != 3 || !PyUnicode_Check(args[1])) {
    PyErr_SetString(PyExc_TypeError, "a processor takes logger, method_name, event_dict");
    return nullptr;
  }
  if (shipping()) {
    Scratch record;
    read_event(args[2], args[1], nullptr, &*record);
    ship(*record);
  }
  hand_event(args[1], args[2]);
  return Py_NewRef(args[2]);
}

PyMethodDef module_functions[] = {
    {"current_ids", current_ids, METH_NOARGS, "The current trace and span id in hex, or None."},
    {"ship_logs_to", ship_logs_to, METH_O,
     "ship_logs_to(sink or function): where events go; None: nowhere."},
    {"severity_named", py_severity_named, METH_O, "Number and text of a level's name."},
    {"ship_event", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(ship_event)),
     METH_FASTCALL, "structlog processor: sends the event and hands it on."},
    {"emit_log", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(emit_log)),
     METH_FASTCALL, "emit_log(lane, record) -> there was room"},
    {"encode_logs", encode_logs, METH_O, "encode_logs(records) -> ExportLogsServiceRequest"},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

void sink_emit(PyObject* sink, const sdk::ProtoBuffer& record) {
  queue_record(as_sink(sink)->queues, as_sink(sink)->source, record);
}

bool is_sink(PyObject* object) {
  return Py_TYPE(object) == sink_type;
}

const LogLimits& sink_limits(PyObject* sink) {
  return as_sink(sink)->limits;
}

bool add_log_sink_type(PyObject* module) {
  if (PyModule_AddFunctions(module, module_functions) < 0) return false;
  sink_type = add_type(module, &sink_spec);
  return sink_type != nullptr;
}

}  // namespace vedette::native
