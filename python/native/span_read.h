// What a span answers when it is asked: opentelemetry.sdk.trace.ReadableSpan's properties.
#pragma once

#include "python.h"

namespace vedette::native {

extern PyGetSetDef span_properties[];
extern PyMethodDef span_reading_methods[];

}  // namespace vedette::native
