// Events and links: OTLP messages of Python's objects, and back.
#pragma once

#include "python.h"
#include "sdk/proto_buffer.h"
#include "sdk/span_record.h"

namespace vedette::native {

/// An Event message. `dropped`: attributes that were dropped before.
void write_event(sdk::ProtoBuffer& out, std::string_view name, int64_t time_ns,
                 PyObject* attributes, const sdk::SpanLimits& limits, uint32_t dropped = 0);

/// A Link message; false for a link that says nothing: an invalid context, neither attributes nor
/// trace state.
bool write_link(sdk::ProtoBuffer& out, PyObject* span_context, PyObject* attributes,
                const sdk::SpanLimits& limits, uint32_t dropped = 0);

/// [(name, time in ns, attributes, dropped attributes)]
PyObject* read_events(const sdk::SpanRecord& record);
/// [(trace id, span id, is remote, flags, trace state header, attributes, dropped attributes)]
PyObject* read_links(const sdk::SpanRecord& record);

}  // namespace vedette::native
