// vedette._native.LogSink: the queues that take the log records of one resource and scope.
#pragma once

#include "log_api.h"

namespace vedette::native {

/// Queues an encoded LogRecord. `sink` is a LogSink.
void sink_emit(PyObject* sink, const sdk::ProtoBuffer& record);

bool is_sink(PyObject* object);
const LogLimits& sink_limits(PyObject* sink);

bool add_log_sink_type(PyObject* module);

}  // namespace vedette::native
