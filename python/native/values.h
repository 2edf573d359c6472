// Python values as OTLP attribute values. Never raises and never fails: what cannot be a value
// becomes its str(), or a word that says why not.
#pragma once

#include "python.h"
#include "sdk/proto_buffer.h"
#include "sdk/span_record.h"

namespace vedette::native {

/// Sets one attribute of a span.
void record_attribute(sdk::SpanRecord& record, PyObject* key, PyObject* value,
                      const sdk::SpanLimits& limits);
/// Sets every attribute of a mapping.
void record_attributes(sdk::SpanRecord& record, PyObject* mapping, const sdk::SpanLimits& limits);

/// Appends the mapping's items as KeyValue messages in field `field`, the newest `count_max` of
/// them; returns how many were dropped.
uint32_t write_attributes(sdk::ProtoBuffer& out, uint32_t field, PyObject* mapping,
                          uint32_t count_max, uint32_t length_max);
/// Appends one KeyValue message in field `field`.
void write_attribute(sdk::ProtoBuffer& out, uint32_t field, std::string_view key, PyObject* value,
                     uint32_t length_max);
/// Appends the fields of an AnyValue message.
void write_any_value(sdk::ProtoBuffer& out, PyObject* value, uint32_t length_max, int depth = 0);

/// The text cut to `length_max` code points, and to what a value may be at all.
std::string_view cut(std::string_view text, uint32_t length_max);

/// Adds an encoded KeyValue message to a dict.
void add_key_value(PyObject* dict, std::string_view bytes);

/// Of a mapping that is no dict, and so may be endless.
constexpr size_t kItemsMax = 10'000;

/// Calls visit(key, value) for each item. Those added meanwhile are not seen.
template <typename Visit>
void each_item(PyObject* mapping, Visit visit) {
  if (PyDict_CheckExact(mapping)) {
    Ref items(PyDict_Items(mapping));
    if (!items) return PyErr_Clear();
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(items.get()); ++i) {
      PyObject* pair = PyList_GET_ITEM(items.get(), i);
      visit(PyTuple_GET_ITEM(pair, 0), PyTuple_GET_ITEM(pair, 1));
    }
    return;
  }
  each(mapping, kItemsMax, [&](PyObject* key) {
    Ref value(PyObject_GetItem(mapping, key));
    if (value) visit(key, value.get());
    PyErr_Clear();
    return true;
  });
}

/// The attributes of a span as a dict, for those who want to read them back.
PyObject* read_attributes(const sdk::SpanRecord& record);

}  // namespace vedette::native
