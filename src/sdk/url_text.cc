#include "sdk/url_text.h"

#include <algorithm>
#include <charconv>

namespace vedette::sdk {
namespace {

constexpr std::string_view kRedacted = "REDACTED";

/// Query parameters whose values give access; in lower case.
constexpr std::string_view kSecretParameters[] = {
    "awsaccesskeyid",
    "signature",
    "sig",
    "x-goog-signature",
    "x-goog-credential",
    "x-amz-signature",
    "access_token",
    "token",
    "x-amz-security-token",
    "x-amz-credential",
    "api_key",
    "apikey",
    "password",
    "passwd",
    "client_secret",
    "secret",
};

void append_redacted_query(std::string& out, std::string_view query) {
  while (true) {
    const size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    const size_t equals = pair.find('=');
    if (equals != pair.npos && is_secret_parameter(pair.substr(0, equals))) {
      out.append(pair.substr(0, equals + 1)).append(kRedacted);
    } else {
      out.append(pair);
    }
    if (end == query.size()) return;
    out += '&';
    query.remove_prefix(end + 1);
  }
}

}  // namespace

bool is_secret_parameter(std::string_view name) {
  return std::any_of(
      std::begin(kSecretParameters), std::end(kSecretParameters), [&](std::string_view known) {
        return known.size() == name.size() &&
               std::equal(known.begin(), known.end(), name.begin(), [](char lower, char c) {
                 return lower == (c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c);
               });
      });
}

UrlParts split_url(std::string_view url) {
  UrlParts parts;
  const size_t scheme_end = url.find("://");
  if (scheme_end == url.npos) return parts;
  parts.scheme = url.substr(0, scheme_end);
  url.remove_prefix(scheme_end + 3);
  if (const size_t hash = url.find('#'); hash != url.npos) {
    parts.fragment = url.substr(hash + 1);
    url = url.substr(0, hash);
  }
  if (const size_t mark = url.find('?'); mark != url.npos) {
    parts.query = url.substr(mark + 1);
    url = url.substr(0, mark);
  }
  const size_t slash = std::min(url.find('/'), url.size());
  parts.path = url.substr(slash);
  std::string_view authority = url.substr(0, slash);
  if (const size_t at = authority.rfind('@'); at != authority.npos) {
    parts.userinfo = authority.substr(0, at);
    authority.remove_prefix(at + 1);
  }
  const size_t bracket = authority.rfind(']');
  const size_t colon = authority.rfind(':');
  if (colon != authority.npos && (bracket == authority.npos || colon > bracket)) {
    std::from_chars(authority.data() + colon + 1, authority.data() + authority.size(), parts.port);
    authority = authority.substr(0, colon);
  }
  if (authority.size() > 1 && authority.front() == '[' && authority.back() == ']') {
    authority = authority.substr(1, authority.size() - 2);
  }
  parts.host = authority;
  return parts;
}

uint32_t effective_port(const UrlParts& url) {
  if (url.port) return url.port;
  return url.scheme == "https" ? 443 : url.scheme == "http" ? 80 : 0;
}

void append_redacted_url(std::string& out, const UrlParts& url) {
  out.append(url.scheme).append("://");
  if (!url.userinfo.empty()) out.append(kRedacted).append(":").append(kRedacted).append("@");
  const bool brackets = url.host.find(':') != url.host.npos;
  if (brackets) out += '[';
  out.append(url.host);
  if (brackets) out += ']';
  if (url.port) out.append(":").append(std::to_string(url.port));
  out.append(url.path);
  if (!url.query.empty()) {
    out += '?';
    append_redacted_query(out, url.query);
  }
  if (!url.fragment.empty()) out.append("#").append(url.fragment);
}

}  // namespace vedette::sdk
