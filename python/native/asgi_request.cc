#include "asgi.h"

#include <structmember.h>

#include "asgi_scope.h"
#include "awaiting.h"
#include "base/utf8.h"
#include "model/path_normalizer.h"
#include "sdk/connection.h"
#include "sdk/wall_clock.h"

namespace vedette::native {
namespace {

PyTypeObject* request_type;
FreeList<RequestObject, 128> free_requests;

/// Semantic conventions, HTTP server spans; each is looked up once.
namespace key {
const sdk::AttributeKey kMethod("http.request.method");
const sdk::AttributeKey kProtocolName("network.protocol.name");
const sdk::AttributeKey kMethodOriginal("http.request.method_original");
const sdk::AttributeKey kPath("url.path");
const sdk::AttributeKey kScheme("url.scheme");
const sdk::AttributeKey kServerAddress("server.address");
const sdk::AttributeKey kServerPort("server.port");
const sdk::AttributeKey kClientAddress("client.address");
const sdk::AttributeKey kUserAgent("user_agent.original");
const sdk::AttributeKey kProtocolVersion("network.protocol.version");
const sdk::AttributeKey kStatusCode("http.response.status_code");
const sdk::AttributeKey kRoute("http.route");
const sdk::AttributeKey kErrorType("error.type");
}  // namespace key

/// One for the process: its memory is bounded, and labels of several apps go to the same metrics.
model::PathNormalizer& path_normalizer() {
  static auto* paths = new model::PathNormalizer;
  return *paths;
}

RequestObject* as_request(PyObject* self) {
  return reinterpret_cast<RequestObject*>(self);
}

// ---- a request's life
// ----------------------------------------------------------------------------

/// The Context that the request's headers put it into, by the propagators of opentelemetry-api.
Ref extract_context(const RequestObject* request) {
  const ErrorGuard guard;
  PyObject* headers = scope_item(request->scope, keys.headers);
  Ref context(headers ? PyObject_CallOneArg(request->middleware->extract, headers) : nullptr);
  if (!context) PyErr_Clear();
  return context;
}

/// Of a header: bytes that may be anything.
void set_header_text(SpanObject* span, const sdk::AttributeKey& key, std::string_view value) {
  if (value.empty()) return;
  if (base::is_utf8(value)) return set_text(span, key, value);
  set_text(span, key, base::sanitize_utf8(value));
}

std::string_view span_method(const RequestObject* request) {
  if (request->websocket) return "WEBSOCKET";
  return request->method ? method_name(request) : "HTTP";
}

void capture_headers(RequestObject* request, PyObject* headers, bool response) {
  SpanObject* span = as_span(request->span);
  if (!headers || !span || !span->recording) return;
  const ErrorGuard guard;
  PyObject* arguments[] = {request->span, headers, response ? Py_True : Py_False};
  Ref done(PyObject_Vectorcall(request->middleware->capture, arguments, 3, nullptr));
  if (!done) PyErr_Clear();
}

void describe(RequestObject* request, SpanObject* span, const Headers& headers) {
  PyObject* scope = request->scope;
  const std::string_view method = text_of(scope_item(scope, keys.method));
  if (request->websocket) {
    set_text(span, key::kMethod, "GET");  // RFC 6455, 4.1
    set_text(span, key::kProtocolName, "websocket");
  } else {
    set_text(span, key::kMethod, method_text(request->method));
  }
  if (request->method == 0 && !request->websocket) set_text(span, key::kMethodOriginal, method);
  set_text(span, key::kPath, text_of(scope_item(scope, keys.path)));
  set_text(span, key::kScheme, text_of(scope_item(scope, keys.scheme)));
  int port = 0;
  std::string_view host = split_host(headers.host, &port);
  PyObject* server = scope_item(scope, keys.server);
  if (server && (PyTuple_Check(server) || PyList_Check(server)) &&
      PySequence_Fast_GET_SIZE(server) == 2) {
    if (host.empty()) host = text_of(PySequence_Fast_GET_ITEM(server, 0));
    PyObject* number = PySequence_Fast_GET_ITEM(server, 1);
    if (port == 0 && PyLong_Check(number)) port = static_cast<int>(PyLong_AsLong(number));
    if (PyErr_Occurred()) PyErr_Clear();
  }
  set_header_text(span, key::kServerAddress, host);
  if (port > 0) set_int(span, key::kServerPort, port);
  PyObject* client = scope_item(scope, keys.client);
  if (client && (PyTuple_Check(client) || PyList_Check(client)) &&
      PySequence_Fast_GET_SIZE(client) > 0) {
    set_text(span, key::kClientAddress, text_of(PySequence_Fast_GET_ITEM(client, 0)));
  }
  set_header_text(span, key::kUserAgent, headers.user_agent);
  const std::string_view version = text_of(scope_item(scope, keys.http_version));
  if (!version.empty()) set_text(span, key::kProtocolVersion, version);
}

void enter_list(RequestObject* request) {
  HttpMetricsObject* metrics = request->middleware->metrics;
  request->previous = nullptr;
  request->next = metrics->live;
  if (metrics->live) metrics->live->previous = request;
  metrics->live = request;
  request->listed = true;
}

void leave_list(RequestObject* request) {
  if (!request->listed) return;
  request->listed = false;
  if (request->previous) {
    request->previous->next = request->next;
  } else {
    request->middleware->metrics->live = request->next;
  }
  if (request->next) request->next->previous = request->previous;
}

/// The name of the span until the route is known.
PyObject* first_name(const RequestObject* request) {
  static PyObject* names[17];
  PyObject*& name = names[request->websocket ? 16 : request->method];
  if (!name) {
    const std::string_view method = span_method(request);
    name = PyUnicode_FromStringAndSize(method.data(), static_cast<Py_ssize_t>(method.size()));
  }
  return name;
}

/// Starts the span and makes it current.
void start_request_span(RequestObject* request) {
  MiddlewareObject* middleware = request->middleware;
  const Headers headers = read_headers(request->scope);
  Ref context(current_context());
  Parent parent;
  Ref kept;
  const bool plain = middleware->only_traceparent == Py_True && !headers.others;
  if (!plain) {
    if (Ref extracted = extract_context(request)) context = std::move(extracted);
    parent = parent_of(context.get(), &kept);
  } else if (headers.traceparent.empty() || !parse_traceparent(headers.traceparent, &parent)) {
    parent = parent_of(context.get(), &kept);
  }
  SpanObject* span =
      start_span(middleware->tracer, first_name(request), parent, 2, 0, {}, context.get());
  if (!span) return PyErr_Clear();
  request->span = as_object(span);
  if (span->recording) {
    describe(request, span, headers);
    if (middleware->capture != Py_None) {
      capture_headers(request, scope_item(request->scope, keys.headers), false);
    }
  }
  request->current.enter(context.get(), request->span);
}

/// Whatever goes wrong here, the request goes on without.
void start_observing(RequestObject* request) {
  MiddlewareObject* middleware = request->middleware;
  request->started_ns = sdk::monotonic_now();
  request->method = method_index(text_of(scope_item(request->scope, keys.method)));
  request->root_path = Py_XNewRef(scope_item(request->scope, keys.root_path));
  if (PyDict_SetItem(request->scope, keys.marker, Py_True) < 0) PyErr_Clear();
  if (middleware->shares_fastapi == Py_True && !scope_item(request->scope, keys.fastapi)) {
    // FastAPI writes the route into this dict, and a copy of the scope that a middleware may make
    // shares it.
    Ref shared(PyDict_New());
    if (!shared || PyDict_SetItem(request->scope, keys.fastapi, shared.get()) < 0) PyErr_Clear();
  }
  request->live = true;
  if (!request->websocket) enter_list(request);
  if (middleware->tracer) start_request_span(request);
}

std::string final_route(RequestObject* request) {
  std::string route = route_of(request);
  PyObject* find = request->middleware->find_route;
  if (!route.empty() || request->status == 404 || find == Py_None) return route;
  // A middleware of the application works on a copy of the scope: ask the router itself.
  const ErrorGuard guard;
  Ref found(PyObject_CallOneArg(find, request->scope));
  if (found && PyUnicode_Check(found.get())) route = text_of(found.get());
  PyErr_Clear();
  return route;
}

/// What the span is named by and the metrics are labelled with. `is_template`: it is a route's.
std::string path_label(RequestObject* request, bool* is_template) {
  std::string route = final_route(request);
  *is_template = !route.empty();
  if (*is_template) return route;
  // Without routes to name the path itself must do; what is not there makes no label of its own.
  const bool nowhere = request->status == 404 || request->status == 405;
  if (request->middleware->find_route != Py_None || nowhere) return std::string(kUnmatched);
  return path_normalizer().normalize(text_of(scope_item(request->scope, keys.path)));
}

/// "GET /orders/{id}"; null with an exception set when memory is short.
PyObject* make_name(const RequestObject* request, const std::string& path) {
  const std::string name = std::string(span_method(request)) + ' ' + path;
  return PyUnicode_DecodeUTF8(name.data(), static_cast<Py_ssize_t>(name.size()), "replace");
}

/// `kept`: where the name of all requests like this one is, or null.
void name_span(RequestObject* request, SpanObject* span, const std::string& path, bool is_template,
               Ref* kept) {
  if (request->status) set_int(span, key::kStatusCode, request->status);
  if (is_template) set_text(span, key::kRoute, path);
  if (path == kUnmatched) return;
  Ref made;
  Ref& name = kept ? *kept : made;
  if (!name) name = Ref(make_name(request, path));
  if (name) {
    Py_SETREF(span->name, Py_NewRef(name.get()));
  } else {
    PyErr_Clear();
  }
}

/// The answer is complete, or will never be: the metrics, and what the span says of it. `failure`:
/// the exception it failed with, or null.
void complete(RequestObject* request, PyObject* failure) {
  if (!request->live) return;
  request->live = false;
  const int64_t now = sdk::monotonic_now();
  leave_list(request);
  if (request->status == 0 && !request->websocket) request->status = 500;
  bool is_template = false;
  const std::string path = path_label(request, &is_template);
  Ref* name = nullptr;
  if (!request->websocket) {
    // An answer that broke off is no success, whatever its first line said.
    const int status = failure && request->status < 500 ? 500 : request->status;
    const std::string type = failure ? exception_type(failure) : "";
    name = &count_request(
                request->middleware->metrics,
                {method_name(request), path, text_of(scope_item(request->scope, keys.scheme)), type,
                 status, is_template},
                static_cast<double>(now - request->started_ns) / 1e9)
                .span_name;
  }
  SpanObject* span = as_span(request->span);
  if (!span || !span->recording) return;
  request->ended_ns = sdk::wall_now(span->clock_offset);
  name_span(request, span, path, is_template, name);
}

/// `gone`: the exception says that the client went away. `broken_off`: so does the missing end.
void close_span(RequestObject* request, PyObject* exception, bool gone, bool broken_off) {
  SpanObject* span = as_span(request->span);
  if (!span || !span->recording) return;
  if (exception) {
    set_text(span, key::kErrorType, exception_type(exception));
  } else if (request->status >= 500) {
    set_text(span, key::kErrorType, std::to_string(request->status));
  } else if (broken_off) {
    set_text(span, key::kErrorType, "client_disconnect");
  }
  if (exception && !gone) {
    record_exception(span, exception, nullptr, 0, true);
    set_error(span, exception);
  } else if (request->status >= 500) {
    set_status(span, 2, nullptr);
  }
  end_span(span, request->ended_ns);
}

/// Cancelled, or what Starlette makes of a connection that was closed: nobody's fault.
bool is_client_gone(PyObject* exception) {
  if (!PyErr_GivenExceptionMatches(exception, PyExc_Exception)) return true;
  const std::string_view name = _PyType_Name(Py_TYPE(exception));
  return name == "ClientDisconnect" || name == "WebSocketDisconnect";
}

/// The application's coroutine is over. `exception`: what it raised, or null.
void finish(RequestObject* request, PyObject* exception) {
  request->current.leave();
  if (request->begun) {
    const bool gone = exception && is_client_gone(exception);
    const bool broken_off = request->live && request->status && !request->websocket;
    if (exception && request->status == 0) request->status = gone ? kClientGone : 500;
    complete(request, gone ? nullptr : exception);
    // A websocket that its client has left is no error and needs no type of one.
    PyObject* told = gone && request->websocket ? nullptr : exception;
    close_span(request, told, gone, broken_off);
  }
  // The coroutine's frame holds us as its `send`: this is where that ring is opened.
  Py_CLEAR(request->inner);
}

/// finish() with the exception that is being raised, which stays raised.
void finish_raised(RequestObject* request) {
  const Raised raised;
  finish(request, raised.value());
}

int status_of(PyObject* message) {
  PyObject* status = scope_item(message, keys.status);
  const long number = status && PyLong_Check(status) ? PyLong_AsLong(status) : 0;
  if (PyErr_Occurred()) PyErr_Clear();
  return number >= 100 && number < 1000 ? static_cast<int>(number) : 500;
}

bool has_more(PyObject* message) {
  PyObject* more = scope_item(message, keys.more_body);
  const int truth = more ? PyObject_IsTrue(more) : 0;
  if (truth < 0) PyErr_Clear();
  return truth > 0;
}

/// The answer is complete. Background tasks still run in this coroutine and do not count; after an
/// error it may still be raised.
void answered(RequestObject* request) {
  complete(request, nullptr);
  if (request->status < 500) close_span(request, nullptr, false, false);
}

void look_at_websocket(RequestObject* request, PyObject* message, std::string_view type) {
  if (type == "websocket.accept") {
    request->status = 101;
  } else if (type == "websocket.close") {
    // Before it is accepted, the server answers 403 for it.
    if (request->status == 0) request->status = 403;
    PyObject* code = scope_item(message, keys.code);
    const bool failed = code && PyLong_Check(code) && PyLong_AsLong(code) == 1011;
    if (PyErr_Occurred()) PyErr_Clear();
    if (!failed) answered(request);
  } else if (type == "websocket.http.response.start") {
    request->status = status_of(message);
  } else if (type == "websocket.http.response.body" && !has_more(message)) {
    answered(request);
  }
}

/// What `send` tells: the status, and the end of the answer.
void look_at(RequestObject* request, PyObject* message) {
  if (!PyDict_Check(message)) return;
  PyObject* type = scope_item(message, keys.type);
  if (!type || !PyUnicode_Check(type)) return;
  if (request->websocket) return look_at_websocket(request, message, text_of(type));
  const auto is = [type](PyObject* key) {
    return type == key || PyUnicode_Compare(type, key) == 0;
  };
  if (is(keys.response_start)) {
    request->status = status_of(message);
    if (request->middleware->capture != Py_None) {
      capture_headers(request, scope_item(message, keys.headers), true);
    }
  } else if (is(keys.response_body) && !has_more(message)) {
    answered(request);
  }
}

// ---- the request as an awaitable and as `send`
// ---------------------------------------------------

PyObject* request_vectorcall(PyObject* self, PyObject* const* args, size_t nargsf,
                             PyObject* kwnames) {
  RequestObject* request = as_request(self);
  if (!request->send) {
    PyErr_SetString(PyExc_RuntimeError, "send() was called after the request had ended");
    return nullptr;
  }
  if (PyVectorcall_NARGS(nargsf) == 1 && request->live) look_at(request, args[0]);
  return PyObject_Vectorcall(request->send, args, nargsf & ~PY_VECTORCALL_ARGUMENTS_OFFSET,
                             kwnames);
}

bool start_inner(RequestObject* request) {
  request->begun = true;
  start_observing(request);
  PyObject* arguments[] = {request->scope, request->receive, reinterpret_cast<PyObject*>(request)};
  Ref made(PyObject_Vectorcall(request->middleware->app, arguments, 3, nullptr));
  if (!made) return false;
  request->inner =
      driven(std::move(made), request_type, "the ASGI app returned %.100s, which cannot be awaited")
          .release();
  return request->inner != nullptr;
}

PySendResult request_am_send(PyObject* self, PyObject* argument, PyObject** result) {
  RequestObject* request = as_request(self);
  *result = nullptr;
  if (!request->inner) {
    if (request->begun) {
      PyErr_SetString(PyExc_RuntimeError, "cannot reuse already awaited coroutine");
      return PYGEN_ERROR;
    }
    if (!start_inner(request)) {
      finish_raised(request);
      return PYGEN_ERROR;
    }
  }
  const Ref kept = Ref::borrow(request->inner);
  const PySendResult outcome = PyIter_Send(kept.get(), argument, result);
  if (outcome == PYGEN_RETURN) {
    finish(request, nullptr);
  } else if (outcome == PYGEN_ERROR) {
    finish_raised(request);
  }
  return outcome;
}

PyObject* request_send(PyObject* self, PyObject* argument) {
  PyObject* result;
  const PySendResult outcome = request_am_send(self, argument, &result);
  return outcome == PYGEN_RETURN ? raise_stop(result) : result;
}

PyObject* request_next(PyObject* self) {
  return request_send(self, Py_None);
}

PyObject* request_throw(PyObject* self, PyObject* args) {
  RequestObject* request = as_request(self);
  if (!request->inner) {
    // Never started, or over: the exception comes straight back.
    PyObject *type, *value = nullptr, *traceback = nullptr;
    if (!PyArg_UnpackTuple(args, "throw", 1, 3, &type, &value, &traceback)) return nullptr;
    request->begun = true;
    if (PyExceptionInstance_Check(type)) {
      PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(type)), type);
    } else {
      PyErr_SetObject(type, value);
    }
    return nullptr;
  }
  const Ref inner = Ref::borrow(request->inner);
  Ref method(PyObject_GetAttrString(inner.get(), "throw"));
  if (!method) return nullptr;
  PyObject* result = PyObject_CallObject(method.get(), args);
  if (result) return result;
  if (PyErr_ExceptionMatches(PyExc_StopIteration)) {
    const ErrorGuard guard;
    finish(request, nullptr);
  } else {
    finish_raised(request);
  }
  return nullptr;
}

