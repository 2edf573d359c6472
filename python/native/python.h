// The Python C API, and the few helpers every file here needs. All of it runs under the GIL.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <string>
#include <string_view>
#include <utility>

namespace vedette::native {

/// An owned reference.
class Ref {
 public:
  Ref() = default;
  explicit Ref(PyObject* owned) : object_(owned) {}
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Ref& operator=(Ref&& other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Ref() { Py_XDECREF(object_); }
  static Ref borrow(PyObject* object) { return Ref(Py_XNewRef(object)); }

  PyObject* get() const { return object_; }
  PyObject* release() { return std::exchange(object_, nullptr); }
  explicit operator bool() const { return object_ != nullptr; }

 private:
  PyObject* object_ = nullptr;
};

/// Keeps the exception that is being raised while other Python code runs.
class ErrorGuard {
 public:
  ErrorGuard() { PyErr_Fetch(&type_, &value_, &traceback_); }
  ~ErrorGuard() { PyErr_Restore(type_, value_, traceback_); }
  ErrorGuard(const ErrorGuard&) = delete;
  ErrorGuard& operator=(const ErrorGuard&) = delete;

 private:
  PyObject* type_;
  PyObject* value_;
  PyObject* traceback_;
};

/// Objects of one type, kept for the next one: a span and its context manager cost no allocation.
template <typename T, int kKept>
class FreeList {
 public:
  T* take(PyTypeObject* type) {
    if (count_ == 0) return nullptr;
    T* object = kept_[--count_];
    PyObject_Init(reinterpret_cast<PyObject*>(object), type);
    return object;
  }
  bool give(T* object) {
    if (count_ == kKept) return false;
    kept_[count_++] = object;
    return true;
  }

 private:
  T* kept_[kKept];
  int count_ = 0;
};

/// Arguments of a METH_FASTCALL | METH_KEYWORDS call, sorted into `out` by `names` (null: not
/// given, borrowed otherwise). False with TypeError set when they do not fit.
struct Signature {
  const char* function;
  const char* const* names;
  int count;
  int required;
  int positional;  // how many may be given by position
};
bool bind(const Signature& signature, PyObject* const* args, Py_ssize_t nargs, PyObject* kwnames,
          PyObject** out);

/// UTF-8 of a str. Lone surrogates come out as "?". Lives as long as the str and this object.
class Utf8 {
 public:
  explicit Utf8(PyObject* str) {
    if (PyUnicode_IS_COMPACT_ASCII(str)) {
      view_ = {static_cast<const char*>(PyUnicode_DATA(str)),
               static_cast<size_t>(PyUnicode_GET_LENGTH(str))};
    } else {
      encode(str);
    }
  }
  std::string_view view() const { return view_; }
  /// It is not in the str itself.
  bool is_copy() const { return static_cast<bool>(encoded_); }

 private:
  void encode(PyObject* str);

  std::string_view view_;
  Ref encoded_;
};

/// str(object), or a word about the exception that str() raised. Never fails.
std::string safe_str(PyObject* object);

/// Calls visit(item) for each item until it answers false, for at most `count_max` items. What
/// raises on the way ends it silently: an iterable may be endless, or fail.
template <typename Visit>
void each(PyObject* iterable, size_t count_max, Visit visit) {
  Ref iterator(PyObject_GetIter(iterable));
  for (size_t i = 0; iterator && i < count_max; ++i) {
    Ref item(PyIter_Next(iterator.get()));
    if (!item || !visit(item.get())) break;
  }
  PyErr_Clear();
}

/// At most one warning a cause, through Python's logging, logger "vedette".
void warn_once(const char* message);

/// vedette.sdk.trace._readable.<function>(object), for what only the curious ask a span for.
PyObject* call_face(const char* function, PyObject* object);

/// Logs the exception that is set, through Python's logging, logger "vedette", and clears it. For
/// what the application's own code raised where it must not reach the application.
void report_exception(const char* what);

/// An attribute; null, with no exception set, when there is none, reading it raises, or `object` is
/// null.
Ref field(PyObject* object, const char* name);

/// False for null, or when bool() fails.
bool is_false(PyObject* value);

/// Adds a heap type to the module; null with an exception set when it fails.
PyTypeObject* add_type(PyObject* module, PyType_Spec* spec, PyObject* bases = nullptr);

inline PyObject* none() {
  return Py_NewRef(Py_None);
}

}  // namespace vedette::native
