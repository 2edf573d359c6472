// vedette._native.LogSink: a structured log record to OTLP, in one pass over its dict.
#pragma once

#include "python.h"

namespace vedette::native {

bool add_log_sink_type(PyObject* module);

}  // namespace vedette::native
