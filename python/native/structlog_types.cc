#include "structlog_types.h"

#include <fcntl.h>
#include <structmember.h>
#include <unistd.h>

#include "log_event.h"
#include "sdk/line_writer.h"

namespace vedette::native {
namespace {

// --- JsonRenderer(default=None, ship=True): a processor, event dict -> line

struct RendererObject {
  PyObject_HEAD vectorcallfunc call;
  PyObject* fallback;  // or null
  bool ship;
};

PyTypeObject* renderer_type;

RendererObject* as_renderer(PyObject* self) {
  return reinterpret_cast<RendererObject*>(self);
}

/// renderer(logger, method_name, event_dict) -> str
PyObject* renderer_call(PyObject* self, PyObject* const* args, size_t nargsf, PyObject* kwnames) {
  if (PyVectorcall_NARGS(nargsf) != 3 || (kwnames && PyTuple_GET_SIZE(kwnames) > 0) ||
      !PyUnicode_Check(args[1])) {
    PyErr_SetString(PyExc_TypeError, "a processor takes logger, method_name, event_dict");
    return nullptr;
  }
  const bool ships = as_renderer(self)->ship && shipping();
  Scratch line, record;
  JsonText json(*line, as_renderer(self)->fallback);
  read_event(args[2], args[1], &json, ships ? &*record : nullptr);
  if (ships) ship(*record);
  if (as_renderer(self)->ship) hand_event(args[1], args[2]);
  if ((*line).failed()) return PyErr_NoMemory();
  return PyUnicode_DecodeUTF8((*line).data(), static_cast<Py_ssize_t>((*line).size()), "replace");
}

PyObject* renderer_new(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  static const char* names[] = {"default", "ship", nullptr};
  PyObject* fallback = Py_None;
  int ship = 1;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|$Op", const_cast<char**>(names), &fallback,
                                   &ship)) {
    return nullptr;
  }
  if (fallback != Py_None && !PyCallable_Check(fallback)) {
    PyErr_SetString(PyExc_TypeError, "default must be callable");
    return nullptr;
  }
  PyObject* self = type->tp_alloc(type, 0);
  if (!self) return nullptr;
  as_renderer(self)->call = renderer_call;
  as_renderer(self)->fallback = fallback == Py_None ? nullptr : Py_NewRef(fallback);
  as_renderer(self)->ship = ship != 0;
  return self;
}

int renderer_traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(as_renderer(self)->fallback);
  return 0;
}

int renderer_clear(PyObject* self) {
  Py_CLEAR(as_renderer(self)->fallback);
  return 0;
}

void renderer_dealloc(PyObject* self) {
  PyObject_GC_UnTrack(self);
  renderer_clear(self);
  PyTypeObject* type = Py_TYPE(self);
  type->tp_free(self);
  Py_DECREF(type);
}

