// What is known of classes, found out once for each and again when it has changed: CPython gives a
// class a new version with every change to it or to a class above it.
#pragma once

#include <array>

#include "python.h"

namespace vedette::native {

class TypeFacts {
 public:
  /// find(type) looks attributes of the class up, by which the class gets its version.
  template <typename Find>
  int of(PyTypeObject* type, Find find) {
    unsigned version = version_of(type);
    if (version && slots_[version % kSlots].version == version) {
      return slots_[version % kSlots].fact;
    }
    const int fact = find(type);
    version = version_of(type);
    if (version) slots_[version % kSlots] = {version, fact};
    return fact;
  }

 private:
  static constexpr size_t kSlots = 16;
  struct Slot {
    unsigned version = 0;
    int fact = 0;
  };

  /// 0: none.
  static unsigned version_of(PyTypeObject* type) {
#if PY_VERSION_HEX < 0x030C0000
    if (!PyType_HasFeature(type, Py_TPFLAGS_VALID_VERSION_TAG)) return 0;
#endif
    return type->tp_version_tag;
  }

  std::array<Slot, kSlots> slots_;
};

}  // namespace vedette::native
