#include "logging_handler.h"

#include <array>

#include "log_sink.h"
#include "sdk/ids.h"
#include "sdk/otlp_fields.h"
#include "values.h"

namespace vedette::native {
namespace {

using Field = sdk::otlp::LogRecord;

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

struct Names {
  std::array<PyObject*, kOwnCount> own;
  PyObject* skipped;  // a set: own names and no attributes
  PyObject *dict, *filters, *formatter, *sinks, *find_sink, *handle_slowly, *format;
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
    n.dict = PyUnicode_InternFromString("__dict__");
    n.filters = PyUnicode_InternFromString("filters");
    n.formatter = PyUnicode_InternFromString("formatter");
    n.sinks = PyUnicode_InternFromString("_sinks");
    n.find_sink = PyUnicode_InternFromString("_find_sink");
    n.handle_slowly = PyUnicode_InternFromString("_handle_slowly");
    n.format = PyUnicode_InternFromString("format");
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

/// Reads the dict once: own values by their usual place, the others to visit(key, value).
template <typename Visit>
void read_dict(PyObject* dict, OwnValues* own, Visit visit) {
  const Names& n = names();
  PyObject *key, *value;
  Py_ssize_t at = 0;
  size_t expected = 0;
  while (PyDict_Next(dict, &at, &key, &value)) {
    if (expected < kOwnCount && key == n.own[expected]) {
      own->at[expected++] = value;
      continue;
    }
    if (!PyUnicode_Check(key)) continue;
    size_t found = 0;
    while (found < kOwnCount && key != n.own[found]) ++found;
    if (found < kOwnCount) {
      own->at[found] = value;
      expected = found + 1;
      continue;
    }
    const int skipped = PySet_Contains(n.skipped, key);
    if (skipped == 0) visit(key, value);
    if (skipped < 0) PyErr_Clear();
  }
}

/// The message as logging has it. Arguments that do not fit are shown beside it.
Ref message_of(const OwnValues& own) {
  PyObject *msg = own.at[kMsg], *args = own.at[kArgs];
  if (!msg) return {};
  const int has_arguments = args ? PyObject_IsTrue(args) : 0;
  if (has_arguments <= 0) {
    PyErr_Clear();
    return Ref::borrow(msg);
  }
  Ref text(PyUnicode_Check(msg) ? Py_NewRef(msg) : PyObject_Str(msg));
  Ref formatted(text ? PyUnicode_Format(text.get(), args) : nullptr);
  if (formatted) return formatted;
  PyErr_Clear();
  const std::string shown = safe_str(msg) + " " + safe_str(args);
  Ref both(PyUnicode_DecodeUTF8(shown.data(), static_cast<Py_ssize_t>(shown.size()), "replace"));
  PyErr_Clear();
  return both;
}

/// "WARNING" is WARN and "CRITICAL" FATAL to OpenTelemetry.
std::string_view severity_text(std::string_view level) {
  return level == "WARNING" ? "WARN" : level == "CRITICAL" ? "FATAL" : level;
}

void write_object_attribute(sdk::ProtoBuffer& out, std::string_view key, PyObject* value,
                            const LogLimits& limits) {
  if (value) write_attribute(out, Field::kAttributes, key, value, limits.length);
}

/// Type, first argument and traceback of exc_info's tuple.
void write_exc_info(sdk::ProtoBuffer& out, PyObject* exc_info, const LogLimits& limits) {
  if (!PyTuple_Check(exc_info) || PyTuple_GET_SIZE(exc_info) != 3) return;
  PyObject* type = PyTuple_GET_ITEM(exc_info, 0);
  PyObject* value = PyTuple_GET_ITEM(exc_info, 1);
  if (PyType_Check(type)) {
    const std::string_view name = reinterpret_cast<PyTypeObject*>(type)->tp_name;
    const size_t dot = name.rfind('.');
    write_text_attribute(out, "exception.type",
                         dot == std::string_view::npos ? name : name.substr(dot + 1),
                         limits.length);
  }
  if (!PyExceptionInstance_Check(value)) return;
  Ref args(PyObject_GetAttrString(value, "args"));
  if (!args) PyErr_Clear();
  if (args && PyTuple_Check(args.get()) && PyTuple_GET_SIZE(args.get()) > 0) {
    write_text_attribute(out, "exception.message", safe_str(PyTuple_GET_ITEM(args.get(), 0)),
                         limits.length);
  }
  if (PyTuple_GET_ITEM(exc_info, 2) != Py_None) {
    write_text_attribute(out, "exception.stacktrace", stack_trace(value), limits.length);
  }
}

uint64_t created_ns(PyObject* created) {
  const double seconds = created && PyFloat_Check(created) ? PyFloat_AS_DOUBLE(created) : 0;
  return seconds > 0 && seconds < 9e9 ? static_cast<uint64_t>(seconds * 1e9) : 0;
}

/// `body` null: the message. `dict` is the record's.
void write_logging_record(sdk::ProtoBuffer& out, PyObject* dict, PyObject* body,
                          const LogLimits& limits) {
  OwnValues own;
  std::vector<std::pair<Ref, Ref>> extras;  // kept: writing them may run Python code
  read_dict(dict, &own, [&](PyObject* key, PyObject* value) {
    extras.emplace_back(Ref::borrow(key), Ref::borrow(value));
  });
  for (PyObject* value : own.at) Py_XINCREF(value);
  int64_t offset;
  write_times(out, created_ns(own.at[kCreated]), static_cast<uint64_t>(sdk::wall_now(&offset)));
  const long level =
      own.at[kLevelNo] && PyLong_Check(own.at[kLevelNo]) ? PyLong_AsLong(own.at[kLevelNo]) : 0;
  PyErr_Clear();
  write_severity(out, severity_of_level(level),
                 own.text(kLevelName) ? severity_text(Utf8(own.at[kLevelName]).view()) : "");
  const Ref message = body ? Ref::borrow(body) : message_of(own);
  write_body(out, message ? message.get() : Py_None);

  // The newest attributes stay: code and exception come last.
  const bool raised = own.at[kExcInfo] && PyTuple_Check(own.at[kExcInfo]);
  const size_t last = raised ? 6 : 3;
  const size_t room = limits.attributes > last ? limits.attributes - last : 0;
  const size_t dropped = extras.size() > room ? extras.size() - room : 0;
  for (size_t i = dropped; i < extras.size(); ++i) {
    write_attribute(out, Field::kAttributes, Utf8(extras[i].first.get()).view(),
                    extras[i].second.get(), limits.length);
  }
  if (limits.attributes >= 3) {
    write_object_attribute(out, "code.file.path", own.text(kPathName), limits);
    write_object_attribute(out, "code.function.name", own.text(kFuncName), limits);
    write_object_attribute(out, "code.line.number", own.at[kLineNo], limits);
  }
  if (raised && limits.attributes >= last) write_exc_info(out, own.at[kExcInfo], limits);
  if (dropped) out.varint_field(Field::kDroppedAttributes, dropped);
  Ref kept;
  write_ids(out, current_span(&kept));
  for (PyObject* value : own.at) Py_XDECREF(value);
  PyErr_Clear();
}

/// The sink for loggers of that name: from the handler's dict, else found by its Python half. None:
/// Python has to do it.
Ref sink_of(PyObject* self, PyObject* name) {
  Ref sinks(PyObject_GetAttr(self, names().sinks));
  if (sinks && PyDict_Check(sinks.get())) {
    if (PyObject* known = PyDict_GetItemWithError(sinks.get(), name)) return Ref::borrow(known);
  }
  PyErr_Clear();
  return Ref(PyObject_CallMethodOneArg(self, names().find_sink, name));
}

bool has_filters(PyObject* self) {
  const Ref filters(PyObject_GetAttr(self, names().filters));
  const int any = filters ? PyObject_IsTrue(filters.get()) : 0;
  PyErr_Clear();
  return any != 0;
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
  Ref formatter(PyObject_GetAttr(self, names().formatter));
  if (formatter && formatter.get() != Py_None) {
    body = Ref(PyObject_CallMethodOneArg(self, names().format, record));
  }
  PyErr_Clear();
  Scratch bytes;
  write_logging_record(*bytes, dict.get(), body.get(), sink_limits(sink.get()));
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

bool add_logging_handler_type(PyObject* module) {
  names();
  return add_type(module, &handler_spec) != nullptr;
}

}  // namespace vedette::native
