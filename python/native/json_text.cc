#include "json_text.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace vedette::native {
namespace {

constexpr int kDepthMax = 16;
/// Cycles are cut by depth alone; this bounds what a wide one may grow to on the way.
constexpr size_t kNestedBytesMax = 16u << 20;

/// What a byte becomes inside of a string: 0 itself, 'u' \u00XX, else \ and that letter.
constexpr std::array<char, 256> kEscapes = [] {
  std::array<char, 256> table{};
  for (size_t c = 0; c < 0x20; ++c) table[c] = 'u';
  table['\b'] = 'b';
  table['\f'] = 'f';
  table['\n'] = 'n';
  table['\r'] = 'r';
  table['\t'] = 't';
  table['"'] = '"';
  table['\\'] = '\\';
  return table;
}();

/// Copies the bytes that need no escape, by eight as long as none of them does; where it stopped.
const char* copy_plain(const char* from, const char* end, char** to) {
  constexpr uint64_t kOnes = 0x0101010101010101, kHighs = 0x8080808080808080;
  const auto has_zero = [](uint64_t word) { return (word - kOnes) & ~word & kHighs; };
  for (; end - from >= 8; from += 8, *to += 8) {
    uint64_t word;
    std::memcpy(&word, from, 8);
    const uint64_t controls = (word - kOnes * 0x20) & ~word & kHighs;
    if (controls | has_zero(word ^ kOnes * '"') | has_zero(word ^ kOnes * '\\')) break;
    std::memcpy(*to, &word, 8);
  }
  while (from < end && !kEscapes[static_cast<unsigned char>(*from)]) *(*to)++ = *from++;
  return from;
}

/// repr(), or a word about what went wrong.
std::string safe_repr(PyObject* object) {
  Ref text(PyObject_Repr(object));
  if (text) return safe_str(text.get());
  PyErr_Clear();
  return std::string("<") + Py_TYPE(object)->tp_name + " repr() failed>";
}

}  // namespace

void JsonText::string(std::string_view text) {
  char* at = out_.room(text.size() * 6 + 2);
  if (!at) return;
  *at++ = '"';
  const char* const end = text.data() + text.size();
  for (const char* from = text.data(); (from = copy_plain(from, end, &at)) < end; ++from) {
    const char c = *from;
    const char escape = kEscapes[static_cast<unsigned char>(c)];
    *at++ = '\\';
    *at++ = escape;
    if (escape != 'u') continue;
    constexpr char kHex[] = "0123456789abcdef";
    *at++ = '0';
    *at++ = '0';
    *at++ = kHex[static_cast<unsigned char>(c) >> 4];
    *at++ = kHex[c & 15];
  }
  *at++ = '"';
  out_.advance_to(at);
}

void JsonText::integer(PyObject* value) {
  int overflow = 0;
  const long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
  if (!overflow) {
    char digits[24];
    return raw({digits, std::to_chars(digits, digits + sizeof digits, number).ptr});
  }
  Ref text(PyLong_Type.tp_repr(value));
  if (text) return raw(Utf8(text.get()).view());
  PyErr_Clear();
  string("<int with too many digits>");
}

void JsonText::real(double value) {
  if (!std::isfinite(value)) return raw("null");
  char* text = PyOS_double_to_string(value, 'r', 0, Py_DTSF_ADD_DOT_0, nullptr);
  if (!text) {
    PyErr_Clear();
    return raw("null");
  }
  raw(text);
  PyMem_Free(text);
}

void JsonText::list(PyObject* value, int depth) {
  raw("[");
  // Writing an item may run Python code, which may change the list.
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(value); ++i) {
    const Ref item = Ref::borrow(PySequence_Fast_GET_ITEM(value, i));
    if (i) raw(", ");
    this->value(item.get(), depth + 1);
  }
  raw("]");
}

void JsonText::key(PyObject* key) {
  if (PyUnicode_Check(key)) return string(Utf8(key).view());
  if (key == Py_None) return raw("\"null\"");
  if (PyBool_Check(key)) return raw(key == Py_True ? "\"true\"" : "\"false\"");
  string(safe_str(key));
}

void JsonText::object(PyObject* value, int depth) {
  Ref items(PyDict_Items(value));
  if (!items) PyErr_Clear();
  raw("{");
  for (Py_ssize_t i = 0; items && i < PyList_GET_SIZE(items.get()); ++i) {
    PyObject* pair = PyList_GET_ITEM(items.get(), i);
    if (i) raw(", ");
    key(PyTuple_GET_ITEM(pair, 0));
    raw(": ");
    this->value(PyTuple_GET_ITEM(pair, 1), depth + 1);
  }
  raw("}");
}

void JsonText::other(PyObject* value, int depth) {
  static PyObject* hook = PyUnicode_InternFromString("__structlog__");
  Ref made;
  if (fallback_) {
    made = Ref(PyObject_CallOneArg(fallback_, value));
  } else if (PyObject_HasAttr(value, hook)) {
    made = Ref(PyObject_CallMethodNoArgs(value, hook));
  }
  PyErr_Clear();
  if (!made) return string(safe_repr(value));
  this->value(made.get(), depth + 1);
}

void JsonText::value(PyObject* value, int depth) {
  if (PyUnicode_Check(value)) return string(Utf8(value).view());
  if (value == Py_None) return raw("null");
  if (PyBool_Check(value)) return raw(value == Py_True ? "true" : "false");
  if (PyLong_Check(value)) return integer(value);
  if (PyFloat_Check(value)) return real(PyFloat_AS_DOUBLE(value));
  if (depth >= kDepthMax) return string("<nested too deep>");
  if (depth > 0 && out_.size() > kNestedBytesMax) return string("<too large>");
  if (PyList_Check(value) || PyTuple_Check(value)) return list(value, depth);
  if (PyDict_Check(value)) return object(value, depth);
  other(value, depth);
}

}  // namespace vedette::native
