// HTTP client calls: httpx's transports and requests' adapters.
//
// Semantic conventions, HTTP client spans and http.client.request.duration, stable; the older names
// beside them when the helper is True.
#include <string>

#include "asgi_scope.h"
#include "observed.h"
#include "otel_api.h"
#include "sdk/url_text.h"

namespace vedette::native {
namespace {

struct HttpNames {
  PyObject *method, *url, *reference, *headers, *list, *status_code, *extensions, *http_version,
      *raw, *version, *traceparent_text, *traceparent_bytes;

  bool load() {
    if (traceparent_bytes) return true;
    const std::pair<PyObject**, const char*> all[] = {
        {&method, "method"},
        {&url, "url"},
        {&reference, "_uri_reference"},
        {&headers, "headers"},
        {&list, "_list"},
        {&status_code, "status_code"},
        {&extensions, "extensions"},
        {&http_version, "http_version"},
        {&raw, "raw"},
        {&version, "version"},
        {&traceparent_text, "traceparent"},
    };
    for (const auto& [to, name] : all) *to = PyUnicode_InternFromString(name);
    traceparent_bytes = PyBytes_FromString("traceparent");
    return traceparent_bytes != nullptr;
  }
};
HttpNames names;

Ref attribute(PyObject* object, PyObject* name) {
  Ref value(object ? PyObject_GetAttr(object, name) : nullptr);
  if (!value) PyErr_Clear();
  return value;
}

int64_t int_of(PyObject* number) {
  if (!number || !PyLong_Check(number)) return 0;
  const long long value = PyLong_AsLongLong(number);
  if (PyErr_Occurred()) PyErr_Clear();
  return value;
}

/// A request's URL; the parts live as long as this does.
class Url {
 public:
  explicit Url(PyObject* request) : url_(attribute(request, names.url)) {
    if (!url_) return;
    if (PyUnicode_Check(url_.get())) {
      parts = sdk::split_url(text_of(url_.get()));
      return;
    }
    // httpx keeps the parts: (scheme, userinfo, host, port, path, query, fragment).
    kept_ = attribute(url_.get(), names.reference);
    if (kept_ && PyTuple_Check(kept_.get()) && PyTuple_GET_SIZE(kept_.get()) == 7) {
      const auto part = [this](Py_ssize_t i) { return text_of(PyTuple_GET_ITEM(kept_.get(), i)); };
      parts = {part(0),
               part(1),
               part(2),
               part(4),
               part(5),
               part(6),
               static_cast<uint32_t>(int_of(PyTuple_GET_ITEM(kept_.get(), 3)))};
      return;
    }
    kept_ = Ref(PyObject_Str(url_.get()));
    if (!kept_) PyErr_Clear();
    parts = sdk::split_url(text_of(kept_.get()));
  }

  sdk::UrlParts parts;

 private:
  Ref url_;
  Ref kept_;
};

// ---- propagation
// ---------------------------------------------------------------------------------

/// Is the global propagator the usual one, of which nothing but traceparent concerns a call without
/// baggage and trace state?
bool is_usual_propagator() {
  static PyObject* module = [] {
    Ref found(PyImport_ImportModule("opentelemetry.propagate"));
    return found ? Py_NewRef(PyModule_GetDict(found.get())) : nullptr;
  }();
  static PyObject* name = PyUnicode_InternFromString("_HTTP_TEXT_FORMAT");
  static PyObject* known;
  static bool usual;
  PyObject* propagator = module ? PyDict_GetItemWithError(module, name) : nullptr;
  if (!propagator) {
    PyErr_Clear();
    return false;
  }
  if (propagator != known) {
    Ref ours(PyImport_ImportModule("vedette.instrumentation"));
    Ref answer(ours ? PyObject_CallMethod(ours.get(), "is_usual_propagator", "O", propagator)
                    : nullptr);
    PyErr_Clear();
    usual = answer.get() == Py_True;
    Py_XSETREF(known, Py_NewRef(propagator));
  }
  return usual;
}

void inject_by_api(PyObject* headers) {
  Ref module(PyImport_ImportModule("opentelemetry.propagate"));
  Ref done(module ? PyObject_CallMethod(module.get(), "inject", "O", headers) : nullptr);
  if (!done) PyErr_Clear();
}

void write_hex(char* to, uint64_t value, int digits) {
  for (int i = digits; i-- > 0; value >>= 4) to[i] = "0123456789abcdef"[value & 15];
}

/// Into httpx.Headers: a list of (name, lower name, value).
bool put_into_list(PyObject* headers, std::string_view value) {
  Ref list(attribute(headers, names.list));
  if (!list || !PyList_Check(list.get())) return false;
  Ref bytes(PyBytes_FromStringAndSize(value.data(), static_cast<Py_ssize_t>(value.size())));
  PyObject* name = names.traceparent_bytes;
  Ref item(bytes ? PyTuple_Pack(3, name, name, bytes.get()) : nullptr);
  if (!item) return false;
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list.get()); ++i) {
    PyObject* entry = PyList_GET_ITEM(list.get(), i);
    if (!PyTuple_Check(entry) || PyTuple_GET_SIZE(entry) != 3) return false;
    if (text_of(PyTuple_GET_ITEM(entry, 1)) == "traceparent") {
      return PyList_SetItem(list.get(), i, item.release()) == 0;
    }
  }
  return PyList_Append(list.get(), item.get()) == 0;
}

