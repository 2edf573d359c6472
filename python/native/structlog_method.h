// vedette._native.LogMethod: info() and its siblings of a structlog bound logger. They do what
// structlog's do (structlog/_base.py, BoundLoggerBase), without a Python frame: the context and the
// keywords become an event, the processors run, the logger gets what they make. Calls out of the
// ordinary (arguments to interpolate, a context that is no dict) go to structlog's own method. What
// processors raise goes to the caller, as there.
#pragma once

#include "python.h"

namespace vedette::native {

bool add_structlog_method_type(PyObject* module);

}  // namespace vedette::native
