// vedette._native.Provider and .Tracer: where spans come from and where they go.
#pragma once

#include <memory>
#include <vector>

#include "python.h"
#include "sdk/export_thread.h"
#include "sdk/sampler.h"
#include "sdk/span_record.h"
#include "sdk/trace_buffer.h"

namespace vedette::native {

struct TraceBufferObject;

struct Sink {
  std::shared_ptr<sdk::ExportThread> thread;
  sdk::Lane* lane;
};

/// Where a provider's spans go; spans that wait for the outcome of their trace hold on to it.
struct SinkList : sdk::SpanSink {
  bool send(uint32_t source, std::string_view span, std::string_view more, bool precious) override;
  std::vector<Sink> sinks;
};

/// What a Tracer needs to know of its provider; shared by all its tracers.
struct ProviderObject {
  PyObject_HEAD sdk::Sampler sampler;
  bool asks_python;  // there is a sampler written in Python in it
  sdk::SpanLimits limits;
  std::shared_ptr<SinkList> sinks;
  TraceBufferObject* traces;  // of an ErrorAware in the sampler; borrowed, or null
  std::string resource;       // an encoded Resource message
  std::string resource_schema_url;
  PyObject* python_resource;
  PyObject* sampler_description;  // holds the samplers that `sampler` refers to
  PyObject* python_sampler;
  PyObject* python_id_generator;
  PyObject* id_generator;  // borrowed; null: ours
  PyObject* processor;     // what Tracer.span_processor answers
  // How many spans were started, by origin of the parent (none, local, remote) and decision, and
  // how many of them have ended, by decision; under the GIL.
  uint64_t started[3][3];
  uint64_t ended[3];
  PyObject* hooks;  // on_start, _on_ending, on_end of processors in Python; null: none
};

struct TracerObject {
  PyObject_HEAD ProviderObject* provider;
  PyObject* scope;  // what Span.instrumentation_scope answers
  uint32_t source;
  bool enabled;
};

extern PyTypeObject* provider_type;
extern PyTypeObject* tracer_type;

bool add_tracer_types(PyObject* module);

/// start_span()'s arguments, as given.
struct StartArguments {
  PyObject* name;
  PyObject* context;
  PyObject* kind;
  PyObject* attributes;
  PyObject* links;
  PyObject* start_time;
  PyObject* record_exception;
  PyObject* set_status_on_exception;
  PyObject* end_on_exit;  // start_as_current_span() only
};

/// An encoded Resource message.
std::string encode_resource(PyObject* attributes);
/// An encoded InstrumentationScope message.
std::string encode_scope(PyObject* name, PyObject* version, PyObject* attributes);

/// The span that Tracer.start_span() answers. `context` is the one to take the parent from.
PyObject* start_from_arguments(TracerObject* tracer, const StartArguments& arguments,
                               PyObject* context);

}  // namespace vedette::native
