// The span around one call into another system, as the instrumentations here make it: started from
// the global tracer provider, made current, described, ended; and the duration metric beside it.
//
// Ours costs a few hundred nanoseconds; spans of another provider are driven through
// opentelemetry-api. Nothing here raises: what fails leaves the call unobserved. All under the GIL.
#pragma once

#include <string>
#include <string_view>

#include "current_span.h"
#include "python.h"
#include "sdk/span_record.h"
#include "span.h"

namespace vedette::native {

/// Where the spans and durations of one library go; follows the global providers when they change.
class Source {
 public:
  /// `library`: the tracer is "vedette.<library>"; `histogram`: the duration metric's name.
  Source(std::string library, std::string histogram)
      : library_(std::move(library)), histogram_name_(std::move(histogram)) {}

  /// Borrowed; null when nobody has set a provider. No exception.
  PyObject* tracer();
  /// A histogram of opentelemetry's API; likewise.
  PyObject* histogram();
  /// Whether the current span of `context` is that of OpenTelemetry's own instrumentation of the
  /// library, put around ours: the call is told already.
  bool is_told(PyObject* context);

 private:
  PyObject* made_for(PyObject* provider, const char* maker, const std::string& name);
  bool is_other(PyObject* span);

  const std::string library_;
  const std::string histogram_name_;
  PyObject* tracer_provider_ = nullptr;
  PyObject* tracer_ = nullptr;
  PyObject* meter_provider_ = nullptr;
  PyObject* histogram_ = nullptr;
  PyObject* parent_tracer_ = nullptr;  // the last one seen, and what is_told() found of it
  bool parent_is_other_ = false;
};

/// vedette._native.SpanTemplate(name, attributes, labels): name and attributes that many spans
/// share, encoded once. `labels`: the attributes of the duration metric.
struct TemplateObject {
  PyObject_HEAD PyObject* name;
  PyObject* attributes;
  PyObject* labels;
  sdk::SpanRecord record;
};
extern PyTypeObject* template_type;

struct ClientSpan {
  Source* source = nullptr;
  PyObject* span = nullptr;  // null: the call is not observed
  CurrentSpan current;
  PyObject* about = nullptr;   // what the instrumentation keeps from begin to end
  PyObject* labels = nullptr;  // a dict for the duration metric; null: made at the end
  int64_t started_ns = 0;      // monotonic
  bool ours = false;
  bool recording = false;
  bool described = false;  // its attributes were given at the start

  /// Starts the span as a child of `context`'s and makes it current. False: not observed.
  bool begin(Source& from, PyObject* context, PyObject* name, TemplateObject* prepared);
  /// The same with a dict of attributes, or null, for a call that is described by text() and
  /// number(). `hide_http`: HTTP clients below are not to tell the call again.
  bool begin(Source& from, PyObject* context, PyObject* name, PyObject* attributes, bool hide_http);
  void text(const sdk::AttributeKey& key, std::string_view value);
  void number(const sdk::AttributeKey& key, int64_t value);
  /// Status ERROR with this error.type.
  void error(std::string_view type);
  /// What a call raised: the event, error.type and status.
  void raised(PyObject* exception);
  /// Ends it, records the duration and makes the former context current again. `error_type`: empty
  /// when it went well.
  void end(std::string_view error_type);
  /// Gives up everything it holds.
  void clear();

 private:
  bool start(Source& from, PyObject* context, PyObject* name, PyObject* attributes);
  void make_current(PyObject* context, bool hide_http);
};

/// An attribute's key as a str, interned: they are few. Null with an exception set.
Ref key_text(std::string_view key);

/// Whether the code of this Context asked not to be observed. `http`: not as an HTTP client.
bool is_suppressed(PyObject* context, bool http);

/// The current Context when a call is to be observed; null otherwise. No exception.
Ref context_to_observe(bool http);

/// Whether somebody in Python looks at a span's attributes when it starts: a sampler, a processor,
/// or another provider. Then they must be there in time.
bool is_watched(Source& source);

/// Whether the span of the Context was started by `source`.
bool is_inside(PyObject* context, Source& source);

/// To be called before the first of the above. False with an exception set.
bool load_client_spans();

bool add_client_span_types(PyObject* module);

}  // namespace vedette::native
