#include "span_items.h"

#include <protozero/pbf_reader.hpp>

#include "sdk/otlp_fields.h"
#include "span_context.h"
#include "values.h"

namespace vedette::native {

using sdk::ProtoBuffer;
using sdk::SpanLimits;

void write_event(ProtoBuffer& out, std::string_view name, int64_t time_ns, PyObject* attributes,
                 const SpanLimits& limits, uint32_t dropped) {
  using Field = sdk::otlp::Event;
  out.fixed64_field(Field::kTime, static_cast<uint64_t>(time_ns));
  out.bytes_field(Field::kName, cut(name, sdk::kUnlimited));
  dropped += write_attributes(out, Field::kAttributes, attributes, limits.event_attributes,
                              limits.attribute_length);
  if (dropped) out.varint_field(Field::kDroppedAttributes, dropped);
}

bool write_link(ProtoBuffer& out, PyObject* span_context, PyObject* attributes,
                const SpanLimits& limits, uint32_t dropped) {
  Parent target;
  read_span_context(span_context, &target);
  const Py_ssize_t size = attributes && attributes != Py_None ? PyObject_Size(attributes) : 0;
  if (size < 0) PyErr_Clear();
  if (!target.span_context || (!target.valid() && size <= 0 && !target.trace_state)) return false;
  using Field = sdk::otlp::Link;
  char ids[24];
  const uint64_t words[3] = {__builtin_bswap64(target.trace_id.high),
                             __builtin_bswap64(target.trace_id.low),
                             __builtin_bswap64(target.span_id)};
  std::memcpy(ids, words, sizeof ids);
  out.bytes_field(Field::kTraceId, {ids, 16});
  out.bytes_field(Field::kSpanId, {ids + 16, 8});
  const std::string state = trace_state_header(target.trace_state);
  if (!state.empty()) out.bytes_field(Field::kTraceState, state);
  dropped += write_attributes(out, Field::kAttributes, attributes, limits.link_attributes,
                              limits.attribute_length);
  if (dropped) out.varint_field(Field::kDroppedAttributes, dropped);
  out.fixed32_field(Field::kFlags, target.trace_flags | 0x100u | (target.remote ? 0x200u : 0u));
  return true;
}

namespace {

/// Calls read(reader of one message) -> new reference for each, into a list.
template <typename Read>
struct Collector {
  PyObject* list;
  Read read;
  void operator()(std::string_view bytes) {
    Ref item(read(protozero::pbf_reader(bytes.data(), bytes.size())));
    if (item) PyList_Append(list, item.get());
    PyErr_Clear();
  }
};

void read_key_value_into(PyObject* attributes, protozero::data_view bytes) {
  add_key_value(attributes, {bytes.data(), bytes.size()});
}

PyObject* text_of(protozero::data_view view) {
  return PyUnicode_DecodeUTF8(view.data(), static_cast<Py_ssize_t>(view.size()), "replace");
}

PyObject* read_event(protozero::pbf_reader event) {
  using Field = sdk::otlp::Event;
  Ref attributes(PyDict_New()), name(PyUnicode_FromString(""));
  uint64_t time = 0;
  uint32_t dropped = 0;
  while (event.next()) {
    switch (event.tag()) {
      case Field::kTime:
        time = event.get_fixed64();
        break;
      case Field::kName:
        name = Ref(text_of(event.get_view()));
        break;
      case Field::kAttributes:
        read_key_value_into(attributes.get(), event.get_view());
        break;
      case Field::kDroppedAttributes:
        dropped = event.get_uint32();
        break;
      default:
        event.skip();
    }
  }
  return Py_BuildValue("OKOI", name.get(), time, attributes.get(), dropped);
}

uint64_t big_endian(const char* at) {
  uint64_t word;
  std::memcpy(&word, at, sizeof word);
  return __builtin_bswap64(word);
}

PyObject* read_link(protozero::pbf_reader link) {
  using Field = sdk::otlp::Link;
  Ref attributes(PyDict_New()), state(PyUnicode_FromString(""));
  sdk::TraceId trace_id;
  uint64_t span_id = 0;
  uint32_t flags = 0;
  uint32_t dropped = 0;
  while (link.next()) {
    switch (link.tag()) {
      case Field::kTraceId: {
        const auto id = link.get_view();
        if (id.size() == 16) trace_id = {big_endian(id.data()), big_endian(id.data() + 8)};
        break;
      }
      case Field::kSpanId: {
        const auto id = link.get_view();
        if (id.size() == 8) span_id = big_endian(id.data());
        break;
      }
      case Field::kTraceState:
        state = Ref(text_of(link.get_view()));
        break;
      case Field::kAttributes:
        read_key_value_into(attributes.get(), link.get_view());
        break;
      case Field::kDroppedAttributes:
        dropped = link.get_uint32();
        break;
      case Field::kFlags:
        flags = link.get_fixed32();
        break;
      default:
        link.skip();
    }
  }
  Ref trace(trace_id_number(trace_id));
  return Py_BuildValue("OKOIOOI", trace.get(), span_id, flags & 0x200 ? Py_True : Py_False,
                       flags & 0xff, state.get(), attributes.get(), dropped);
}

}  // namespace

PyObject* read_events(const sdk::SpanRecord& record) {
  Ref list(PyList_New(0));
  if (list) record.each_event(Collector<decltype(&read_event)>{list.get(), &read_event});
  return list.release();
}

PyObject* read_links(const sdk::SpanRecord& record) {
  Ref list(PyList_New(0));
  if (list) record.each_link(Collector<decltype(&read_link)>{list.get(), &read_link});
  return list.release();
}

}  // namespace vedette::native
