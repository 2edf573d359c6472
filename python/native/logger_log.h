// logging.Logger._log, native: what all of a logger's methods come down to.
//
// Where every handler that the line would reach is Vedette's LoggingHandler (or does nothing), and
// everything on the way there is the logging module's own, the line is encoded and queued at once:
// no frame is shown to Python, no LogRecord made. In every other case the original is called, with
// the same arguments. vedette/instrumentation/logging.py puts it into its place.
#pragma once

#include "python.h"

namespace vedette::native {

/// Whether records of that class have the message that msg and args say.
bool has_plain_message(PyTypeObject* record_type);

bool add_logger_log(PyObject* module);

}  // namespace vedette::native
