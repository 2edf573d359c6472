// The logs API's LogRecord (opentelemetry._logs) and what emit() is given, as OTLP bytes.
#pragma once

#include "log_record.h"

namespace vedette::native {

/// What a record may hold; the oldest attributes go (specification: common, "Attribute Limits").
struct LogLimits {
  uint32_t attributes = 128;
  uint32_t length = sdk::kUnlimited;  // code points
};

/// References are borrowed; null or None: not given.
struct LogFields {
  uint64_t time_ns = 0;
  uint64_t observed_ns = 0;  // 0: now
  PyObject* severity_number = nullptr;
  PyObject* severity_text = nullptr;
  PyObject* body = nullptr;
  PyObject* attributes = nullptr;
  PyObject* event_name = nullptr;
  PyObject* exception = nullptr;
  uint32_t dropped = 0;
  Parent span;
};

void write_log_fields(sdk::ProtoBuffer& out, const LogFields& fields, const LogLimits& limits);

/// Nanoseconds; 0 for anything but a positive int, no exception.
uint64_t time_of(PyObject* value);

/// An opentelemetry._logs.LogRecord. `finished`: it went through processors, so limits and the
/// exception's attributes are in it already.
void write_api_record(sdk::ProtoBuffer& out, PyObject* record, const LogLimits& limits,
                      bool finished);

/// emit_log(lane, record): queues a Read(able|Write)LogRecord. False: there is no room.
PyObject* emit_log(PyObject* module, PyObject* const* args, Py_ssize_t nargs);
/// encode_logs(records) -> bytes, an ExportLogsServiceRequest.
PyObject* encode_logs(PyObject* module, PyObject* records);

}  // namespace vedette::native
