// vedette._native.SpanScope: what Tracer.start_as_current_span() returns, a context manager and a
// decorator for sync and async functions.
#pragma once

#include "tracer.h"

namespace vedette::native {

bool add_scope_type(PyObject* module);

/// Not started yet: the span starts when the scope is entered.
PyObject* make_scope(TracerObject* tracer, const StartArguments& arguments);

}  // namespace vedette::native
