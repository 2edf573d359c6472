// Makes a span the current one, and the former one current again.
#pragma once

#include "otel_api.h"

namespace vedette::native {

/// One stay of a span in the current Context. A plain part of other objects: whoever has it calls
/// leave() or forget() before it goes.
class CurrentSpan {
 public:
  /// Makes a Context like `base` but with `span` current; `hidden`, if not null, is set to True
  /// in it. False when that fails: nothing has changed, and no exception is set.
  bool enter(PyObject* base, PyObject* span, PyObject* hidden = nullptr);
  /// Makes the former Context current again. Silent where this one was entered in another
  /// (a generator closed elsewhere). Does nothing when nothing was entered.
  void leave();
  /// Gives up what it holds and leaves the current Context as it is.
  void forget();
  bool entered() const { return token_ != nullptr; }

 private:
  PyObject* context_ = nullptr;
  PyObject* token_ = nullptr;
};

}  // namespace vedette::native
