// vedette._native.LogSink: the queues that take the log records of one resource and scope.
#pragma once

#include "python.h"
#include "sdk/proto_buffer.h"

namespace vedette::native {

/// Queues an encoded LogRecord. `sink` is a LogSink.
void sink_emit(PyObject* sink, const sdk::ProtoBuffer& record);

bool add_log_sink_type(PyObject* module);

}  // namespace vedette::native
