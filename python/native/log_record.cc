#include "log_record.h"

#include <array>

#include "otel_api.h"
#include "sdk/otlp_fields.h"
#include "sdk/secrets.h"
#include "values.h"

namespace vedette::native {

using Field = sdk::otlp::LogRecord;

Severity severity_named(std::string_view level) {
  struct Name {
    std::string_view name;
    uint32_t number;
    const char* text;
  };
  constexpr Name kNames[] = {
      {"info", 9, "INFO"},       {"debug", 5, "DEBUG"},      {"warning", 13, "WARNING"},
      {"error", 17, "ERROR"},    {"exception", 17, "ERROR"}, {"critical", 21, "CRITICAL"},
      {"warn", 13, "WARNING"},   {"trace", 1, "TRACE"},      {"notice", 10, "NOTICE"},
      {"success", 9, "SUCCESS"}, {"fatal", 21, "FATAL"},     {"err", 17, "ERR"},
      {"msg", 9, "MSG"},         {"failure", 17, "FAILURE"},
  };
  const auto same = [](char a, char b) { return a == (b | 0x20); };
  for (const Name& known : kNames) {
    if (known.name.size() == level.size() &&
        std::equal(known.name.begin(), known.name.end(), level.begin(), same)) {
      return {known.number, known.text};
    }
  }
  std::string text(level.substr(0, 64));
  for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return {0, text};
}

uint32_t severity_of_level(long levelno) {
  if (levelno < 10) return 0;
  if (levelno > 53) return 24;
  const long level = std::min(levelno / 10, 5l);
  return static_cast<uint32_t>(1 + 4 * level + std::min(levelno - 10 * level, 3l));
}

void write_times(sdk::ProtoBuffer& out, uint64_t time_ns, uint64_t observed_ns) {
  if (time_ns) out.fixed64_field(Field::kTime, time_ns);
  out.fixed64_field(Field::kObservedTime, observed_ns);
}

void write_severity(sdk::ProtoBuffer& out, uint32_t number, std::string_view text) {
  if (number) out.varint_field(Field::kSeverityNumber, number);
  if (!text.empty()) out.bytes_field(Field::kSeverityText, cut(text, sdk::kUnlimited));
}

void write_body(sdk::ProtoBuffer& out, PyObject* body) {
  const Ref kept = Ref::borrow(body);
  const size_t message = out.begin_message(Field::kBody);
  write_any_value(out, body, sdk::kUnlimited);
  out.end_message(message);
}

void write_text_attribute(sdk::ProtoBuffer& out, std::string_view key, std::string_view value,
                          uint32_t length_max) {
  std::string kept;
  value = sdk::masked_text(sdk::kind_of_key(key), value, kept);
  const size_t message = out.begin_message(Field::kAttributes);
  out.bytes_field(sdk::otlp::KeyValue::kKey, key);
  const size_t inner = out.begin_message(sdk::otlp::KeyValue::kValue);
  out.bytes_field(sdk::otlp::AnyValue::kString, cut(value, length_max));
  out.end_message(inner);
  out.end_message(message);
}

void write_ids(sdk::ProtoBuffer& out, const Parent& span) {
  if (!span.valid()) return;
  const uint64_t words[3] = {__builtin_bswap64(span.trace_id.high),
                             __builtin_bswap64(span.trace_id.low), __builtin_bswap64(span.span_id)};
  char ids[24];
  std::memcpy(ids, words, sizeof ids);
  out.fixed32_field(Field::kFlags, span.trace_flags);
  out.bytes_field(Field::kTraceId, {ids, 16});
  out.bytes_field(Field::kSpanId, {ids + 16, 8});
}

void put_hex(char* out, uint64_t word) {
  using Pair = std::array<char, 2>;
  static constexpr std::array<Pair, 256> kPairs = [] {
    constexpr char kDigits[] = "0123456789abcdef";
    std::array<Pair, 256> pairs{};
    for (size_t byte = 0; byte < 256; ++byte)
      pairs[byte] = {kDigits[byte >> 4], kDigits[byte & 15]};
    return pairs;
  }();
  for (int i = 7; i >= 0; --i, word >>= 8) std::memcpy(out + 2 * i, kPairs[word & 255].data(), 2);
}

Parent current_span(Ref* kept) {
  Ref context(current_context());
  if (!context) {
    PyErr_Clear();
    return {};
  }
  // What lives in the context stays alive there: it is current.
  return parent_of(context.get(), kept);
}

Ref exception_of(PyObject* exc_info) {
  Ref found;
  if (PyExceptionInstance_Check(exc_info)) {
    found = Ref::borrow(exc_info);
  } else if (PyTuple_Check(exc_info) && PyTuple_GET_SIZE(exc_info) == 3) {
    found = Ref::borrow(PyTuple_GET_ITEM(exc_info, 1));
  } else if (const int wanted = PyObject_IsTrue(exc_info); wanted > 0) {
    PyObject *type, *value, *traceback;
    PyErr_GetExcInfo(&type, &value, &traceback);
    found = Ref(value);
    Py_XDECREF(type);
    Py_XDECREF(traceback);
  } else if (wanted < 0) {
    PyErr_Clear();
  }
  return found && PyExceptionInstance_Check(found.get()) ? std::move(found) : Ref();
}

bool queue_record(const std::vector<Sink>& sinks, uint32_t source, const sdk::ProtoBuffer& record) {
  if (record.failed()) return false;
  bool all = true;
  for (const Sink& sink : sinks) {
    if (char* room = sink.lane->reserve(record.size(), source)) {
      std::memcpy(room, record.data(), record.size());
      sink.thread->commit(*sink.lane, room);
    } else {
      all = false;
    }
  }
  return all;
}

namespace {

constexpr size_t kScratchBytesKept = 64u << 10;
std::vector<sdk::ProtoBuffer*> free_buffers;

}  // namespace

Scratch::Scratch() {
  if (free_buffers.empty()) {
    buffer_ = new sdk::ProtoBuffer;
  } else {
    buffer_ = free_buffers.back();
    free_buffers.pop_back();
  }
}

Scratch::~Scratch() {
  buffer_->clear();
  buffer_->shrink(kScratchBytesKept);
  free_buffers.push_back(buffer_);
}

}  // namespace vedette::native
