#include "current_span.h"

namespace vedette::native {
namespace {

/// Contexts with nothing but a span in them that nobody has any more: one costs as much to make as
/// all else that making a span current takes.
class SpareContexts {
 public:
  PyObject* take() { return count_ ? kept_[--count_] : nullptr; }

  void give(PyObject* context) {
    Ref kept(context);
    const bool only_ours = Py_REFCNT(context) == 1 && Py_TYPE(context) == otel.context &&
                           PyDict_GET_SIZE(context) == 1 && span_of_context(context);
    if (!only_ours) return;
    // The span's end may run code that comes by here.
    if (PyDict_SetItem(context, otel.span_key, Py_None) < 0) return PyErr_Clear();
    if (count_ < kKept) kept_[count_++] = kept.release();
  }

 private:
  static constexpr int kKept = 16;
  PyObject* kept_[kKept];
  int count_ = 0;
};

SpareContexts spares;

/// Whether a Context has something else than a span.
bool has_more(PyObject* context) {
  if (!context || !PyDict_Check(context)) return false;
  const Py_ssize_t size = PyDict_GET_SIZE(context);
  return size > 1 || (size == 1 && !span_of_context(context));
}

Ref context_with_span(PyObject* base, PyObject* span) {
  static PyObject* no_arguments = PyTuple_New(0);
  const bool more = has_more(base);
  Ref made(more ? nullptr : spares.take());
  if (!made) made = Ref(otel.context->tp_new(otel.context, no_arguments, nullptr));
  // A Context refuses to be changed; this one is not anybody's yet.
  if (!made || (more && PyDict_Update(made.get(), base) < 0) ||
      PyDict_SetItem(made.get(), otel.span_key, span) < 0) {
    return Ref();
  }
  return made;
}

PyObject* attach(PyObject* context) {
  if (otel.context_var) return PyContextVar_Set(otel.context_var, context);
  return PyObject_CallOneArg(otel.attach, context);
}

void detach(PyObject* token) {
  if (otel.context_var) {
    if (PyContextVar_Reset(otel.context_var, token) < 0) PyErr_Clear();
    return;
  }
  Ref done(PyObject_CallOneArg(otel.detach, token));
  if (!done) PyErr_Clear();
}

}  // namespace

bool CurrentSpan::enter(PyObject* base, PyObject* span, PyObject* hidden) {
  Ref context(context_with_span(base, span));
  if (context && hidden && PyDict_SetItem(context.get(), hidden, Py_True) < 0) PyErr_Clear();
  token_ = context ? attach(context.get()) : nullptr;
  if (!token_) {
    PyErr_Clear();
    return false;
  }
  context_ = context.release();
  return true;
}

void CurrentSpan::leave() {
  if (!token_) return;
  // What detaching runs may end up here again.
  PyObject* context = std::exchange(context_, nullptr);
  const Ref token(std::exchange(token_, nullptr));
  detach(token.get());
  spares.give(context);
}

void CurrentSpan::forget() {
  Py_CLEAR(token_);
  Py_CLEAR(context_);
}

}  // namespace vedette::native
