#include "asgi_scope.h"

namespace vedette::native {

ScopeKeys keys;

namespace {

constexpr std::string_view kMethods[] = {"_OTHER", "GET",     "HEAD",    "POST",  "PUT",  "DELETE",
                                         "PATCH",  "OPTIONS", "CONNECT", "TRACE", "QUERY"};

bool is_hex(std::string_view text, uint64_t* value) {
  *value = 0;
  for (char c : text) {
    int digit;
    if (c >= '0' && c <= '9') {
      digit = c - '0';
    } else if (c >= 'a' && c <= 'f') {
      digit = c - 'a' + 10;
    } else {
      return false;
    }
    *value = *value << 4 | static_cast<uint64_t>(digit);
  }
  return true;
}

bool same_name(std::string_view name, std::string_view lower) {
  if (name.size() != lower.size()) return false;
  for (size_t i = 0; i < name.size(); ++i) {
    if ((name[i] | 0x20) != lower[i] && name[i] != lower[i]) return false;
  }
  return true;
}

}  // namespace

bool ScopeKeys::load() {
  const std::pair<PyObject**, const char*> names[] = {
      {&type, "type"},
      {&status, "status"},
      {&http, "http"},
      {&lifespan, "lifespan"},
      {&websocket, "websocket"},
      {&method, "method"},
      {&path, "path"},
      {&scheme, "scheme"},
      {&http_version, "http_version"},
      {&client, "client"},
      {&server, "server"},
      {&headers, "headers"},
      {&root_path, "root_path"},
      {&route, "route"},
      {&path_format, "path_format"},
      {&path_plain, "path"},
      {&fastapi, "fastapi"},
      {&effective, "effective_route_context"},
      {&path_params, "path_params"},
      {&marker, "vedette.request"},
      {&response_start, "http.response.start"},
      {&response_body, "http.response.body"},
      {&more_body, "more_body"},
      {&code, "code"},
  };
  for (const auto& [to, name] : names) {
    *to = PyUnicode_InternFromString(name);
    if (!*to) return false;
  }
  return true;
}

PyObject* scope_item(PyObject* scope, PyObject* key) {
  if (!scope || !PyDict_Check(scope)) return nullptr;
  PyObject* item = PyDict_GetItemWithError(scope, key);
  if (!item && PyErr_Occurred()) PyErr_Clear();
  return item;
}

std::string_view text_of(PyObject* object) {
  if (!object) return {};
  if (PyBytes_Check(object)) {
    return {PyBytes_AS_STRING(object), static_cast<size_t>(PyBytes_GET_SIZE(object))};
  }
  if (!PyUnicode_Check(object)) return {};
  Py_ssize_t size = 0;
  const char* text = PyUnicode_AsUTF8AndSize(object, &size);
  if (!text) {
    PyErr_Clear();
    return {};
  }
  return {text, static_cast<size_t>(size)};
}

Headers read_headers(PyObject* scope) {
  Headers found;
  PyObject* list = scope_item(scope, keys.headers);
  if (!list || !(PyList_Check(list) || PyTuple_Check(list))) return found;
  const Py_ssize_t count = PySequence_Fast_GET_SIZE(list);
  for (Py_ssize_t i = 0; i < count; ++i) {
    PyObject* pair = PySequence_Fast_GET_ITEM(list, i);
    if (!(PyTuple_Check(pair) || PyList_Check(pair)) || PySequence_Fast_GET_SIZE(pair) != 2) {
      continue;
    }
    const std::string_view name = text_of(PySequence_Fast_GET_ITEM(pair, 0));
    PyObject* value = PySequence_Fast_GET_ITEM(pair, 1);
    switch (name.size()) {
      case 4:
        if (same_name(name, "host")) found.host = text_of(value);
        break;
      case 7:
        if (same_name(name, "baggage")) found.others = true;
        break;
      case 10:
        if (same_name(name, "user-agent")) {
          found.user_agent = text_of(value);
        } else if (same_name(name, "tracestate")) {
          found.others = true;
        }
        break;
      case 11:
        if (same_name(name, "traceparent")) found.traceparent = text_of(value);
        break;
    }
  }
  return found;
}

bool parse_traceparent(std::string_view text, Parent* parent) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  if (text.size() < 55 || text[2] != '-' || text[35] != '-' || text[52] != '-') return false;
  uint64_t version, flags;
  Parent read;
  if (!is_hex(text.substr(0, 2), &version) || version == 0xff) return false;
  if (version == 0 ? text.size() != 55 : (text.size() > 55 && text[55] != '-')) return false;
  if (!is_hex(text.substr(3, 16), &read.trace_id.high) ||
      !is_hex(text.substr(19, 16), &read.trace_id.low) ||
      !is_hex(text.substr(36, 16), &read.span_id) || !is_hex(text.substr(53, 2), &flags)) {
    return false;
  }
  if (!read.valid()) return false;
  read.trace_flags = static_cast<uint8_t>(flags & 3);
  read.remote = true;
  *parent = read;
  return true;
}

