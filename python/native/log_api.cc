#include "log_api.h"

#include <map>

#include "exporter.h"
#include "readable.h"
#include "sdk/lane_batch.h"
#include "sdk/otlp_fields.h"
#include "sdk/wall_clock.h"
#include "values.h"

namespace vedette::native {
namespace {

using Field = sdk::otlp::LogRecord;

bool given(PyObject* value) {
  return value && value != Py_None;
}

/// An attribute, or null without an exception.
Ref attribute(PyObject* object, PyObject* name) {
  Ref value(PyObject_GetAttr(object, name));
  if (!value) PyErr_Clear();
  return value.get() == Py_None ? Ref() : std::move(value);
}

PyObject* interned(const char* name) {
  return PyUnicode_InternFromString(name);
}

/// SeverityNumber's value, or an int.
uint32_t severity_number(PyObject* severity) {
  static PyObject* value_name = interned("value");
  if (!given(severity)) return 0;
  const Ref number =
      PyLong_Check(severity) ? Ref::borrow(severity) : attribute(severity, value_name);
  const long value = number && PyLong_Check(number.get()) ? PyLong_AsLong(number.get()) : 0;
  if (PyErr_Occurred()) PyErr_Clear();
  return value > 0 && value <= 24 ? static_cast<uint32_t>(value) : 0;
}

bool has_key(PyObject* mapping, const char* key) {
  return given(mapping) && PyMapping_Check(mapping) && PyMapping_HasKeyString(mapping, key);
}

Py_ssize_t length_of(PyObject* mapping) {
  const Py_ssize_t length = given(mapping) ? PyObject_Size(mapping) : 0;
  if (length < 0) PyErr_Clear();
  return std::max(length, Py_ssize_t{0});
}

/// Type, message and stack trace come before the attributes given, which win over them: where there
/// is no room for all, these go first. Returns how many were dropped.
uint32_t write_exception(sdk::ProtoBuffer& out, const LogFields& fields, const LogLimits& limits) {
  if (!given(fields.exception) || !PyExceptionInstance_Check(fields.exception)) return 0;
  const std::pair<const char*, std::string> facts[] = {
      {"exception.type", exception_type(fields.exception)},
      {"exception.message", safe_str(fields.exception)},
      {"exception.stacktrace", stack_trace(fields.exception)},
  };
  const auto missing = [&](const auto& fact) { return !has_key(fields.attributes, fact.first); };
  const auto wanted = std::count_if(std::begin(facts), std::end(facts), missing);
  const int64_t room = int64_t{limits.attributes} - length_of(fields.attributes);
  const int64_t dropped = std::clamp<int64_t>(wanted - room, 0, wanted);
  int64_t skip = dropped;
  for (const auto& fact : facts) {
    if (!missing(fact) || skip-- > 0) continue;
    write_text_attribute(out, fact.first, fact.second, limits.length);
  }
  return static_cast<uint32_t>(dropped);
}

}  // namespace

uint64_t time_of(PyObject* value) {
  if (!given(value) || !PyLong_Check(value)) return 0;
  const long long ns = PyLong_AsLongLong(value);
  if (PyErr_Occurred()) PyErr_Clear();
  return ns > 0 ? static_cast<uint64_t>(ns) : 0;
}

void write_log_fields(sdk::ProtoBuffer& out, const LogFields& fields, const LogLimits& limits) {
  int64_t offset;
  write_times(
      out, fields.time_ns,
      fields.observed_ns ? fields.observed_ns : static_cast<uint64_t>(sdk::wall_now(&offset)));
  write_severity(out, severity_number(fields.severity_number),
                 given(fields.severity_text) ? safe_str(fields.severity_text) : "");
  write_body(out, fields.body ? fields.body : Py_None);
  uint32_t dropped = fields.dropped + write_exception(out, fields, limits);
  dropped += write_attributes(out, Field::kAttributes, fields.attributes, limits.attributes,
                              limits.length);
  if (dropped) out.varint_field(Field::kDroppedAttributes, dropped);
  if (given(fields.event_name)) {
    const std::string name = safe_str(fields.event_name);
    if (!name.empty()) out.bytes_field(Field::kEventName, cut(name, sdk::kUnlimited));
  }
  write_ids(out, fields.span);
  PyErr_Clear();
}

void write_api_record(sdk::ProtoBuffer& out, PyObject* record, const LogLimits& limits,
                      bool finished) {
  static PyObject* const names[] = {
      interned("timestamp"),  interned("observed_timestamp"), interned("severity_number"),
      interned("body"),       interned("severity_text"),      interned("attributes"),
      interned("event_name"), interned("exception"),          interned("trace_id"),
      interned("span_id"),    interned("trace_flags"),        interned("dropped"),
  };
  Ref values[std::size(names) - 1];
  for (size_t i = 0; i < std::size(values); ++i) values[i] = attribute(record, names[i]);
  LogFields fields;
  fields.time_ns = time_of(values[0].get());
  fields.observed_ns = time_of(values[1].get());
  fields.severity_number = values[2].get();
  fields.body = values[3].get();
  fields.severity_text = values[4].get();
  fields.attributes = values[5].get();
  fields.event_name = values[6].get();
  fields.exception = finished ? nullptr : values[7].get();
  if (values[8]) fields.span.trace_id = trace_id_of(values[8].get());
  if (values[9]) fields.span.span_id = span_id_of(values[9].get());
  if (values[10]) fields.span.trace_flags = static_cast<uint8_t>(span_id_of(values[10].get()));
  if (fields.attributes && !PyDict_Check(fields.attributes)) {
    // BoundedAttributes counts what it dropped.
    const Ref dropped = attribute(fields.attributes, names[11]);
    fields.dropped = static_cast<uint32_t>(dropped ? time_of(dropped.get()) : 0);
  }
  write_log_fields(out, fields, limits);
}

namespace {

constexpr LogLimits kNoLimits{sdk::kUnlimited, sdk::kUnlimited};

/// False when it holds no record.
bool write_readable(sdk::ProtoBuffer& out, PyObject* readable) {
  static PyObject* name = interned("log_record");
  const Ref record = attribute(readable, name);
  if (record) write_api_record(out, record.get(), kNoLimits, true);
  return record && !out.failed();
}

}  // namespace

PyObject* emit_log(PyObject*, PyObject* const* args, Py_ssize_t nargs) {
  if (nargs != 2 || Py_TYPE(args[0]) != lane_type) {
    PyErr_SetString(PyExc_TypeError, "emit_log(lane, record)");
    return nullptr;
  }
  const ErrorGuard guard;
  const auto* lane = reinterpret_cast<LaneObject*>(args[0]);
  Scratch record;
  if (!write_readable(*record, args[1])) return PyBool_FromLong(0);
  return PyBool_FromLong(queue_record({{lane->thread, lane->lane}}, source_of(args[1]), *record));
}

PyObject* encode_logs(PyObject*, PyObject* records) {
  std::map<uint32_t, std::string> items;
  each(records, SIZE_MAX, [&](PyObject* readable) {
    Scratch record;
    if (write_readable(*record, readable)) {
      sdk::append_item(items[source_of(readable)], (*record).view());
    }
    return true;
  });
  const std::string request = sdk::encode_request(items);
  return PyBytes_FromStringAndSize(request.data(), static_cast<Py_ssize_t>(request.size()));
}

}  // namespace vedette::native
