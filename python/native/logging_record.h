// A record of the logging module as an OTLP LogRecord, and what records, loggers and handlers of
// that module hold, read without running Python code.
#pragma once

#include <array>
#include <span>

#include "log_api.h"

namespace vedette::native {

/// What a record says. References are borrowed; null: it has none.
struct LoggedRecord {
  uint64_t created_ns = 0;
  long level = 0;
  PyObject* level_name = nullptr;  // a str
  PyObject* message = nullptr;     // whole; else made of `msg` and `args`
  PyObject* msg = nullptr;
  PyObject* args = nullptr;
  PyObject* path = nullptr;      // a str
  PyObject* function = nullptr;  // a str
  PyObject* line = nullptr;
  PyObject* exc_info = nullptr;  // a tuple of three, or anything else for none
};
using Extra = std::pair<Ref, Ref>;  // a str and its value

/// Under the current span's ids. Never raises; may run Python code for the values.
void write_logged_record(sdk::ProtoBuffer& out, const LoggedRecord& record,
                         std::span<const Extra> extras, const LogLimits& limits);

/// Reads a dict once: values of known names, borrowed, to their place, others to visit(key, value).
/// Quick where the dict has them in the order of `names` (interned).
template <size_t kCount, typename Visit>
void read_known(PyObject* dict, const std::array<PyObject*, kCount>& names,
                std::array<PyObject*, kCount>* values, Visit visit) {
  PyObject *key, *value;
  Py_ssize_t at = 0;
  size_t expected = 0;
  while (PyDict_Next(dict, &at, &key, &value)) {
    size_t found = expected;
    if (expected == kCount || key != names[expected]) {
      found = 0;
      while (found < kCount && key != names[found]) ++found;
    }
    if (found < kCount) {
      (*values)[found] = value;
      expected = found + 1;
    } else {
      visit(key, value);
    }
  }
}

}  // namespace vedette::native