PyMemberDef renderer_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(RendererObject, call), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};
PyType_Slot renderer_slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(renderer_new)},
    {Py_tp_dealloc, reinterpret_cast<void*>(renderer_dealloc)},
    {Py_tp_traverse, reinterpret_cast<void*>(renderer_traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(renderer_clear)},
    {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
    {Py_tp_members, renderer_members},
    {0, nullptr},
};
PyType_Spec renderer_spec = {"vedette._native.JsonRenderer", sizeof(RendererObject), 0,
                             Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL,
                             renderer_slots};

// --- LineLogger(file): what a chain ends in; every method writes a line

struct LineLoggerObject {
  PyObject_HEAD PyObject* file;
  int descriptor;  // -1: the file is none of the system's
};

PyTypeObject* line_logger_type;

LineLoggerObject* as_line_logger(PyObject* self) {
  return reinterpret_cast<LineLoggerObject*>(self);
}

/// A descriptor to write to, or -1. Standard output and error as they are, since dup2() may turn
/// them elsewhere; of others our own, since they may be closed and the number come to mean another.
int descriptor_of(PyObject* file) {
  Ref number(PyObject_CallMethod(file, "fileno", nullptr));
  const long descriptor = number && PyLong_Check(number.get()) ? PyLong_AsLong(number.get()) : -1;
  PyErr_Clear();
  if (descriptor < 0 || descriptor > INT_MAX) return -1;
  const auto known = static_cast<int>(descriptor);
  return known <= STDERR_FILENO ? known : fcntl(known, F_DUPFD_CLOEXEC, 0);
}

/// For files that are Python objects only, such as io.StringIO.
void write_to_object(PyObject* file, PyObject* line) {
  Ref whole(PyUnicode_FromFormat("%U\n", line));
  Ref written(whole ? PyObject_CallMethod(file, "write", "O", whole.get()) : nullptr);
  Ref flushed(written ? PyObject_CallMethod(file, "flush", nullptr) : nullptr);
  if (!flushed) PyErr_Clear();
}

PyObject* line_logger_write(PyObject* self, PyObject* message) {
  Ref text(PyUnicode_Check(message) ? Py_NewRef(message) : PyObject_Str(message));
  if (!text) {
    PyErr_Clear();
    return none();
  }
  const LineLoggerObject* logger = as_line_logger(self);
  if (logger->descriptor < 0) {
    if (logger->file) write_to_object(logger->file, text.get());
    return none();
  }
  const Utf8 utf8(text.get());
  Py_BEGIN_ALLOW_THREADS;
  sdk::write_line(logger->descriptor, utf8.view());
  Py_END_ALLOW_THREADS;
  return none();
}

PyObject* line_logger_new(PyTypeObject* type, PyObject* args, PyObject*) {
  PyObject* file = nullptr;
  if (!PyArg_ParseTuple(args, "O", &file)) return nullptr;
  PyObject* self = type->tp_alloc(type, 0);
  if (!self) return nullptr;
  as_line_logger(self)->file = Py_NewRef(file);
  as_line_logger(self)->descriptor = descriptor_of(file);
  return self;
}

int line_logger_traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(as_line_logger(self)->file);
  return 0;
}

int line_logger_clear(PyObject* self) {
  Py_CLEAR(as_line_logger(self)->file);
  return 0;
}

void line_logger_dealloc(PyObject* self) {
  PyObject_GC_UnTrack(self);
  line_logger_clear(self);
  if (as_line_logger(self)->descriptor > STDERR_FILENO) close(as_line_logger(self)->descriptor);
  PyTypeObject* type = Py_TYPE(self);
  type->tp_free(self);
  Py_DECREF(type);
}

PyObject* lines_dropped(PyObject*, PyObject*) {
  return PyLong_FromUnsignedLongLong(sdk::lines_dropped());
}

#define LEVEL(name) \
  { name, line_logger_write, METH_O, nullptr }
PyMethodDef line_logger_methods[] = {
    LEVEL("msg"),      LEVEL("log"),       LEVEL("debug"),
    LEVEL("info"),     LEVEL("warn"),      LEVEL("fatal"),
    LEVEL("warning"),  LEVEL("err"),       LEVEL("error"),
    LEVEL("trace"),    LEVEL("exception"), LEVEL("failure"),
    LEVEL("critical"), LEVEL("write"),     {nullptr, nullptr, 0, nullptr},
};
#undef LEVEL
PyType_Slot line_logger_slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(line_logger_new)},
    {Py_tp_dealloc, reinterpret_cast<void*>(line_logger_dealloc)},
    {Py_tp_traverse, reinterpret_cast<void*>(line_logger_traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(line_logger_clear)},
    {Py_tp_methods, line_logger_methods},
    {0, nullptr},
};
PyType_Spec line_logger_spec = {"vedette._native.LineLogger", sizeof(LineLoggerObject), 0,
                                Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, line_logger_slots};

PyMethodDef module_functions[] = {
    {"lines_dropped", lines_dropped, METH_NOARGS, "Lines that could not be written."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

bool add_structlog_types(PyObject* module) {
  if (PyModule_AddFunctions(module, module_functions) < 0) return false;
  renderer_type = add_type(module, &renderer_spec);
  line_logger_type = renderer_type ? add_type(module, &line_logger_spec) : nullptr;
  return line_logger_type != nullptr;
}

}  // namespace vedette::native
