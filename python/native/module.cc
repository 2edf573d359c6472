// vedette._native: opentelemetry-api's tracer and span, and prometheus_client's metrics, over
// src/sdk.
#include "asgi.h"
#include "client_span.h"
#include "exporter.h"
#include "http_metrics.h"
#include "log_sink.h"
#include "logger_log.h"
#include "logging_handler.h"
#include "masking.h"
#include "meter.h"
#include "metrics.h"
#include "observed.h"
#include "otel_api.h"
#include "python.h"
#include "readable.h"
#include "record_factory.h"
#include "span.h"
#include "span_scope.h"
#include "structlog_method.h"
#include "structlog_types.h"
#include "tracer.h"
#include "waiting.h"

namespace {

PyMethodDef functions[] = {
    {"encode_spans", vedette::native::encode_spans, METH_O,
     "encode_spans(spans): ReadableSpans as an ExportTraceServiceRequest."},
    {"configure_masking", vedette::native::configure_masking, METH_VARARGS,
     "configure_masking(enabled, keys, patterns): what is hidden, from now on."},
    {nullptr, nullptr, 0, nullptr},
};

PyModuleDef module_definition = {
    PyModuleDef_HEAD_INIT,
    "vedette._native",
    "The native half of vedette. Use vedette.sdk.",
    -1,
    functions,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
};

}  // namespace

PyMODINIT_FUNC PyInit__native() {
  using namespace vedette::native;
#ifdef Py_GIL_DISABLED
  // The types here count on the interpreter's lock.
  PyErr_SetString(PyExc_ImportError,
                  "vedette does not run on the free-threaded build of CPython; use the one without "
                  "the t in its name");
  return nullptr;
#endif
  Ref module(PyModule_Create(&module_definition));
  if (!module || !load_otel_api()) return nullptr;
  PyObject* m = module.get();
  const bool ok =
      add_exporter_types(m) && add_span_type(m) && add_trace_buffer_type(m) &&
      add_tracer_types(m) && add_scope_type(m) && add_metric_types(m) && add_http_metrics_type(m) &&
      add_asgi_types(m) && add_log_sink_type(m) && add_structlog_types(m) &&
      add_structlog_method_type(m) && add_client_span_types(m) && add_observed_types(m) &&
      add_logging_handler_type(m) && add_logger_log(m) && add_record_factory_type(m) &&
      add_instrument_types(m) && add_metric_reader_types(m) && add_metric_data_functions(m) &&
      add_prometheus_name_functions(m) && add_metric_families_type(m);
  return ok ? module.release() : nullptr;
}
