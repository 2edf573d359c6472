#include "span_context.h"

namespace vedette::native {

namespace {

// Of a number that fits 16 bytes, the highest first; or false, and no exception.
bool to_bytes(PyObject* number, unsigned char (&bytes)[16]) {
#if PY_VERSION_HEX >= 0x030D0000
  const Py_ssize_t needed =
      PyLong_AsNativeBytes(number, bytes, sizeof bytes,
                           Py_ASNATIVEBYTES_BIG_ENDIAN | Py_ASNATIVEBYTES_UNSIGNED_BUFFER |
                               Py_ASNATIVEBYTES_REJECT_NEGATIVE);
  const bool fits = needed >= 0 && needed <= Py_ssize_t{sizeof bytes};
#else
  const bool fits =
      _PyLong_AsByteArray(reinterpret_cast<PyLongObject*>(number), bytes, sizeof bytes, 0, 0) == 0;
#endif
  if (!fits) PyErr_Clear();
  return fits;
}

}  // namespace

uint64_t span_id_of(PyObject* number) {
  return PyLong_Check(number) ? PyLong_AsUnsignedLongLongMask(number) : 0;
}

sdk::TraceId trace_id_of(PyObject* number) {
  unsigned char bytes[16] = {};
  sdk::TraceId id;
  if (!PyLong_Check(number) || !to_bytes(number, bytes)) return id;
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

void read_span_context(PyObject* context, Parent* parent) {
  if (!PyTuple_Check(context) || PyTuple_GET_SIZE(context) < 5) return;
  parent->trace_id = trace_id_of(PyTuple_GET_ITEM(context, 0));
  parent->span_id = span_id_of(PyTuple_GET_ITEM(context, 1));
  parent->remote = PyTuple_GET_ITEM(context, 2) == Py_True;
  parent->trace_flags = static_cast<uint8_t>(span_id_of(PyTuple_GET_ITEM(context, 3)));
  parent->span_context = context;
  PyObject* state = PyTuple_GET_ITEM(context, 4);
  if (state == otel.default_trace_state || state == Py_None) return;
  const Py_ssize_t size = PyObject_Size(state);
  if (size < 0) PyErr_Clear();
  if (size > 0) parent->trace_state = state;
}

std::string trace_state_header(PyObject* trace_state) {
  if (!trace_state) return "";
  Ref header(PyObject_CallMethod(trace_state, "to_header", nullptr));
  if (header && PyUnicode_Check(header.get())) return safe_str(header.get());
  PyErr_Clear();
  return "";
}

}  // namespace vedette::native