PyObject* request_close(PyObject* self, PyObject*) {
  RequestObject* request = as_request(self);
  const Ref inner = Ref::borrow(request->inner);
  request->begun = true;
  if (!inner) return none();
  Ref closed(PyObject_CallMethod(inner.get(), "close", nullptr));
  if (!closed) {
    finish_raised(request);
    return nullptr;
  }
  Ref gone(PyObject_CallNoArgs(PyExc_GeneratorExit));
  finish(request, gone.get());
  return none();
}

PyObject* request_await(PyObject* self) {
  return Py_NewRef(self);
}

/// The chain of awaits goes on behind us: Task.print_stack() and debuggers follow these.
PyObject* get_cr_await(PyObject* self, void*) {
  PyObject* inner = as_request(self)->inner;
  return Py_NewRef(inner ? inner : Py_None);
}
PyObject* get_of_inner(PyObject* self, void* name) {
  return inner_attribute(as_request(self)->inner, static_cast<const char*>(name));
}
PyObject* get_cr_running(PyObject* self, void*) {
  const Ref running(inner_attribute(as_request(self)->inner, "cr_running"));
  return PyBool_FromLong(running.get() == Py_True);
}

int request_traverse(PyObject* self, visitproc visit, void* arg) {
  RequestObject* request = as_request(self);
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(reinterpret_cast<PyObject*>(request->middleware));
  Py_VISIT(request->scope);
  Py_VISIT(request->receive);
  Py_VISIT(request->send);
  Py_VISIT(request->inner);
  return 0;
}

