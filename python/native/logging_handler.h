// vedette._native.LoggingHandler: the base of vedette.sdk._logs.LoggingHandler, whose handle()
// sends one of logging's records without running Python code for it.
#pragma once

#include "python.h"

namespace vedette::native {

bool add_logging_handler_type(PyObject* module);

}  // namespace vedette::native
