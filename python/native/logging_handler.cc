#include "logging_handler.h"

#include <array>

#include "log_sink.h"
#include "logger_log.h"
#include "logging_record.h"

namespace vedette::native {
namespace {

/// What a logging.LogRecord has of its own, in the order in which it gets it (3.10 to 3.14).
enum Own : size_t {
  kName,
  kMsg,
  kArgs,
  kLevelName,
  kLevelNo,
  kPathName,
  kFileName,
  kModule,
  kExcInfo,
  kExcText,
  kStackInfo,
  kLineNo,
  kFuncName,
  kCreated,
  kMsecs,
  kRelativeCreated,
  kThread,
  kThreadName,
  kProcessName,
  kProcess,
  kTaskName,
  kOwnCount,
};
constexpr const char* kOwnNames[kOwnCount] = {
    "name",        "msg",     "args",     "levelname",       "levelno",    "pathname",
    "filename",    "module",  "exc_info", "exc_text",        "stack_info", "lineno",
    "funcName",    "created", "msecs",    "relativeCreated", "thread",     "threadName",
    "processName", "process", "taskName",
};
/// Others that are no attributes: what formatting leaves behind, and the ids that are fields.
constexpr const char* kNoAttributes[] = {
    "asctime",    "message",          "getMessage",      "otelTraceID",
    "otelSpanID", "otelTraceSampled", "otelServiceName",
};

/// What a handler has of its own that matters here.
enum Part : size_t { kFilters, kLevel, kFormatter, kSinks, kHandle, kPartCount };
constexpr const char* kPartNames[kPartCount] = {"filters", "level", "formatter", "_sinks",
                                                "handle"};

struct Names {
  std::array<PyObject*, kOwnCount> own;
  PyObject* skipped;                        // a set: own names and no attributes
  std::array<PyObject*, kPartCount> parts;  // of a handler, in the order of Part
  PyObject *dict, *find_sink, *handle_slowly, *format, *get_message;
};

const Names& names() {
  static const Names made = [] {
    Names n{};
    n.skipped = PySet_New(nullptr);
    for (size_t i = 0; i < kOwnCount; ++i) {
      n.own[i] = PyUnicode_InternFromString(kOwnNames[i]);
      PySet_Add(n.skipped, n.own[i]);
    }
    for (const char* name : kNoAttributes) {
      Ref key(PyUnicode_InternFromString(name));
      PySet_Add(n.skipped, key.get());
    }
    for (size_t i = 0; i < kPartCount; ++i) n.parts[i] = PyUnicode_InternFromString(kPartNames[i]);
    n.dict = PyUnicode_InternFromString("__dict__");
    n.find_sink = PyUnicode_InternFromString("_find_sink");
    n.handle_slowly = PyUnicode_InternFromString("_handle_slowly");
    n.format = PyUnicode_InternFromString("format");
    n.get_message = PyUnicode_InternFromString("getMessage");
    return n;
  }();
  return made;
}

/// A record's own values, borrowed from its dict, which the caller keeps.
struct OwnValues {
  std::array<PyObject*, kOwnCount> at{};
  PyObject* text(Own which) const {
    return at[which] && PyUnicode_Check(at[which]) ? at[which] : nullptr;
  }
};

uint64_t created_ns(PyObject* created) {
  const double seconds = created && PyFloat_Check(created) ? PyFloat_AS_DOUBLE(created) : 0;
  return seconds > 0 && seconds < 9e9 ? static_cast<uint64_t>(seconds * 1e9) : 0;
}

/// `body` null: the message. `dict` is the record's.
void write_record_of(sdk::ProtoBuffer& out, PyObject* dict, PyObject* body,
                     const LogLimits& limits) {
  OwnValues own;
  std::vector<Extra> extras;  // kept, as the others: writing them may run Python code
  read_known(dict, names().own, &own.at, [&](PyObject* key, PyObject* value) {
    if (!PyUnicode_Check(key)) return;
    const int skipped = PySet_Contains(names().skipped, key);
    if (skipped == 0) extras.emplace_back(Ref::borrow(key), Ref::borrow(value));
    if (skipped < 0) PyErr_Clear();
  });
  for (PyObject* value : own.at) Py_XINCREF(value);
  LoggedRecord record;
  record.created_ns = created_ns(own.at[kCreated]);
  if (own.at[kLevelNo] && PyLong_Check(own.at[kLevelNo])) {
    record.level = PyLong_AsLong(own.at[kLevelNo]);
    PyErr_Clear();
  }
  record.level_name = own.text(kLevelName);
  record.message = body;
  record.msg = own.at[kMsg];
  record.args = own.at[kArgs];
  record.path = own.text(kPathName);
  record.function = own.text(kFuncName);
  record.line = own.at[kLineNo];
  record.exc_info = own.at[kExcInfo];
  write_logged_record(out, record, extras, limits);
  for (PyObject* value : own.at) Py_XDECREF(value);
}

/// The sink for loggers of that name: from the handler's dict, else found by its Python half. None:
/// Python has to do it.
Ref sink_of(PyObject* self, PyObject* name) {
  Ref sinks(PyObject_GetAttr(self, names().parts[kSinks]));
  if (sinks && PyDict_Check(sinks.get())) {
    if (PyObject* known = PyDict_GetItemWithError(sinks.get(), name)) return Ref::borrow(known);
  }
  PyErr_Clear();
  return Ref(PyObject_CallMethodOneArg(self, names().find_sink, name));
}

bool has_filters(PyObject* self) {
  const Ref filters(PyObject_GetAttr(self, names().parts[kFilters]));
  const int any = filters ? PyObject_IsTrue(filters.get()) : 0;
  PyErr_Clear();
  return any != 0;
}

/// The message of a record whose class has its own idea of getMessage(); without arguments nobody
/// asks for that.
PyObject* own_message(PyObject* record) {
  Ref args(PyObject_GetAttr(record, names().own[kArgs]));
  const int any = args ? PyObject_IsTrue(args.get()) : 0;
  PyErr_Clear();
  return any > 0 ? PyObject_CallMethodNoArgs(record, names().get_message) : nullptr;
}

/// handle(record), as logging calls it: True when the record was not filtered.
PyObject* handler_handle(PyObject* self, PyObject* record) {
  Ref dict(PyObject_GetAttr(record, names().dict));
  PyObject* name = dict && PyDict_Check(dict.get())
                       ? PyDict_GetItemWithError(dict.get(), names().own[kName])
                       : nullptr;
  if (!name || !PyUnicode_Check(name) || has_filters(self)) {
    PyErr_Clear();
    return PyObject_CallMethodOneArg(self, names().handle_slowly, record);
  }
  const Ref sink = sink_of(self, name);
  if (!sink) return nullptr;
  if (!is_sink(sink.get())) {
    return PyObject_CallMethodOneArg(self, names().handle_slowly, record);
  }
  const ErrorGuard guard;
  Ref body;
  Ref formatter(PyObject_GetAttr(self, names().parts[kFormatter]));
  if (formatter && formatter.get() != Py_None) {
    body = Ref(PyObject_CallMethodOneArg(self, names().format, record));
  } else if (!has_plain_message(Py_TYPE(record))) {
    body = Ref(own_message(record));
  }
  PyErr_Clear();
  Scratch bytes;
  write_record_of(*bytes, dict.get(), body.get(), sink_limits(sink.get()));
  sink_emit(sink.get(), *bytes);
  return Py_NewRef(Py_True);
}

PyMethodDef handler_methods[] = {
    {"handle", handler_handle, METH_O, "handle(record): sends it; True unless it was filtered."},
    {nullptr, nullptr, 0, nullptr},
};
PyType_Slot handler_slots[] = {
    {Py_tp_methods, handler_methods},
    {0, nullptr},
};
PyType_Spec handler_spec = {"vedette._native.LoggingHandler", sizeof(PyObject), 0,
                            Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, handler_slots};

}  // namespace

bool lean_handler(PyObject* handler, PyObject* name, long level, Ref* sink) {
  Ref dict(PyObject_GenericGetDict(handler, nullptr));
  std::array<PyObject*, kPartCount> parts{};
  if (dict) read_known(dict.get(), names().parts, &parts, [](PyObject*, PyObject*) {});
  PyObject *filters = parts[kFilters], *own_level = parts[kLevel];
  if (!filters || !PyList_CheckExact(filters) || PyList_GET_SIZE(filters) > 0 ||
      parts[kFormatter] != Py_None || parts[kHandle] || !own_level ||
      !PyLong_CheckExact(own_level)) {
    PyErr_Clear();
    return false;
  }
  const long lowest = PyLong_AsLong(own_level);
  if (level < lowest || (lowest == -1 && PyErr_Occurred())) return !PyErr_Occurred();
  PyObject* known = parts[kSinks] && PyDict_Check(parts[kSinks])
                        ? PyDict_GetItemWithError(parts[kSinks], name)
                        : nullptr;
  *sink = known ? Ref::borrow(known) : sink_of(handler, name);
  PyErr_Clear();
  return *sink && is_sink(sink->get());
}

bool add_logging_handler_type(PyObject* module) {
  names();
  return add_type(module, &handler_spec) != nullptr;
}

}  // namespace vedette::native
