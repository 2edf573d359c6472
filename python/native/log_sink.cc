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
};

SinkObject* as_sink(PyObject* self) {
  return reinterpret_cast<SinkObject*>(self);
}

/// LogSink(lanes, resource, scope name, version=None, schema_url=None, attributes=None)
PyObject* sink_new(PyTypeObject*, PyObject* args, PyObject*) {
  PyObject *lanes, *resource, *scope, *version = Py_None, *url = Py_None, *attributes = Py_None;
  if (!PyArg_ParseTuple(args, "O!OO|OOO", &PyTuple_Type, &lanes, &resource, &scope, &version, &url,
                        &attributes)) {
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
  Ref resource_url(PyObject_GetAttrString(resource, "schema_url"));
  if (!of_resource || !resource_url) return nullptr;
  auto* self = PyObject_New(SinkObject, sink_type);
  if (!self) return nullptr;
  new (&self->queues) std::vector<Sink>(std::move(queues));
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

PyType_Slot sink_slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(sink_new)},
    {Py_tp_dealloc, reinterpret_cast<void*>(sink_dealloc)},
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

/// ship_logs_to(LogSink or None) -> what it was before is forgotten.
PyObject* ship_logs_to(PyObject*, PyObject* sink) {
  if (sink != Py_None && Py_TYPE(sink) != sink_type) {
    PyErr_SetString(PyExc_TypeError, "not a LogSink");
    return nullptr;
  }
  ship_to(sink == Py_None ? nullptr : sink);
  return none();
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
  return Py_NewRef(args[2]);
}

PyMethodDef module_functions[] = {
    {"current_ids", current_ids, METH_NOARGS, "The current trace and span id in hex, or None."},
    {"ship_logs_to", ship_logs_to, METH_O, "ship_logs_to(sink): where events go; None: nowhere."},
    {"ship_event", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(ship_event)),
     METH_FASTCALL, "structlog processor: sends the event and hands it on."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

void sink_emit(PyObject* sink, const sdk::ProtoBuffer& record) {
  queue_record(as_sink(sink)->queues, as_sink(sink)->source, record);
}

bool add_log_sink_type(PyObject* module) {
  if (PyModule_AddFunctions(module, module_functions) < 0) return false;
  sink_type = add_type(module, &sink_spec);
  return sink_type != nullptr;
}

}  // namespace vedette::native