/// `alone`: nothing but a span was in the context.
void inject(PyObject* request, const ClientSpan& span, bool alone) {
  Ref headers(attribute(request, names.headers));
  if (!headers) return;
  if (!span.ours || !alone || as_span(span.span)->trace_state || !is_usual_propagator()) {
    return inject_by_api(headers.get());
  }
  const sdk::SpanHead& head = as_span(span.span)->head;
  char value[] = "00-................................-................-..";
  write_hex(value + 3, head.trace_id.high, 16);
  write_hex(value + 19, head.trace_id.low, 16);
  write_hex(value + 36, head.span_id, 16);
  write_hex(value + 53, head.trace_flags, 2);
  if (put_into_list(headers.get(), value)) return;
  PyErr_Clear();
  Ref text(PyUnicode_FromString(value));
  if (!text || PyObject_SetItem(headers.get(), names.traceparent_text, text.get()) < 0) {
    PyErr_Clear();
    inject_by_api(headers.get());
  }
}

// ---- spans
// ---------------------------------------------------------------------------------------

/// Semantic conventions, HTTP client spans: what every call has; each is looked up once.
namespace key {
const sdk::AttributeKey kMethod("http.request.method");
const sdk::AttributeKey kUrl("url.full");
const sdk::AttributeKey kServerAddress("server.address");
const sdk::AttributeKey kServerPort("server.port");
const sdk::AttributeKey kStatusCode("http.response.status_code");
const sdk::AttributeKey kProtocolVersion("network.protocol.version");
}  // namespace key

bool emits_old_names(const ObservedObject* observed) {
  return observed->helper == Py_True;
}

/// Hands the attributes to `put`, which takes text and numbers.
template <typename Put>
void describe(const ObservedObject* observed, uint8_t method, std::string_view method_given,
              const sdk::UrlParts& url, Put put) {
  put(key::kMethod, method_text(method));
  if (method == 0) put("http.request.method_original", method_given);
  std::string full;
  full.reserve(256);
  if (!url.host.empty()) sdk::append_redacted_url(full, url);
  const uint32_t port = sdk::effective_port(url);
  put(key::kUrl, std::string_view(full));
  put(key::kServerAddress, url.host);
  if (port) put(key::kServerPort, int64_t{port});
  if (!emits_old_names(observed)) return;
  put("http.method", method ? method_text(method) : "HTTP");
  put("http.url", std::string_view(full));
  put("http.scheme", url.scheme);
  put("net.peer.name", url.host);
  if (port) put("net.peer.port", int64_t{port});
}

struct IntoSpan {
  ClientSpan* span;
  void operator()(const sdk::AttributeKey& key, std::string_view value) const {
    span->text(key, value);
  }
  void operator()(const sdk::AttributeKey& key, int64_t value) const { span->number(key, value); }
};

struct IntoDict {
  PyObject* dict;
  void operator()(const sdk::AttributeKey& key, std::string_view value) const {
    put(key, PyUnicode_DecodeUTF8(value.data(), static_cast<Py_ssize_t>(value.size()), "replace"));
  }
  void operator()(const sdk::AttributeKey& key, int64_t value) const {
    put(key, PyLong_FromLongLong(value));
  }

 private:
  void put(const sdk::AttributeKey& key, PyObject* owned) const {
    const Ref value(owned);
    const Ref name(key_text(key.text()));
    if (!value || !name || PyDict_SetItem(dict, name.get(), value.get()) < 0) PyErr_Clear();
  }
};

uint8_t method_of(PyObject* request, Ref* kept) {
  *kept = attribute(request, names.method);
  const std::string_view text = text_of(kept->get());
  const uint8_t known = method_index(text);
  if (known) return known;
  std::string upper(text.substr(0, 16));
  for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return method_index(upper);
}

