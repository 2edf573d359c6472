// vedette._native.RecordFactory: logging's record factory with the current span's ids in each
// record, as attributes otelTraceID, otelSpanID, otelTraceSampled and otelServiceName.
#pragma once

#include "python.h"

namespace vedette::native {

bool add_record_factory_type(PyObject* module);

}  // namespace vedette::native
