// An OTLP LogRecord, field by field (opentelemetry-specification, logs/data-model.md): what all the
// ways in (structlog, logging, the logs API) have in common.
#pragma once

#include <vector>

#include "python.h"
#include "sdk/proto_buffer.h"
#include "span.h"
#include "span_context.h"
#include "tracer.h"

namespace vedette::native {

/// A level by its name: "warning", "WARN", "exception" … The number is OTLP's, 0 for unknown names.
struct Severity {
  uint32_t number;
  std::string text;
};
Severity severity_named(std::string_view level);
/// OTLP's number for one of logging's: 0 below DEBUG, four steps a level, 24 at most.
uint32_t severity_of_level(long levelno);

void write_times(sdk::ProtoBuffer& out, uint64_t time_ns, uint64_t observed_ns);
void write_severity(sdk::ProtoBuffer& out, uint32_t number, std::string_view text);
void write_body(sdk::ProtoBuffer& out, PyObject* body);
void write_text_attribute(sdk::ProtoBuffer& out, std::string_view key, std::string_view value,
                          uint32_t length_max = sdk::kUnlimited);
/// Nothing for an invalid one.
void write_ids(sdk::ProtoBuffer& out, const Parent& span);

/// Sixteen hex digits.
void put_hex(char* out, uint64_t word);

/// The current span's ids; invalid outside of a span.
Parent current_span(Ref* kept);

/// exc_info as logging and structlog take it: True, an exception, or sys.exc_info()'s tuple. Null:
/// there is none.
Ref exception_of(PyObject* exc_info);

/// Copies the record into each queue; where there is no room it is dropped and counted. True: all
/// took it.
bool queue_record(const std::vector<Sink>& sinks, uint32_t source, const sdk::ProtoBuffer& record);

/// Buffers that are used again. Encoding may run Python code, and so come back here: each use takes
/// its own. Under the GIL.
class Scratch {
 public:
  Scratch();
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  sdk::ProtoBuffer& operator*() { return *buffer_; }

 private:
  sdk::ProtoBuffer* buffer_;
};

}  // namespace vedette::native
