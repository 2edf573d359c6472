// vedette._native.LoggingHandler: the base of vedette.sdk._logs.LoggingHandler, whose handle()
// sends one of logging's records without running Python code for it.
#pragma once

#include "python.h"

namespace vedette::native {

/// Whether such a handler can do without a record: no filters, no formatter, all native behind it.
/// `sink` stays null where its level lets nothing of `level` pass. `name`: the logger's.
bool lean_handler(PyObject* handler, PyObject* name, long level, Ref* sink);

bool add_logging_handler_type(PyObject* module);

}  // namespace vedette::native
