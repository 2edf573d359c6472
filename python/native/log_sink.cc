#include "log_sink.h"

#include "exporter.h"
#include "otel_api.h"
#include "sdk/ids.h"
#include "sdk/otlp_fields.h"
#include "sdk/source_table.h"
#include "span.h"
#include "tracer.h"
#include "values.h"

namespace vedette::native {
namespace {

using Field = sdk::otlp::LogRecord;

PyTypeObject* sink_type;

struct SinkObject {
  PyObject_HEAD std::shared_ptr<sdk::ExportThread> thread;
  sdk::Lane* lane;
  uint32_t source;
};

SinkObject* as_sink(PyObject* self) {
  return reinterpret_cast<SinkObject*>(self);
}

/// OTLP's severity number of a level's name (opentelemetry-specification, logs/data-model.md).
uint32_t severity_of(std::string_view level) {
  constexpr std::pair<std::string_view, uint32_t> kLevels[] = {
      {"trace", 1}, {"debug", 5},      {"info", 9},      {"notice", 10},
      {"msg", 9},   {"warning", 13},   {"warn", 13},     {"error", 17},
      {"err", 17},  {"exception", 17}, {"critical", 21}, {"fatal", 21},
  };
  for (const auto& [name, number] : kLevels) {
    if (name.size() != level.size()) continue;
    if (std::equal(name.begin(), name.end(), level.begin(),
                   [](char a, char b) { return a == (b | 0x20); })) {
      return number;
    }
  }
  return 0;
}

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return out == "WARN" ? "WARNING" : out == "EXCEPTION" ? "ERROR" : out;
}

/// What is a field of the record already, or is made from it by our own processors.
bool is_own_key(std::string_view key) {
  return key == "event" || key == "level" || key == "trace_id" || key == "span_id" ||
         key == "timestamp" || key == "exc_info";
}

void write_ids(sdk::ProtoBuffer& out) {
  Ref context(current_context());
  if (!context) return PyErr_Clear();
  Ref kept;
  const Parent span = parent_of(context.get(), &kept);
  if (!span.valid()) return;
  const uint64_t words[3] = {__builtin_bswap64(span.trace_id.high),
                             __builtin_bswap64(span.trace_id.low), __builtin_bswap64(span.span_id)};
  char ids[24];
  std::memcpy(ids, words, sizeof ids);
  out.fixed32_field(Field::kFlags, span.trace_flags & 1);
  out.bytes_field(Field::kTraceId, {ids, 16});
  out.bytes_field(Field::kSpanId, {ids + 16, 8});
}

void text_attribute(sdk::ProtoBuffer& out, std::string_view key, std::string_view value) {
  const size_t message = out.begin_message(Field::kAttributes);
  out.bytes_field(sdk::otlp::KeyValue::kKey, key);
  const size_t inner = out.begin_message(sdk::otlp::KeyValue::kValue);
  out.bytes_field(sdk::otlp::AnyValue::kString, cut(value, sdk::kUnlimited));
  out.end_message(inner);
  out.end_message(message);
}

/// exc_info as logging and structlog take it: True, an exception, or sys.exc_info()'s tuple.
void write_exception(sdk::ProtoBuffer& out, PyObject* given) {
  Ref exception;
  if (given == Py_True) {
    PyObject *type, *value, *traceback;
    PyErr_GetExcInfo(&type, &value, &traceback);
    exception = Ref(value);
    Py_XDECREF(type);
    Py_XDECREF(traceback);
  } else if (PyExceptionInstance_Check(given)) {
    exception = Ref::borrow(given);
  } else if (PyTuple_Check(given) && PyTuple_GET_SIZE(given) == 3) {
    exception = Ref::borrow(PyTuple_GET_ITEM(given, 1));
  }
  if (!exception || !PyExceptionInstance_Check(exception.get())) return;
  text_attribute(out, "exception.type", exception_type(exception.get()));
  text_attribute(out, "exception.message", safe_str(exception.get()));
  text_attribute(out, "exception.stacktrace", stack_trace(exception.get()));
}

/// emit(event_dict, method_name): never raises.
PyObject* sink_emit(PyObject* self, PyObject* const* args, Py_ssize_t nargs) {
  if (nargs != 2 || !PyDict_Check(args[0]) || !PyUnicode_Check(args[1])) return none();
  PyObject* event = args[0];
  sdk::ProtoBuffer out;
  int64_t offset;
  const auto now = static_cast<uint64_t>(sdk::wall_now(&offset));
  out.fixed64_field(Field::kTime, now);
  out.fixed64_field(Field::kObservedTime, now);

  PyObject* level = PyDict_GetItemString(event, "level");
  const std::string name = safe_str(level && PyUnicode_Check(level) ? level : args[1]);
  if (const uint32_t severity = severity_of(name)) {
    out.varint_field(Field::kSeverityNumber, severity);
  }
  out.bytes_field(Field::kSeverityText, upper(name));
  if (PyObject* body = PyDict_GetItemString(event, "event")) {
    const Ref kept = Ref::borrow(body);
    const size_t message = out.begin_message(Field::kBody);
    write_any_value(out, body, sdk::kUnlimited);
    out.end_message(message);
  }
  uint32_t dropped = 0;
  Ref items(PyDict_Items(event));
  for (Py_ssize_t i = 0; items && i < PyList_GET_SIZE(items.get()); ++i) {
    PyObject* pair = PyList_GET_ITEM(items.get(), i);
    PyObject* key = PyTuple_GET_ITEM(pair, 0);
    if (!PyUnicode_Check(key)) continue;
    const Utf8 text(key);
    if (is_own_key(text.view()) || text.view().empty()) continue;
    if (i >= 128 + 6 || out.size() > sdk::kSpanBytesMax / 2) {
      ++dropped;
      continue;
    }
    const std::string_view shown =
        text.view() == "exception" ? std::string_view("exception.stacktrace") : text.view();
    write_attribute(out, Field::kAttributes, shown, PyTuple_GET_ITEM(pair, 1), sdk::kUnlimited);
  }
  PyObject* exception = PyDict_GetItemString(event, "exc_info");
  if (exception) write_exception(out, exception);
  if (dropped) out.varint_field(Field::kDroppedAttributes, dropped);
  write_ids(out);
  PyErr_Clear();

  const SinkObject* sink = as_sink(self);
  if (out.failed()) return none();
  if (char* record = sink->lane->reserve(out.size(), sink->source)) {
    std::memcpy(record, out.data(), out.size());
    sink->thread->commit(*sink->lane, record);
  }
  return none();
}

/// LogSink(lane, resource, scope_name)
PyObject* sink_new(PyTypeObject*, PyObject* args, PyObject*) {
  PyObject *lane, *resource, *scope;
  if (!PyArg_ParseTuple(args, "O!OU", lane_type, &lane, &resource, &scope)) return nullptr;
  Ref attributes(PyObject_GetAttrString(resource, "attributes"));
  Ref schema_url(PyObject_GetAttrString(resource, "schema_url"));
  if (!attributes || !schema_url) return nullptr;
  auto* self = PyObject_New(SinkObject, sink_type);
  if (!self) return nullptr;
  const auto* from = reinterpret_cast<LaneObject*>(lane);
  new (&self->thread) std::shared_ptr<sdk::ExportThread>(from->thread);
  self->lane = from->lane;
  self->source = sdk::SourceTable::instance().intern(encode_resource(attributes.get()),
                                                     safe_str(schema_url.get()),
                                                     encode_scope(scope, Py_None, Py_None), "");
  return reinterpret_cast<PyObject*>(self);
}

void sink_dealloc(PyObject* self) {
  std::destroy_at(&as_sink(self)->thread);
  PyTypeObject* type = Py_TYPE(self);
  PyObject_Free(self);
  Py_DECREF(type);
}

PyMethodDef sink_methods[] = {
    {"emit", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(sink_emit)), METH_FASTCALL,
     "emit(event_dict, method_name): queues one record."},
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
  Ref context(current_context());
  if (!context) return nullptr;
  Ref kept;
  const Parent span = parent_of(context.get(), &kept);
  if (!span.valid()) return none();
  char text[64];
  const int length = std::snprintf(text, sizeof text, "%016llx%016llx%016llx",
                                   static_cast<unsigned long long>(span.trace_id.high),
                                   static_cast<unsigned long long>(span.trace_id.low),
                                   static_cast<unsigned long long>(span.span_id));
  if (length != 48) return none();
  return Py_BuildValue("(s#s#)", text, Py_ssize_t{32}, text + 32, Py_ssize_t{16});
}

PyMethodDef module_functions[] = {
    {"current_ids", current_ids, METH_NOARGS, "The current trace and span id in hex, or None."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

bool add_log_sink_type(PyObject* module) {
  if (PyModule_AddFunctions(module, module_functions) < 0) return false;
  sink_type = add_type(module, &sink_spec);
  return sink_type != nullptr;
}

}  // namespace vedette::native