std::string_view split_host(std::string_view host, int* port) {
  *port = 0;
  const size_t colon = host.rfind(':');
  if (colon != host.npos && host.find(']', colon) == host.npos) {
    std::from_chars(host.data() + colon + 1, host.data() + host.size(), *port);
    host = host.substr(0, colon);
  }
  if (host.size() > 1 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  return host;
}

uint8_t method_index(std::string_view method) {
  for (uint8_t i = 1; i < std::size(kMethods); ++i) {
    if (method == kMethods[i]) return i;
  }
  return 0;
}

std::string_view method_text(uint8_t index) {
  return kMethods[index];
}

std::string_view method_name(const RequestObject* request) {
  return kMethods[request->method];
}

namespace {

std::string template_of(PyObject* route) {
  for (PyObject* name : {keys.path_format, keys.path_plain}) {
    Ref value(PyObject_GetAttr(route, name));
    if (value && PyUnicode_Check(value.get())) return std::string(text_of(value.get()));
    PyErr_Clear();
  }
  return {};
}

/// What mounts have taken off the path, with the values of their parameters put back to names.
std::string mount_prefix(const RequestObject* request) {
  const std::string_view now = text_of(scope_item(request->scope, keys.root_path));
  const std::string_view before = text_of(request->root_path);
  if (now.size() <= before.size() || !now.starts_with(before)) return {};
  const std::string_view added = now.substr(before.size());
  PyObject* parameters = scope_item(request->scope, keys.path_params);
  if (!parameters || !PyDict_Check(parameters) || PyDict_GET_SIZE(parameters) == 0) {
    return std::string(added);
  }
  std::string prefix;
  for (size_t at = 1; at <= added.size();) {
    const size_t end = std::min(added.find('/', at), added.size());
    const std::string_view segment = added.substr(at, end - at);
    std::string shown(segment);
    PyObject *name, *value;
    Py_ssize_t position = 0;
    while (PyDict_Next(parameters, &position, &name, &value)) {
      if (!segment.empty() && safe_str(value) == segment) {
        shown = '{' + std::string(text_of(name)) + '}';
        break;
      }
    }
    prefix.append(1, '/').append(shown);
    at = end + 1;
  }
  return prefix;
}

}  // namespace

std::string route_of(const RequestObject* request) {
  const std::string prefix = mount_prefix(request);
  // FastAPI keeps the whole template of included routers apart from scope["route"].
  if (PyObject* context = scope_item(scope_item(request->scope, keys.fastapi), keys.effective)) {
    const std::string path = template_of(context);
    if (!path.empty()) return prefix + path;
  }
  PyObject* route = scope_item(request->scope, keys.route);
  if (!route || route == Py_None) return prefix;
  const std::string path = template_of(route);
  // A mount's own template ends in what it hands on.
  if (path.ends_with("/{path}") && !prefix.empty()) return prefix;
  return prefix + path;
}

}  // namespace vedette::native
