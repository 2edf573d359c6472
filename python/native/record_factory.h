// vedette._native.RecordFactory: logging's record factory with the current span's ids in each
// record, as attributes otelTraceID, otelSpanID, otelTraceSampled and otelServiceName.
#pragma once

#include "python.h"

namespace vedette::native {

/// What such a factory adds to, borrowed; null: it is none.
PyObject* wrapped_factory(PyObject* factory);

bool add_record_factory_type(PyObject* module);

}  // namespace vedette::native
