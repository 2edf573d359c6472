// vedette._native.Observed: a function or method of a library with a client span around each call.
//
// It stands where the original stood, binds like a method and adds no Python frame. Where the
// original is a coroutine function, a call answers an awaitable that drives the original's
// coroutine; it has all a coroutine has, so tasks can be made of it.
#pragma once

#include "client_span.h"
#include "python.h"

namespace vedette::native {

struct ObservedObject;

/// A call's arguments.
struct Call {
  PyObject* const* args;
  Py_ssize_t count;    // by position
  PyObject* keywords;  // names of those that follow; or null

  PyObject* positional(Py_ssize_t i) const { return i < count ? args[i] : nullptr; }
  /// By position or by name; borrowed, null when it was not given.
  PyObject* get(Py_ssize_t i, const char* name) const;
};

/// What is known of a kind of calls.
struct CallKind {
  const char* name;
  /// Starts the span and describes the call. False: the call is not observed.
  bool (*begin)(ObservedObject*, const Call&, ClientSpan*);
  /// Looks at what came of it, and ends the span.
  void (*finish)(ObservedObject*, ClientSpan*, PyObject* result);
  /// The same for a call that raised.
  void (*failed)(ObservedObject*, ClientSpan*, PyObject* exception);
};

struct ObservedObject {
  PyObject_HEAD vectorcallfunc call;
  const CallKind* kind;
  Source* source;
  PyObject* original;
  PyObject* helper;  // what the kind needs of Python, or None
  PyObject* cache;   // a dict
  bool awaits;
};

/// "http.httpx", "http.requests"
const CallKind* http_kind(std::string_view name);
/// "db.dialect" and its kin, "db.driver", "db.method"
const CallKind* db_kind(std::string_view name);
PyObject* py_describe_sql(PyObject* self, PyObject* args);

bool add_observed_types(PyObject* module);

}  // namespace vedette::native
