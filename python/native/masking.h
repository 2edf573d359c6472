// What the application says of its secrets (sdk/secrets.h).
#pragma once

#include "python.h"

namespace vedette::native {

/// configure_masking(enabled, keys, patterns); ValueError for a pattern that is none.
PyObject* configure_masking(PyObject* module, PyObject* args);

}  // namespace vedette::native
