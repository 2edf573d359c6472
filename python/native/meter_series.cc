#include <algorithm>
#include <bit>

#include "meter.h"

namespace vedette::native {
namespace {

size_t mix(size_t x) {
  x ^= x >> 32;
  x *= 0x9e3779b97f4a7c15u;
  return x ^ (x >> 29);
}

size_t hash_of(PyObject* value) {
  if (PyFloat_CheckExact(value)) return std::bit_cast<size_t>(PyFloat_AS_DOUBLE(value));
  return static_cast<size_t>(PyObject_Hash(value));
}

/// Of a simple key and value; adding them up makes the order of a dict not matter.
size_t pair_hash(PyObject* key, PyObject* value) {
  const auto type = reinterpret_cast<size_t>(Py_TYPE(value));
  return mix(static_cast<size_t>(PyObject_Hash(key)) * 3 + mix(hash_of(value) + type));
}

bool equal(PyObject* a, PyObject* b) {
  if (a == b) return true;
  if (Py_TYPE(a) != Py_TYPE(b)) return false;
  if (PyFloat_CheckExact(a)) {
    return std::bit_cast<uint64_t>(PyFloat_AS_DOUBLE(a)) ==
           std::bit_cast<uint64_t>(PyFloat_AS_DOUBLE(b));
  }
  return PyObject_RichCompareBool(a, b, Py_EQ) == 1;
}

bool simple(PyObject* value, bool in_tuple = false) {
  if (PyUnicode_CheckExact(value) || PyLong_CheckExact(value) || PyBool_Check(value) ||
      PyFloat_CheckExact(value) || PyBytes_CheckExact(value) || value == Py_None) {
    return true;
  }
  if (in_tuple || !PyTuple_CheckExact(value)) return false;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(value); ++i) {
    if (!simple(PyTuple_GET_ITEM(value, i), true)) return false;
  }
  return true;
}

bool same_items(const Series& series, PyObject* attributes) {
  const auto count = static_cast<size_t>(PyDict_GET_SIZE(attributes));
  if (series.items.size() != 2 * count) return false;
  PyObject *key, *value;
  Py_ssize_t at = 0;
  for (size_t i = 0; PyDict_Next(attributes, &at, &key, &value); ++i) {
    // Most often a dict comes from the same line of code, in the same order.
    size_t found = i;
    if (series.items[2 * i].get() != key) {
      for (found = 0; found < count; ++found) {
        if (equal(series.items[2 * found].get(), key)) break;
      }
      if (found == count) return false;
    }
    if (!equal(series.items[2 * found + 1].get(), value)) return false;
  }
  return true;
}

}  // namespace

bool simple_attributes(PyObject* dict) {
  if (!PyDict_CheckExact(dict)) return false;
  PyObject *key, *value;
  Py_ssize_t at = 0;
  while (PyDict_Next(dict, &at, &key, &value)) {
    if (!PyUnicode_CheckExact(key) || PyUnicode_GET_LENGTH(key) == 0 || !simple(value))
      return false;
  }
  return true;
}

Series* SeriesTable::find(PyObject* attributes, size_t* hash) const {
  size_t sum = 0;
  PyObject *key, *value;
  Py_ssize_t at = 0;
  while (PyDict_Next(attributes, &at, &key, &value)) sum += pair_hash(key, value);
  *hash = sum;
  if (slots_.empty()) return nullptr;
  const size_t mask = slots_.size() - 1;
  for (size_t slot = sum & mask; slots_[slot]; slot = (slot + 1) & mask) {
    if (slots_[slot]->hash == sum && same_items(*slots_[slot], attributes)) return slots_[slot];
  }
  return nullptr;
}

Series* SeriesTable::insert(std::unique_ptr<Series> series) {
  if (2 * (all_.size() + 1) > slots_.size()) grow();
  const size_t mask = slots_.size() - 1;
  size_t slot = series->hash & mask;
  while (slots_[slot]) slot = (slot + 1) & mask;
  slots_[slot] = series.get();
  all_.push_back(std::move(series));
  return slots_[slot];
}

void SeriesTable::grow() {
  slots_.assign(std::max<size_t>(16, 2 * slots_.size()), nullptr);
  const size_t mask = slots_.size() - 1;
  for (const auto& series : all_) {
    size_t slot = series->hash & mask;
    while (slots_[slot]) slot = (slot + 1) & mask;
    slots_[slot] = series.get();
  }
}

void SeriesTable::clear() {
  // What the items' release may run must not find the table half cleared.
  std::vector<std::unique_ptr<Series>> gone = std::move(all_);
  all_.clear();
  slots_.clear();
}

}  // namespace vedette::native
