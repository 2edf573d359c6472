// URLs of requests as spans may show them: without credentials.
//
// Semantic conventions, HTTP, url.full: user information and the values of query parameters that
// carry signatures read "REDACTED". Any thread; never fails: text that is no URL has no parts.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace vedette::sdk {

struct UrlParts {
  std::string_view scheme;
  std::string_view userinfo;
  std::string_view host;      // without the brackets of IPv6
  std::string_view path;      // with its leading slash
  std::string_view query;     // without "?"
  std::string_view fragment;  // without "#"
  uint32_t port = 0;          // 0: the scheme's own
};

/// The parts of an absolute URL; they point into `url`.
UrlParts split_url(std::string_view url);

/// Does a query parameter of this name carry what gives access?
bool is_secret_parameter(std::string_view name);

/// The port a client connects to; 0 when the scheme is not HTTP's and none is given.
uint32_t effective_port(const UrlParts& url);

/// Appends the URL, redacted.
void append_redacted_url(std::string& out, const UrlParts& url);

}  // namespace vedette::sdk
