#include "logging_record.h"

#include "sdk/otlp_fields.h"
#include "sdk/wall_clock.h"
#include "values.h"

namespace vedette::native {
namespace {

using Field = sdk::otlp::LogRecord;

/// The message as logging has it. Arguments that do not fit are shown beside it.
Ref message_of(PyObject* msg, PyObject* args) {
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

}  // namespace

void write_logged_record(sdk::ProtoBuffer& out, const LoggedRecord& record,
                         std::span<const Extra> extras, const LogLimits& limits) {
  int64_t offset;
  write_times(out, record.created_ns, static_cast<uint64_t>(sdk::wall_now(&offset)));
  write_severity(out, severity_of_level(record.level),
                 record.level_name ? severity_text(Utf8(record.level_name).view()) : "");
  const Ref message =
      record.message ? Ref::borrow(record.message) : message_of(record.msg, record.args);
  write_body(out, message ? message.get() : Py_None);

  // The newest attributes stay: code and exception come last.
  const bool raised = record.exc_info && PyTuple_Check(record.exc_info);
  const size_t last = raised ? 6 : 3;
  const size_t room = limits.attributes > last ? limits.attributes - last : 0;
  const size_t dropped = extras.size() > room ? extras.size() - room : 0;
  for (const Extra& extra : extras.subspan(dropped)) {
    write_attribute(out, Field::kAttributes, Utf8(extra.first.get()).view(), extra.second.get(),
                    limits.length);
  }
  if (limits.attributes >= 3) {
    write_object_attribute(out, "code.file.path", record.path, limits);
    write_object_attribute(out, "code.function.name", record.function, limits);
    write_object_attribute(out, "code.line.number", record.line, limits);
  }
  if (raised && limits.attributes >= last) write_exc_info(out, record.exc_info, limits);
  if (dropped) out.varint_field(Field::kDroppedAttributes, dropped);
  Ref kept;
  write_ids(out, current_span(&kept));
  PyErr_Clear();
}

}  // namespace vedette::native
