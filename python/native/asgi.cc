#include "asgi.h"

#include <structmember.h>

#include "asgi_scope.h"

namespace vedette::native {
namespace {

PyTypeObject* middleware_type;

MiddlewareObject* as_middleware(PyObject* self) {
  return reinterpret_cast<MiddlewareObject*>(self);
}

bool is_excluded(const MiddlewareObject* middleware, PyObject* scope) {
  PyObject* path = scope_item(scope, keys.path);
  if (!path) return false;
  const int found = PySet_Contains(middleware->excluded, path);
  if (found < 0) PyErr_Clear();
  if (found > 0 || middleware->skips == Py_None) return found > 0;
  Ref skipped(PyObject_CallOneArg(middleware->skips, scope));
  if (!skipped) PyErr_Clear();
  return skipped.get() == Py_True;
}

/// middleware(scope, receive, send)
PyObject* middleware_vectorcall(PyObject* self, PyObject* const* args, size_t nargsf,
                                PyObject* kwnames) {
  MiddlewareObject* middleware = as_middleware(self);
  static const char* const names[] = {"scope", "receive", "send"};
  PyObject* given[3];
  if (!bind({"AsgiMiddleware", names, 3, 3, 3}, args, PyVectorcall_NARGS(nargsf), kwnames, given)) {
    return nullptr;
  }
  PyObject* type = scope_item(given[0], keys.type);
  if (type && PyUnicode_Check(type)) {
    const bool http = PyUnicode_Compare(type, keys.http) == 0;
    if (http || (middleware->tracer && PyUnicode_Compare(type, keys.websocket) == 0)) {
      if (!scope_item(given[0], keys.marker) && !is_excluded(middleware, given[0])) {
        return new_request(middleware, given, !http);
      }
    } else if (PyUnicode_Compare(type, keys.lifespan) == 0) {
      PyObject* with_app[] = {middleware->app, given[0], given[1], given[2]};
      return PyObject_Vectorcall(middleware->lifespan, with_app, 4, nullptr);
    }
  }
  return PyObject_Vectorcall(middleware->app, given, 3, nullptr);
}

/// AsgiMiddleware(app, tracer or None, metrics, excluded, extract, only_traceparent, find_route,
/// shares_fastapi, lifespan, skips, capture)
PyObject* middleware_new(PyTypeObject* type, PyObject* args, PyObject*) {
  PyObject *app, *tracer, *metrics, *excluded, *extract, *only, *find_route, *shares, *lifespan,
      *skips, *capture;
  if (!PyArg_ParseTuple(args, "OOO!O!OOOOOOO", &app, &tracer, http_metrics_type, &metrics,
                        &PySet_Type, &excluded, &extract, &only, &find_route, &shares, &lifespan,
                        &skips, &capture)) {
    return nullptr;
  }
  if (tracer != Py_None && Py_TYPE(tracer) != tracer_type) {
    PyErr_SetString(PyExc_TypeError, "not a native tracer");
    return nullptr;
  }
  auto* self = reinterpret_cast<MiddlewareObject*>(type->tp_alloc(type, 0));
  if (!self) return nullptr;
  self->call = middleware_vectorcall;
  self->app = Py_NewRef(app);
  self->tracer = tracer == Py_None ? nullptr : reinterpret_cast<TracerObject*>(Py_NewRef(tracer));
  self->metrics = reinterpret_cast<HttpMetricsObject*>(Py_NewRef(metrics));
  self->excluded = Py_NewRef(excluded);
  self->extract = Py_NewRef(extract);
  self->only_traceparent = Py_NewRef(only);
  self->find_route = Py_NewRef(find_route);
  self->shares_fastapi = Py_NewRef(shares);
  self->lifespan = Py_NewRef(lifespan);
  self->skips = Py_NewRef(skips);
  self->capture = Py_NewRef(capture);
  return reinterpret_cast<PyObject*>(self);
}

int middleware_traverse(PyObject* self, visitproc visit, void* arg) {
  MiddlewareObject* middleware = as_middleware(self);
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(middleware->app);
  Py_VISIT(middleware->extract);
  Py_VISIT(middleware->find_route);
  Py_VISIT(middleware->lifespan);
  Py_VISIT(middleware->skips);
  Py_VISIT(middleware->capture);
  return 0;
}

int middleware_clear(PyObject* self) {
  MiddlewareObject* middleware = as_middleware(self);
  Py_CLEAR(middleware->app);
  Py_CLEAR(middleware->extract);
  Py_CLEAR(middleware->find_route);
  Py_CLEAR(middleware->lifespan);
  Py_CLEAR(middleware->skips);
  Py_CLEAR(middleware->capture);
  return 0;
}

void middleware_dealloc(PyObject* self) {
  PyObject_GC_UnTrack(self);
  middleware_clear(self);
  MiddlewareObject* middleware = as_middleware(self);
  Py_XDECREF(reinterpret_cast<PyObject*>(middleware->tracer));
  Py_XDECREF(reinterpret_cast<PyObject*>(middleware->metrics));
  Py_XDECREF(middleware->excluded);
  Py_XDECREF(middleware->only_traceparent);
  Py_XDECREF(middleware->shares_fastapi);
  PyTypeObject* type = Py_TYPE(self);
  type->tp_free(self);
  Py_DECREF(type);
}

PyMemberDef middleware_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(MiddlewareObject, call), READONLY, nullptr},
    {"app", T_OBJECT, offsetof(MiddlewareObject, app), READONLY, "The app inside."},
    {"excluded", T_OBJECT, offsetof(MiddlewareObject, excluded), READONLY,
     "Paths that are not observed; a set that may be added to."},
    {nullptr, 0, 0, 0, nullptr},
};
PyType_Slot middleware_slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(middleware_new)},
    {Py_tp_dealloc, reinterpret_cast<void*>(middleware_dealloc)},
    {Py_tp_traverse, reinterpret_cast<void*>(middleware_traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(middleware_clear)},
    {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
    {Py_tp_members, middleware_members},
    {0, nullptr},
};
PyType_Spec middleware_spec = {"vedette._native.AsgiMiddleware", sizeof(MiddlewareObject), 0,
                               Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL,
                               middleware_slots};

}  // namespace

bool add_asgi_types(PyObject* module) {
  if (!add_request_type(module)) return false;
  middleware_type = add_type(module, &middleware_spec);
  return middleware_type != nullptr;
}

}  // namespace vedette::native