int request_clear(PyObject* self) {
  RequestObject* request = as_request(self);
  Py_CLEAR(request->inner);
  Py_CLEAR(request->scope);
  Py_CLEAR(request->receive);
  Py_CLEAR(request->send);
  return 0;
}

void request_dealloc(PyObject* self) {
  PyObject_GC_UnTrack(self);
  RequestObject* request = as_request(self);
  if (request->live) {
    // Thrown away half done, without a close().
    const ErrorGuard guard;
    Ref current(request->current.entered() ? current_context() : nullptr);
    if (current && span_of_context(current.get()) == request->span) request->current.leave();
    PyErr_Clear();
    const bool broken_off = request->status && !request->websocket;
    request->status = request->status ? request->status : kClientGone;
    complete(request, nullptr);
    close_span(request, nullptr, true, broken_off);
  }
  request_clear(self);
  Py_CLEAR(request->span);
  request->current.forget();
  Py_CLEAR(request->root_path);
  Py_DECREF(reinterpret_cast<PyObject*>(request->middleware));
  PyTypeObject* type = Py_TYPE(self);
  if (!free_requests.give(request)) PyObject_GC_Del(self);
  Py_DECREF(type);
}

PyMethodDef request_methods[] = {
    {"send", request_send, METH_O, nullptr},
    {"throw", request_throw, METH_VARARGS, nullptr},
    {"close", request_close, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};
PyGetSetDef request_properties[] = {
    {"cr_await", get_cr_await, nullptr, nullptr, nullptr},
    {"cr_frame", get_of_inner, nullptr, nullptr, const_cast<char*>("cr_frame")},
    {"cr_running", get_cr_running, nullptr, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};
PyMemberDef request_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(RequestObject, call), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};
PyType_Slot request_slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(request_dealloc)},
    {Py_tp_traverse, reinterpret_cast<void*>(request_traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(request_clear)},
    {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
    {Py_tp_iter, reinterpret_cast<void*>(PyObject_SelfIter)},
    {Py_tp_iternext, reinterpret_cast<void*>(request_next)},
    {Py_am_await, reinterpret_cast<void*>(request_await)},
    {Py_am_send, reinterpret_cast<void*>(request_am_send)},
    {Py_tp_methods, request_methods},
    {Py_tp_getset, request_properties},
    {Py_tp_members, request_members},
    {0, nullptr},
};
PyType_Spec request_spec = {"vedette._native.AsgiRequest", sizeof(RequestObject), 0,
                            Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL |
                                Py_TPFLAGS_DISALLOW_INSTANTIATION,
                            request_slots};

}  // namespace

PyObject* new_request(MiddlewareObject* middleware, PyObject* const* args, bool websocket) {
  RequestObject* request = free_requests.take(request_type);
  if (!request) request = PyObject_GC_New(RequestObject, request_type);
  if (!request) return nullptr;
  std::memset(reinterpret_cast<char*>(request) + sizeof(PyObject), 0,
              sizeof(RequestObject) - sizeof(PyObject));
  request->call = request_vectorcall;
  request->websocket = websocket;
  request->middleware =
      reinterpret_cast<MiddlewareObject*>(Py_NewRef(reinterpret_cast<PyObject*>(middleware)));
  request->scope = Py_NewRef(args[0]);
  request->receive = Py_NewRef(args[1]);
  request->send = Py_NewRef(args[2]);
  PyObject_GC_Track(reinterpret_cast<PyObject*>(request));
  return reinterpret_cast<PyObject*>(request);
}

bool add_request_type(PyObject* module) {
  if (!keys.load()) return false;
  request_type = add_type(module, &request_spec);
  return request_type != nullptr;
}

}  // namespace vedette::native
