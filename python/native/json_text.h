// Python values as JSON text (RFC 8259), in the form that json.dumps() gives: ", " and ": " between
// things, floats as repr() has them. Different on purpose: text beyond ASCII stays UTF-8, and what
// is no JSON (NaN, infinities) becomes null. Never fails: what cannot be a value is written by the
// fallback, or by repr(), or as a word that says why not.
#pragma once

#include "python.h"
#include "sdk/proto_buffer.h"

namespace vedette::native {

class JsonText {
 public:
  /// `fallback` (null: none) makes something writable of a value of another type.
  JsonText(sdk::ProtoBuffer& out, PyObject* fallback) : out_(out), fallback_(fallback) {}

  void raw(std::string_view text) { out_.raw(text); }
  void string(std::string_view utf8);
  void value(PyObject* value, int depth = 0);
  /// A key of an object: strings as they are, other scalars as json.dumps() names them.
  void key(PyObject* key);

 private:
  void integer(PyObject* value);
  void real(double value);
  void list(PyObject* value, int depth);
  void object(PyObject* value, int depth);
  void other(PyObject* value, int depth);

  sdk::ProtoBuffer& out_;
  PyObject* fallback_;
};

}  // namespace vedette::native
