// Reading an ASGI scope: servers differ in whether strings are interned, lists are tuples, keys are
// there.
#pragma once

#include <string>
#include <string_view>

#include "asgi.h"
#include "python.h"

namespace vedette::native {

/// An item of the scope, borrowed; null when it is missing. Never an exception.
PyObject* scope_item(PyObject* scope, PyObject* key);

/// A str or bytes as text; empty for anything else.
std::string_view text_of(PyObject* object);

/// The headers that matter, in one pass.
struct Headers {
  std::string_view traceparent;
  std::string_view user_agent;
  std::string_view host;
  bool others = false;  // tracestate or baggage are there
};
Headers read_headers(PyObject* scope);

/// W3C Trace Context, level 1, 3.2: false when it is malformed.
bool parse_traceparent(std::string_view text, Parent* parent);

/// "host:port" or "[::1]:port"; port 0 when there is none.
std::string_view split_host(std::string_view host, int* port);

/// Which of the known methods; index 0 is "_OTHER".
uint8_t method_index(std::string_view method);
std::string_view method_text(uint8_t index);

/// Interned keys, made once.
struct ScopeKeys {
  PyObject *type, *status, *http, *lifespan, *method, *path, *scheme, *http_version, *client,
      *server, *headers, *root_path, *route, *path_format, *path_plain, *fastapi, *effective,
      *path_params, *marker, *response_start, *response_body, *more_body, *websocket, *code;
  bool load();
};
extern ScopeKeys keys;

}  // namespace vedette::native
