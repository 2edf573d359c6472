// What the objects have in common that stand around a coroutine of the application and drive it:
// they are awaited in its stead (PEP 492) and see how it ends. Under the GIL.
#pragma once

#include "python.h"

namespace vedette::native {

/// What is driven for an awaitable: itself where it is a coroutine or of the type `own`, else what
/// its __await__ gives. Null with an exception set; `complaint` is the TypeError's, with %.100s for
/// the type.
Ref driven(Ref awaitable, PyTypeObject* own, const char* complaint);

/// StopIteration(value), as send() of a coroutine ends. Takes the reference; null.
PyObject* raise_stop(PyObject* value);

/// The exception that is being raised, out of the way while this lives, raised again afterwards.
class Raised {
 public:
  Raised();
  ~Raised();
  Raised(const Raised&) = delete;
  Raised& operator=(const Raised&) = delete;
  /// With its traceback; borrowed.
  PyObject* value() const { return value_; }

 private:
  PyObject* type_;
  PyObject* value_;
  PyObject* traceback_;
};

/// The attribute of a coroutine, or None.
PyObject* inner_attribute(PyObject* inner, const char* name);

}  // namespace vedette::native