bool begin(ObservedObject* observed, const Call& call, ClientSpan* span, bool hides_inner) {
  PyObject* request = call.get(1, "request");
  if (!request || !names.load()) return false;
  const Ref context = context_to_observe(true);
  if (!context) return false;
  Ref method_given;
  const uint8_t method = method_of(request, &method_given);
  static PyObject* span_names[16];
  PyObject*& name = span_names[method];
  if (!name) {
    const std::string_view text = method ? method_text(method) : "HTTP";
    name = PyUnicode_FromStringAndSize(text.data(), static_cast<Py_ssize_t>(text.size()));
  }
  if (!name) return false;
  const std::string_view given = text_of(method_given.get());
  const Url url(request);
  const Ref attributes(is_watched(*observed->source) ? PyDict_New() : nullptr);
  if (attributes) describe(observed, method, given, url.parts, IntoDict{attributes.get()});
  if (!span->begin(*observed->source, context.get(), name, attributes.get(), hides_inner)) {
    return false;
  }
  if (span->recording && !span->described) {
    describe(observed, method, given, url.parts, IntoSpan{span});
  }
  const Py_ssize_t size = PyDict_Check(context.get()) ? PyDict_GET_SIZE(context.get()) : 2;
  inject(request, *span, size == 0 || (size == 1 && span_of_context(context.get())));
  span->about = Py_NewRef(request);
  return true;
}

bool begin_httpx(ObservedObject* observed, const Call& call, ClientSpan* span) {
  return begin(observed, call, span, false);
}

/// urllib3's instrumentation must not tell the same call again.
bool begin_requests(ObservedObject* observed, const Call& call, ClientSpan* span) {
  return begin(observed, call, span, true);
}

/// The attributes of http.client.request.duration, made once for each combination.
Ref make_labels(ObservedObject* observed, const ClientSpan& span, int64_t status,
                std::string_view version) {
  if (!span.source->histogram()) return Ref();
  Ref method_given;
  const uint8_t method = method_of(span.about, &method_given);
  const Url url(span.about);
  std::string key;
  for (const std::string_view part :
       {method_text(method), url.parts.scheme, url.parts.host, version}) {
    key.append(part).append(1, '\0');
  }
  const uint32_t port = sdk::effective_port(url.parts);
  key.append(std::to_string(port)).append(1, '\0').append(std::to_string(status));
  Ref key_object(PyBytes_FromStringAndSize(key.data(), static_cast<Py_ssize_t>(key.size())));
  if (!key_object) return Ref();
  if (PyObject* found = PyDict_GetItemWithError(observed->cache, key_object.get())) {
    return Ref::borrow(found);
  }
  Ref labels(PyDict_New());
  if (!labels) return Ref();
  const IntoDict put{labels.get()};
  put(key::kMethod, method_text(method));
  put(key::kServerAddress, url.parts.host);
  if (port) put(key::kServerPort, int64_t{port});
  put("url.scheme", url.parts.scheme);
  if (status) put(key::kStatusCode, status);
  if (!version.empty()) put(key::kProtocolVersion, version);
  constexpr Py_ssize_t kCombinationsMax = 2000;
  if (PyDict_GET_SIZE(observed->cache) < kCombinationsMax &&
      PyDict_SetItem(observed->cache, key_object.get(), labels.get()) < 0) {
    PyErr_Clear();
  }
  return labels;
}

void answered(ObservedObject* observed, ClientSpan* span, int64_t status,
              std::string_view version) {
  const std::string error = status >= 400 ? std::to_string(status) : std::string();
  if (span->recording) {
    if (status) span->number(key::kStatusCode, status);
    if (!version.empty()) span->text(key::kProtocolVersion, version);
    if (emits_old_names(observed)) {
      if (status) span->number("http.status_code", status);
      if (!version.empty()) span->text("http.flavor", version);
    }
    if (!error.empty()) span->error(error);
  }
  span->labels = make_labels(observed, *span, status, version).release();
  span->end(error);
}

void finish_httpx(ObservedObject* observed, ClientSpan* span, PyObject* response) {
  const int64_t status = int_of(attribute(response, names.status_code).get());
  const Ref extensions = attribute(response, names.extensions);
  std::string_view version = text_of(scope_item(extensions.get(), names.http_version));
  if (version.starts_with("HTTP/")) version.remove_prefix(5);
  if (version.size() > 8) version = {};
  answered(observed, span, status, version);
}

void finish_requests(ObservedObject* observed, ClientSpan* span, PyObject* response) {
  const int64_t status = int_of(attribute(response, names.status_code).get());
  const int64_t version =
      int_of(attribute(attribute(response, names.raw).get(), names.version).get());
  answered(observed, span, status, version == 11 ? "1.1" : version == 10 ? "1.0" : "");
}

void failed(ObservedObject* observed, ClientSpan* span, PyObject* exception) {
  span->raised(exception);
  span->labels = make_labels(observed, *span, 0, {}).release();
  span->end(exception_type(exception));
}

constexpr CallKind kKinds[] = {
    {"http.httpx", begin_httpx, finish_httpx, failed},
    {"http.requests", begin_requests, finish_requests, failed},
};

}  // namespace

const CallKind* http_kind(std::string_view name) {
  for (const CallKind& kind : kKinds) {
    if (name == kind.name) return &kind;
  }
  return nullptr;
}

}  // namespace vedette::native
