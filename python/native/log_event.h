// One structlog event (a dict) read once: into a line of JSON, into an OTLP LogRecord, or both.
#pragma once

#include "json_text.h"
#include "log_record.h"

namespace vedette::native {

/// `json` and `record` may each be null. `method` is the logger's method, a str: the level, unless
/// the event has one. The line gets what the event does not have already: level, trace_id and
/// span_id inside of a span, timestamp (ISO 8601, UTC), and exc_info becomes the traceback.
/// Never raises.
void read_event(PyObject* event, PyObject* method, JsonText* json, sdk::ProtoBuffer* record);

/// Logs of this process go there from now on: structlog's shipping processors ask.
void ship_to(PyObject* sink);
/// Sends a record that read_event() wrote; nothing while there is nowhere to send it.
void ship(const sdk::ProtoBuffer& record);
bool shipping();
/// Who gets events themselves, and their method, instead: exporters written in Python. Null:
/// nobody.
void hand_events_to(PyObject* taker);
/// Hands an event on, if there is somebody. What that raises is dropped.
void hand_event(PyObject* method, PyObject* event);

}  // namespace vedette::native
