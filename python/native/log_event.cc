#include "log_event.h"

#include "log_sink.h"
#include "sdk/otlp_fields.h"
#include "sdk/wall_clock.h"
#include "values.h"

namespace vedette::native {
namespace {

using Field = sdk::otlp::LogRecord;

/// As the SDK's default for log records.
constexpr uint32_t kAttributesMax = 128;

enum class Key { kEvent, kLevel, kTraceId, kSpanId, kTimestamp, kExcInfo, kException, kOther };

Key classify(std::string_view key) {
  switch (key.size()) {
    case 5:
      return key == "event" ? Key::kEvent : key == "level" ? Key::kLevel : Key::kOther;
    case 7:
      return key == "span_id" ? Key::kSpanId : Key::kOther;
    case 8:
      return key == "trace_id" ? Key::kTraceId : key == "exc_info" ? Key::kExcInfo : Key::kOther;
    case 9:
      return key == "timestamp"   ? Key::kTimestamp
             : key == "exception" ? Key::kException
                                  : Key::kOther;
  }
  return Key::kOther;
}

/// The name of a level as structlog's add_log_level has it.
std::string_view level_of_method(std::string_view method) {
  return method == "warn" ? "warning" : method == "exception" ? "error" : method;
}

/// "2026-01-02T03:04:05.123456Z" into 27 bytes. The second is formatted once.
std::string_view iso_time(int64_t ns, char* out) {
  static int64_t known = -1;
  static char text[32];
  const int64_t second = ns / 1'000'000'000;
  if (second != known) {
    const auto clock = static_cast<time_t>(second);
    tm parts;
    gmtime_r(&clock, &parts);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    known = second;
  }
  std::memcpy(out, text, 19);
  auto micros = static_cast<uint32_t>(ns / 1000 % 1'000'000);
  out[19] = '.';
  for (int i = 25; i > 19; --i, micros /= 10) out[i] = static_cast<char>('0' + micros % 10);
  out[26] = 'Z';
  return {out, 27};
}

class EventReader {
 public:
  EventReader(JsonText* json, sdk::ProtoBuffer* record) : json_(json), record_(record) {}

  void read(PyObject* event, PyObject* method) {
    if (json_) json_->raw("{");
    items(event);
    if (exc_info_) exception();
    level(method);
    ids();
    time();
    if (record_ && dropped_) record_->varint_field(Field::kDroppedAttributes, dropped_);
    if (json_) json_->raw("}");
    PyErr_Clear();
  }

 private:
  void items(PyObject* event) {
    PyObject *key, *value;
    Py_ssize_t at = 0;
    // Writing a value may run Python code. Should that change the event, the rest is left out.
    const Py_ssize_t size = PyDict_GET_SIZE(event);
    while (PyDict_GET_SIZE(event) == size && PyDict_Next(event, &at, &key, &value)) {
      const Ref key_kept = Ref::borrow(key), value_kept = Ref::borrow(value);
      item(key, value);
    }
  }

  void item(PyObject* key, PyObject* value) {
    if (!PyUnicode_Check(key)) {
      if (!json_) return;
      json_->raw(separator());
      json_->key(key);
      json_->raw(": ");
      return json_->value(value);
    }
    const Utf8 name(key);
    const Key kind = classify(name.view());
    if (kind == Key::kExcInfo) {
      exc_info_ = Ref::borrow(value);
      return;
    }
    if (json_) {
      begin(name.view());
      json_->value(value);
    }
    switch (kind) {
      case Key::kEvent:
        if (record_) write_body(*record_, value);
        return;
      case Key::kLevel:
        if (PyUnicode_Check(value)) level_ = Ref::borrow(value);
        has_level_ = true;
        return;
      case Key::kTraceId:
      case Key::kSpanId:
        has_ids_ = true;
        return;
      case Key::kTimestamp:
        has_time_ = true;
        return;
      case Key::kException:
        return attribute("exception.stacktrace", value);
      default:
        return attribute(name.view(), value);
    }
  }

