// vedette._native.JsonRenderer and .LineLogger: the two ends of a structlog chain, natively.
#pragma once

#include "python.h"

namespace vedette::native {

bool add_structlog_types(PyObject* module);

}  // namespace vedette::native
