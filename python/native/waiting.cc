#include "waiting.h"

#include <time.h>

#include "sdk/probability.h"
#include "sdk/span_bytes.h"
#include "tracer.h"

namespace vedette::native {

PyTypeObject* trace_buffer_type;

namespace {

TraceBufferObject* as_traces(PyObject* object) {
  return reinterpret_cast<TraceBufferObject*>(object);
}

/// Monotonic, to a few milliseconds: enough for a window of a minute.
int64_t coarse_now() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
  return int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

void hold(SpanObject* span, TraceBufferObject* traces, sdk::LocalTrace* local) {
  span->local = local;
  span->traces = as_traces(Py_NewRef(reinterpret_cast<PyObject*>(traces)));
}

/// TraceBuffer(ratio, slow_seconds or None, bytes_max, sampled_state or None)
PyObject* traces_new(PyTypeObject* type, PyObject* args, PyObject*) {
  double ratio;
  PyObject *slow, *state;
  Py_ssize_t bytes_max;
  if (!PyArg_ParseTuple(args, "dOnO", &ratio, &slow, &bytes_max, &state)) return nullptr;
  sdk::TraceBufferOptions options;
  if (slow != Py_None) {
    const double seconds = PyFloat_AsDouble(slow);
    if (PyErr_Occurred()) return nullptr;
    if (seconds < 9e9) options.slow_ns = static_cast<int64_t>(seconds * 1e9);
  }
  options.bytes_max = static_cast<size_t>(std::max<Py_ssize_t>(bytes_max, 0));
  auto* self = as_traces(type->tp_alloc(type, 0));
  if (!self) return nullptr;
  new (&self->buffer)
      std::shared_ptr<sdk::TraceBuffer>(std::make_shared<sdk::TraceBuffer>(options));
  self->threshold = sdk::threshold_of(ratio);
  self->sampled_state = state == Py_None ? nullptr : Py_NewRef(state);
  return reinterpret_cast<PyObject*>(self);
}

void traces_dealloc(PyObject* object) {
  TraceBufferObject* self = as_traces(object);
  std::destroy_at(&self->buffer);
  Py_XDECREF(self->sampled_state);
  PyTypeObject* type = Py_TYPE(object);
  type->tp_free(object);
  Py_DECREF(type);
}

PyObject* traces_stats(PyObject* self, PyObject*) {
  const sdk::TraceBufferStats s = as_traces(self)->buffer->stats();
  return Py_BuildValue("{sKsKsKsKsKsKsKsKsK}", "ended", s.ended, "sampled", s.sampled, "failed",
                       s.failed, "unsampled", s.unsampled, "shed", s.shed, "refused", s.refused,
                       "waiting", s.waiting, "stripped", s.stripped, "bytes", s.bytes);
}

PyMethodDef traces_methods[] = {
    {"stats", traces_stats, METH_NOARGS, "Counts of spans since the start of the process."},
    {nullptr, nullptr, 0, nullptr},
};
PyType_Slot traces_slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(traces_new)},
    {Py_tp_dealloc, reinterpret_cast<void*>(traces_dealloc)},
    {Py_tp_methods, traces_methods},
    {0, nullptr},
};
PyType_Spec traces_spec = {"vedette._native.TraceBuffer", sizeof(TraceBufferObject), 0,
                           Py_TPFLAGS_DEFAULT, traces_slots};

}  // namespace

sdk::Decision start_waiting(SpanObject* span, const Parent& parent, void* sampler) {
  auto* traces = static_cast<TraceBufferObject*>(sampler);
  const sdk::SpanHead& head = span->head;
  const bool sampled = parent.valid() ? (parent.trace_flags & 1) != 0
                                      : sdk::randomness_of(head.trace_id) >= traces->threshold;
  if (!parent.valid() && sampled) span->trace_state = Py_XNewRef(traces->sampled_state);
  hold(span, traces,
       traces->buffer->start_root(head.trace_id, head.span_id, sampled,
                                  trace_state_header(span->trace_state),
                                  span->tracer->provider->sinks));
  return waiting_decision(span);
}

bool join_waiting(SpanObject* span, const Parent& parent) {
  if (!parent.valid() || parent.remote) return false;
  const sdk::SpanHead& head = span->head;
  const ProviderObject* provider = span->tracer->provider;
  if (parent.span && parent.span->local) {
    if (parent.span->tracer->provider != provider) return false;
    parent.span->traces->buffer->start_child(parent.span->local, head.span_id, head.parent_id);
    hold(span, parent.span->traces, parent.span->local);
    return true;
  }
  // A context made by hand, of a span that lives somewhere in this process.
  sdk::LocalTrace* local =
      parent.span ? nullptr
                  : provider->traces->buffer->join(head.trace_id, head.span_id, head.parent_id);
  if (local) hold(span, provider->traces, local);
  return local != nullptr;
}

sdk::Decision waiting_decision(const SpanObject* span) {
  return span->traces->buffer->is_sampled(span->local) ? sdk::Decision::kRecordAndSample
                                                       : sdk::Decision::kRecordOnly;
}

void end_waiting(SpanObject* span, std::string_view name, std::string_view status_message) {
  thread_local std::string bytes;
  sdk::SpanHead head = span->head;
  head.trace_flags |= 1;  // if it is sent, then because it was sampled
  bytes.resize(span->record.encoded_size(head, name, "", status_message));
  span->record.encode(bytes.data(), head, name, "", status_message);
  span->traces->buffer->end(
      span->local,
      {head.span_id, head.parent_id, span->tracer->source, head.end_ns - head.start_ns,
       sdk::has_failed(head, span->record), bytes},
      coarse_now());
  if (bytes.capacity() > 64u << 10) std::string().swap(bytes);
}

void stop_waiting(SpanObject* span) {
  span->traces->buffer->release(span->local, span->head.span_id);
  span->local = nullptr;
  Py_CLEAR(span->traces);
}

bool SinkList::send(uint32_t source, std::string_view span, std::string_view more, bool precious) {
  bool sent = true;
  for (const Sink& sink : sinks) {
    char* out = nullptr;
    if (precious || !sink.lane->crowded())
      out = sink.lane->reserve(span.size() + more.size(), source);
    if (!out) {
      sent = false;
      continue;
    }
    std::memcpy(out, span.data(), span.size());
    if (!more.empty()) std::memcpy(out + span.size(), more.data(), more.size());
    sink.thread->commit(*sink.lane, out);
  }
  return sent;
}

bool add_trace_buffer_type(PyObject* module) {
  trace_buffer_type = add_type(module, &traces_spec);
  return trace_buffer_type != nullptr;
}

}  // namespace vedette::native
