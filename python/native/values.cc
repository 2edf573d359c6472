#include "values.h"

#include <optional>
#include <protozero/pbf_reader.hpp>

#include "sdk/otlp_fields.h"
#include "sdk/secrets.h"

namespace vedette::native {

namespace otlp = sdk::otlp;
using sdk::ProtoBuffer;
using sdk::SpanLimits;
using sdk::SpanRecord;

namespace {

constexpr int kDepthMax = 16;
constexpr const char* kBadKey =
    "an attribute key is not a non-empty string; the attribute is dropped";

/// list, tuple and what claims to be a sequence or mapping; strings and bytes are taken before.
PyObject* abc_type(const char* name) {
  Ref module(PyImport_ImportModule("collections.abc"));
  PyObject* type = module ? PyObject_GetAttrString(module.get(), name) : nullptr;
  if (!type) PyErr_Clear();
  return type;
}

bool is_a(PyObject* value, PyObject* type) {
  const int result = type ? PyObject_IsInstance(value, type) : 0;
  if (result < 0) PyErr_Clear();
  return result > 0;
}

bool is_sequence(PyObject* value) {
  if (PyList_Check(value) || PyTuple_Check(value)) return true;
  static PyObject* type = abc_type("Sequence");
  return is_a(value, type);
}

bool is_mapping(PyObject* value) {
  if (PyDict_Check(value)) return true;
  static PyObject* type = abc_type("Mapping");
  return is_a(value, type);
}

/// In events, logs and what is nested no key tells what a text may hold.
void write_text(ProtoBuffer& out, std::string_view text, uint32_t length_max) {
  std::string kept;
  text = sdk::masked_text(sdk::KeyKind::kUrl, text, kept);
  out.bytes_field(otlp::AnyValue::kString, cut(text, length_max));
}

void write_int(ProtoBuffer& out, PyObject* value, uint32_t length_max) {
  int overflow = 0;
  const long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
  if (overflow || (number == -1 && PyErr_Occurred())) {
    PyErr_Clear();
    return write_text(out, safe_str(value), length_max);
  }
  out.varint_field(otlp::AnyValue::kInt, static_cast<uint64_t>(number));
}

void write_list(ProtoBuffer& out, PyObject* value, uint32_t length_max, int depth) {
  const size_t list = out.begin_message(otlp::AnyValue::kArray);
  each(value, sdk::kValueBytesMax, [&](PyObject* item) {
    const size_t element = out.begin_message(otlp::List::kValues);
    write_any_value(out, item, length_max, depth + 1);
    out.end_message(element);
    return out.size() - list <= sdk::kValueBytesMax;
  });
  out.end_message(list);
}

bool usable_key(PyObject* key) {
  if (PyUnicode_Check(key) && PyUnicode_GET_LENGTH(key) > 0) return true;
  warn_once(kBadKey);
  return false;
}

void write_value_of(ProtoBuffer& out, std::string_view key, PyObject* value, uint32_t length_max,
                    int depth) {
  if (sdk::kind_of_key(key) == sdk::KeyKind::kSecret) {
    return out.bytes_field(otlp::AnyValue::kString, sdk::kHidden);
  }
  write_any_value(out, value, length_max, depth);
}

void write_map(ProtoBuffer& out, PyObject* value, uint32_t length_max, int depth) {
  const size_t map = out.begin_message(otlp::AnyValue::kKvlist);
  each_item(value, [&](PyObject* key, PyObject* item) {
    if (out.size() - map > sdk::kValueBytesMax || !usable_key(key)) return;
    const size_t entry = out.begin_message(otlp::List::kValues);
    out.bytes_field(otlp::KeyValue::kKey, Utf8(key).view());
    const size_t inner = out.begin_message(otlp::KeyValue::kValue);
    write_value_of(out, Utf8(key).view(), item, length_max, depth + 1);
    out.end_message(inner);
    out.end_message(entry);
  });
  out.end_message(map);
}

}  // namespace

std::string_view cut(std::string_view text, uint32_t length_max) {
  const size_t bytes_max = sdk::kValueBytesMax;
  if (length_max == sdk::kUnlimited && text.size() <= bytes_max) return text;
  size_t at = 0;
  for (uint32_t points = 0; at < text.size(); ++points) {
    size_t next = at + 1;
    while (next < text.size() && (static_cast<unsigned char>(text[next]) & 0xc0) == 0x80) ++next;
    if (points == length_max || next > bytes_max) break;
    at = next;
  }
  return text.substr(0, at);
}

void write_any_value(ProtoBuffer& out, PyObject* value, uint32_t length_max, int depth) {
  if (value == Py_None) return;
  if (PyBool_Check(value)) return out.varint_field(otlp::AnyValue::kBool, value == Py_True);
  if (PyUnicode_Check(value)) return write_text(out, Utf8(value).view(), length_max);
  if (PyLong_Check(value)) return write_int(out, value, length_max);
  if (PyFloat_Check(value)) {
    return out.fixed64_field(otlp::AnyValue::kDouble,
                             std::bit_cast<uint64_t>(PyFloat_AS_DOUBLE(value)));
  }
  if (PyBytes_Check(value)) {
    const std::string_view bytes(PyBytes_AS_STRING(value),
                                 static_cast<size_t>(PyBytes_GET_SIZE(value)));
    return out.bytes_field(otlp::AnyValue::kBytes, bytes.substr(0, sdk::kValueBytesMax));
  }
  if (depth >= kDepthMax) return write_text(out, "<nested too deep>", length_max);
  if (is_sequence(value)) return write_list(out, value, length_max, depth);
  if (is_mapping(value)) return write_map(out, value, length_max, depth);
  write_text(out, safe_str(value), length_max);
}

namespace {

/// The keys an application uses again and again are literals in its code: each is read and looked
/// up once. Kept by address, and alive; under the GIL.
constexpr size_t kKnownKeyMax = 64;
struct KnownKey {
  PyObject* object = nullptr;
  sdk::AttributeKey key;
};

/// A key with its text; empty when it is not one. `kept` holds the text of one that is not known.
sdk::AttributeKey read_key(PyObject* object, std::optional<Utf8>& kept) {
  static KnownKey known[256];
  const uint64_t address = reinterpret_cast<uintptr_t>(object);
  KnownKey& slot = known[address * 0x9e3779b97f4a7c15 >> 56];
  if (slot.object != object) {
    if (!usable_key(object)) return {};
    const std::string_view text = kept.emplace(object).view();
    // Nobody else has it: made for this call, and not to be seen again.
    const bool passing = Py_REFCNT(object) == 1;
    if (passing || !PyUnicode_CheckExact(object) || kept->is_copy() || text.size() > kKnownKeyMax) {
      return text;
    }
    slot.key = text;
    Py_XSETREF(slot.object, Py_NewRef(object));
  }
  slot.key.facts();
  return slot.key;
}

}  // namespace

void record_attribute(SpanRecord& record, PyObject* key, PyObject* value,
                      const SpanLimits& limits) {
  std::optional<Utf8> kept;
  const sdk::AttributeKey name = read_key(key, kept);
  if (name.text().empty()) return record.drop_attribute();
  if (PyUnicode_CheckExact(value)) {
    const Utf8 text(value);
    return record.set_string(name, cut(text.view(), limits.span_attribute_length), limits);
  }
  if (PyBool_Check(value)) return record.set_bool(name, value == Py_True, limits);
  if (PyLong_CheckExact(value)) {
    int overflow = 0;
    const long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (!overflow) return record.set_int(name, number, limits);
  } else if (PyFloat_CheckExact(value)) {
    return record.set_double(name, PyFloat_AS_DOUBLE(value), limits);
  }
  // Anything else may run Python code, which may reach this very span: so first aside, then in.
  ProtoBuffer aside;
  write_any_value(aside, value, limits.span_attribute_length);
  SpanRecord::Open open;
  if (!record.begin_attribute(name, &open)) return;
  record.body().bytes_field(otlp::KeyValue::kValue, aside.view());
  record.end_attribute(open, limits);
}

void record_attributes(SpanRecord& record, PyObject* mapping, const SpanLimits& limits) {
  if (PyDict_CheckExact(mapping)) {
    // Simple values run no Python code, so the dict cannot change under us for those.
    PyObject *key, *value;
    Py_ssize_t at = 0;
    const Py_ssize_t size = PyDict_GET_SIZE(mapping);
    while (PyDict_GET_SIZE(mapping) == size && PyDict_Next(mapping, &at, &key, &value)) {
      const Ref key_kept = Ref::borrow(key), value_kept = Ref::borrow(value);
      record_attribute(record, key, value, limits);
    }
    return;
  }
  each_item(mapping,
            [&](PyObject* key, PyObject* value) { record_attribute(record, key, value, limits); });
}

void write_attribute(ProtoBuffer& out, uint32_t field, std::string_view key, PyObject* value,
                     uint32_t length_max) {
  const size_t message = out.begin_message(field);
  out.bytes_field(otlp::KeyValue::kKey, key);
  const size_t inner = out.begin_message(otlp::KeyValue::kValue);
  write_value_of(out, key, value, length_max, 0);
  out.end_message(inner);
  out.end_message(message);
}

uint32_t write_attributes(ProtoBuffer& out, uint32_t field, PyObject* mapping, uint32_t count_max,
                          uint32_t length_max) {
  if (!mapping || mapping == Py_None) return 0;
  Py_ssize_t size = PyObject_Size(mapping);
  if (size < 0) {
    PyErr_Clear();
    return 0;
  }
  uint32_t dropped = size > Py_ssize_t{count_max} ? static_cast<uint32_t>(size - count_max) : 0;
  uint32_t skip = dropped;
  each_item(mapping, [&](PyObject* key, PyObject* value) {
    if (skip > 0) {
      --skip;
    } else if (!usable_key(key) || out.size() > sdk::kSpanBytesMax) {
      ++dropped;
    } else {
      write_attribute(out, field, Utf8(key).view(), value, length_max);
    }
  });
  return dropped;
}

namespace {

PyObject* text_object(protozero::data_view view) {
  return PyUnicode_DecodeUTF8(view.data(), static_cast<Py_ssize_t>(view.size()), "replace");
}

PyObject* read_any_value(protozero::pbf_reader message);

PyObject* read_map(protozero::pbf_reader list) {
  Ref map(PyDict_New());
  while (list.next(otlp::List::kValues)) {
    protozero::pbf_reader entry = list.get_message();
    Ref key, value;
    while (entry.next()) {
      if (entry.tag() == otlp::KeyValue::kKey)
        key = Ref(text_object(entry.get_view()));
      else if (entry.tag() == otlp::KeyValue::kValue)
        value = Ref(read_any_value(entry.get_message()));
      else
        entry.skip();
    }
    if (key && value) PyDict_SetItem(map.get(), key.get(), value.get());
  }
  return map.release();
}

PyObject* read_list(protozero::pbf_reader list) {
  Ref items(PyList_New(0));
  while (list.next(otlp::List::kValues)) {
    Ref item(read_any_value(list.get_message()));
    if (item) PyList_Append(items.get(), item.get());
  }
  return PyList_AsTuple(items.get());
}

PyObject* read_any_value(protozero::pbf_reader message) {
  if (!message.next()) return none();
  switch (message.tag()) {
    case otlp::AnyValue::kString:
      return text_object(message.get_view());
    case otlp::AnyValue::kBool:
      return PyBool_FromLong(message.get_bool());
    case otlp::AnyValue::kInt:
      return PyLong_FromLongLong(message.get_int64());
    case otlp::AnyValue::kDouble:
      return PyFloat_FromDouble(message.get_double());
    case otlp::AnyValue::kArray:
      return read_list(message.get_message());
    case otlp::AnyValue::kKvlist:
      return read_map(message.get_message());
    case otlp::AnyValue::kBytes: {
      const auto view = message.get_view();
      return PyBytes_FromStringAndSize(view.data(), static_cast<Py_ssize_t>(view.size()));
    }
  }
  return none();
}

}  // namespace

void add_key_value(PyObject* dict, std::string_view bytes) {
  try {
    protozero::pbf_reader entry(bytes.data(), bytes.size());
    Ref key, value;
    while (entry.next()) {
      if (entry.tag() == otlp::KeyValue::kKey)
        key = Ref(text_object(entry.get_view()));
      else
        value = Ref(read_any_value(entry.get_message()));
    }
    if (key && value) PyDict_SetItem(dict, key.get(), value.get());
  } catch (const std::exception&) {
    // Our own bytes; what was read so far is right.
  }
  PyErr_Clear();
}

PyObject* read_attributes(const SpanRecord& record) {
  Ref attributes(PyDict_New());
  if (!attributes) return nullptr;
  record.each_attribute([&](std::string_view bytes) { add_key_value(attributes.get(), bytes); });
  return attributes.release();
}

}  // namespace vedette::native
