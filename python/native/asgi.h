// vedette._native.AsgiMiddleware: a server span and RED metrics around every HTTP request, a span
// around every websocket connection.
//
// One object per request is at once what the server awaits, the `send` the application calls, and
// the state: no Python frame is added, and the coroutine of the real `send` is handed on untouched.
#pragma once

#include "current_span.h"
#include "http_metrics.h"
#include "python.h"
#include "span.h"
#include "tracer.h"

namespace vedette::native {

/// The path label of requests that no route takes; never the raw path.
constexpr std::string_view kUnmatched = "unmatched";

/// Nobody waits for the answer any more: nginx's "client closed request".
constexpr int kClientGone = 499;

struct MiddlewareObject {
  PyObject_HEAD vectorcallfunc call;
  PyObject* app;
  TracerObject* tracer;  // null: somebody else makes the spans
  HttpMetricsObject* metrics;
  PyObject* excluded;          // a set of paths that are passed through
  PyObject* extract;           // headers -> Context, for propagation that is not plain traceparent
  PyObject* only_traceparent;  // True: `extract` is needed for tracestate and baggage only
  PyObject* find_route;        // scope -> path template or None, when the scope does not tell;
                               // None: the app has no routes that we know of
  PyObject* shares_fastapi;    // True: the app is FastAPI's
  PyObject* lifespan;          // coroutine function (app, scope, receive, send)
  PyObject* skips;             // scope -> whether it is passed through; None: only `excluded` are
  PyObject* capture;           // (span, headers, is response), for headers to keep; None: none
};

struct RequestObject {
  PyObject_HEAD vectorcallfunc call;
  MiddlewareObject* middleware;
  PyObject* scope;
  PyObject* receive;
  PyObject* send;
  PyObject* inner;  // the application's coroutine
  PyObject* span;
  CurrentSpan current;
  PyObject* root_path;  // as the server gave it
  RequestObject* previous;
  RequestObject* next;
  int64_t started_ns;  // monotonic
  int64_t ended_ns;    // wall; 0: the response is not complete
  int status;          // as sent; of a websocket the handshake's
  uint8_t method;
  bool websocket;
  bool begun;
  bool live;    // begun, and the answer is not complete
  bool listed;  // in HttpMetrics' list of requests in progress
};

/// middleware(scope, receive, send), to be awaited. Null with an exception set.
PyObject* new_request(MiddlewareObject* middleware, PyObject* const* args, bool websocket);

bool add_asgi_types(PyObject* module);
bool add_request_type(PyObject* module);

/// The route template the request has taken, with what mounts and included routers put before it.
std::string route_of(const RequestObject* request);
std::string_view method_name(const RequestObject* request);

}  // namespace vedette::native