  void attribute(std::string_view key, PyObject* value) {
    if (!record_ || key.empty()) return;
    if (attributes_ >= kAttributesMax || record_->size() > sdk::kSpanBytesMax / 2) {
      ++dropped_;
      return;
    }
    ++attributes_;
    write_attribute(*record_, Field::kAttributes, key, value, sdk::kUnlimited);
  }

  void exception() {
    const Ref found = exception_of(exc_info_.get());
    if (!found) return;
    const std::string trace = stack_trace(found.get());
    if (json_) {
      begin("exception");
      // As logging and structlog have it: without the last line end.
      json_->string({trace.data(), trace.size() - (trace.ends_with('\n') ? 1 : 0)});
    }
    if (!record_) return;
    write_text_attribute(*record_, "exception.type", exception_type(found.get()));
    write_text_attribute(*record_, "exception.message", safe_str(found.get()));
    write_text_attribute(*record_, "exception.stacktrace", trace);
  }

  void level(PyObject* method) {
    const Utf8 given(level_ ? level_.get() : method);
    const std::string_view name = level_ ? given.view() : level_of_method(given.view());
    if (json_ && !has_level_) {
      begin("level");
      json_->string(name);
    }
    if (!record_) return;
    const Severity severity = severity_named(name);
    write_severity(*record_, severity.number, severity.text);
  }

  void ids() {
    Ref kept;
    const Parent span = current_span(&kept);
    if (!span.valid()) return;
    if (record_) write_ids(*record_, span);
    if (!json_ || has_ids_) return;
    char text[48];
    put_hex(text, span.trace_id.high);
    put_hex(text + 16, span.trace_id.low);
    put_hex(text + 32, span.span_id);
    begin("trace_id");
    json_->string({text, 32});
    begin("span_id");
    json_->string({text + 32, 16});
  }

  void time() {
    int64_t offset;
    const int64_t now = sdk::wall_now(&offset);
    if (record_) write_times(*record_, static_cast<uint64_t>(now), static_cast<uint64_t>(now));
    if (!json_ || has_time_) return;
    char text[27];
    begin("timestamp");
    json_->string(iso_time(now, text));
  }

  void begin(std::string_view key) {
    json_->raw(separator());
    json_->string(key);
    json_->raw(": ");
  }

  std::string_view separator() {
    const bool first = !begun_;
    begun_ = true;
    return first ? "" : ", ";
  }

  JsonText* json_;
  sdk::ProtoBuffer* record_;
  Ref exc_info_, level_;
  uint32_t attributes_ = 0, dropped_ = 0;
  bool begun_ = false, has_level_ = false, has_ids_ = false, has_time_ = false;
};

PyObject* current_sink = nullptr;
PyObject* current_taker = nullptr;

}  // namespace

void read_event(PyObject* event, PyObject* method, JsonText* json, sdk::ProtoBuffer* record) {
  Ref copied;
  if (!PyDict_Check(event)) {
    copied = Ref(PyDict_New());
    if (!copied || PyDict_Update(copied.get(), event) < 0) PyErr_Clear();
    event = copied.get();
  }
  if (event) EventReader(json, record).read(event, method);
}

void ship_to(PyObject* sink) {
  Py_XSETREF(current_sink, sink ? Py_NewRef(sink) : nullptr);
}

void ship(const sdk::ProtoBuffer& record) {
  if (current_sink) sink_emit(current_sink, record);
}

bool shipping() {
  return current_sink != nullptr;
}

void hand_events_to(PyObject* taker) {
  Py_XSETREF(current_taker, Py_XNewRef(taker));
}

void hand_event(PyObject* method, PyObject* event) {
  if (!current_taker) return;
  const ErrorGuard guard;
  const Ref taker = Ref::borrow(current_taker);  // it may be replaced meanwhile
  const Ref done(PyObject_CallFunctionObjArgs(taker.get(), method, event, nullptr));
  if (!done) PyErr_Clear();
}

}  // namespace vedette::native
