#include "record_factory.h"

#include <structmember.h>

#include "log_record.h"

namespace vedette::native {
namespace {

struct FactoryObject {
  PyObject_HEAD vectorcallfunc call;
  PyObject* wrapped;
  PyObject* service_name;
};

PyTypeObject* factory_type;

FactoryObject* as_factory(PyObject* self) {
  return reinterpret_cast<FactoryObject*>(self);
}

struct Names {
  PyObject *dict, *trace_id, *span_id, *sampled, *service_name, *zero;
};

const Names& names() {
  static const Names made = {
      PyUnicode_InternFromString("__dict__"),        PyUnicode_InternFromString("otelTraceID"),
      PyUnicode_InternFromString("otelSpanID"),      PyUnicode_InternFromString("otelTraceSampled"),
      PyUnicode_InternFromString("otelServiceName"), PyUnicode_InternFromString("0"),
  };
  return made;
}

void add_ids(PyObject* record, PyObject* service_name) {
  const Names& n = names();
  Ref dict(PyObject_GetAttr(record, n.dict));
  if (!dict || !PyDict_Check(dict.get())) return;
  Ref kept;
  const Parent span = current_span(&kept);
  Ref trace_id = Ref::borrow(n.zero), span_id = Ref::borrow(n.zero);
  if (span.valid()) {
    char text[48];
    put_hex(text, span.trace_id.high);
    put_hex(text + 16, span.trace_id.low);
    put_hex(text + 32, span.span_id);
    trace_id = Ref(PyUnicode_FromStringAndSize(text, 32));
    span_id = Ref(PyUnicode_FromStringAndSize(text + 32, 16));
  }
  if (!trace_id || !span_id) return;
  PyDict_SetItem(dict.get(), n.trace_id, trace_id.get());
  PyDict_SetItem(dict.get(), n.span_id, span_id.get());
  PyDict_SetItem(dict.get(), n.sampled, span.trace_flags & 1 ? Py_True : Py_False);
  PyDict_SetItem(dict.get(), n.service_name, service_name);
}

PyObject* factory_call(PyObject* self, PyObject* const* args, size_t nargsf, PyObject* kwnames) {
  PyObject* record = PyObject_Vectorcall(as_factory(self)->wrapped, args, nargsf, kwnames);
  if (record) {
    add_ids(record, as_factory(self)->service_name);
    PyErr_Clear();
  }
  return record;
}

/// RecordFactory(factory, service_name)
PyObject* factory_new(PyTypeObject* type, PyObject* args, PyObject*) {
  PyObject *wrapped, *service_name;
  if (!PyArg_ParseTuple(args, "OU", &wrapped, &service_name)) return nullptr;
  PyObject* self = type->tp_alloc(type, 0);
  if (!self) return nullptr;
  as_factory(self)->call = factory_call;
  as_factory(self)->wrapped = Py_NewRef(wrapped);
  as_factory(self)->service_name = Py_NewRef(service_name);
  return self;
}

int factory_traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(as_factory(self)->wrapped);
  return 0;
}

void factory_dealloc(PyObject* self) {
  PyObject_GC_UnTrack(self);
  Py_CLEAR(as_factory(self)->wrapped);
  Py_CLEAR(as_factory(self)->service_name);
  PyTypeObject* type = Py_TYPE(self);
  type->tp_free(self);
  Py_DECREF(type);
}

PyMemberDef factory_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(FactoryObject, call), READONLY, nullptr},
    {"__wrapped__", T_OBJECT_EX, offsetof(FactoryObject, wrapped), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};
PyType_Slot factory_slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(factory_new)},
    {Py_tp_dealloc, reinterpret_cast<void*>(factory_dealloc)},
    {Py_tp_traverse, reinterpret_cast<void*>(factory_traverse)},
    {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
    {Py_tp_members, factory_members},
    {0, nullptr},
};
PyType_Spec factory_spec = {"vedette._native.RecordFactory", sizeof(FactoryObject), 0,
                            Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL,
                            factory_slots};

}  // namespace

PyObject* wrapped_factory(PyObject* factory) {
  return Py_TYPE(factory) == factory_type ? as_factory(factory)->wrapped : nullptr;
}

bool add_record_factory_type(PyObject* module) {
  factory_type = add_type(module, &factory_spec);
  return factory_type != nullptr;
}

}  // namespace vedette::native
