#include "sdk/endpoint.h"

#include <protozero/pbf_reader.hpp>

#include "sdk/otlp_fields.h"

namespace vedette::sdk {

std::string Endpoint::url() const {
  if (protocol == Protocol::kFile) return "file:" + path;
  const bool v6 = host.find(':') != std::string::npos;
  return (tls ? "https://" : "http://") + (v6 ? '[' + host + ']' : host) + ':' +
         std::to_string(port) + path;
}

Status parse_url(std::string_view url, bool insecure, Endpoint* out) {
  const std::string whole(url);
  const auto bad = [&](std::string_view why) {
    return Status(Code::kInvalidArgument, "endpoint \"" + whole + "\": " + std::string(why));
  };
  out->tls = !insecure;
  if (const size_t scheme_end = url.find("://"); scheme_end != url.npos) {
    const std::string_view scheme = url.substr(0, scheme_end);
    if (scheme != "http" && scheme != "https") return bad("the scheme must be http or https");
    out->tls = scheme == "https";
    url.remove_prefix(scheme_end + 3);
  }
  const size_t path_start = std::min(url.find_first_of("/?#"), url.size());
  std::string_view authority = url.substr(0, path_start);
  out->path = std::string(url.substr(path_start));
  if (out->path.empty() || out->path[0] != '/') out->path.insert(0, "/");
  if (const size_t at = authority.rfind('@'); at != authority.npos) authority.remove_prefix(at + 1);

  std::string_view port;
  if (!authority.empty() && authority[0] == '[') {
    const size_t close = authority.find(']');
    if (close == authority.npos) return bad("\"[\" without \"]\"");
    out->host = std::string(authority.substr(1, close - 1));
    if (close + 1 < authority.size() && authority[close + 1] == ':') {
      port = authority.substr(close + 2);
    }
  } else if (const size_t colon = authority.rfind(':'); colon != authority.npos) {
    out->host = std::string(authority.substr(0, colon));
    port = authority.substr(colon + 1);
  } else {
    out->host = std::string(authority);
  }
  if (out->host.empty()) return bad("the host is missing");
  if (port.empty()) {
    out->port = out->protocol == Protocol::kGrpc ? 4317 : out->tls ? 443 : 80;
    return {};
  }
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), out->port);
  if (error != std::errc() || end != port.data() + port.size() || out->port == 0) {
    return bad("the port must be a number from 1 to 65535");
  }
  return {};
}

void read_partial_success(std::string_view response, SendResult* result) {
  try {
    protozero::pbf_reader message(response.data(), response.size());
    while (message.next(otlp::Response::kPartialSuccess)) {
      protozero::pbf_reader partial = message.get_message();
      while (partial.next()) {
        if (partial.tag() == otlp::PartialSuccess::kRejected) {
          result->rejected = static_cast<uint64_t>(std::max<int64_t>(partial.get_int64(), 0));
        } else if (partial.tag() == otlp::PartialSuccess::kMessage) {
          result->message = partial.get_string();
        } else {
          partial.skip();
        }
      }
    }
  } catch (const std::exception&) {
    // Not protobuf: the batch was taken all the same.
  }
}

namespace {

/// What follows `"name":`, anywhere in the text, a quote left out. Quotes within strings of JSON
/// have a backslash before them, so that no message can pass for a key.
std::string_view after_key(std::string_view json, std::string_view name) {
  const std::string key = '"' + std::string(name) + '"';
  constexpr std::string_view kSpace = " \t\r\n";
  const auto skip_space = [&] {
    json.remove_prefix(std::min(json.find_first_not_of(kSpace), json.size()));
  };
  const size_t at = json.find(key);
  if (at == json.npos) return {};
  json.remove_prefix(at + key.size());
  skip_space();
  if (!json.starts_with(':')) return {};
  json.remove_prefix(1);
  skip_space();
  if (json.starts_with('"')) json.remove_prefix(1);
  return json;
}

}  // namespace

void read_json_partial_success(std::string_view response, SendResult* result) {
  for (const char* name : {"rejectedSpans", "rejectedLogRecords", "rejectedDataPoints"}) {
    const std::string_view number = after_key(response, name);
    std::from_chars(number.data(), number.data() + number.size(), result->rejected);
  }
  const std::string_view text = after_key(response, "errorMessage");
  for (size_t i = 0; i < text.size() && text[i] != '"'; ++i) {
    // For a person: an escape is shown as the character it names, or as it is.
    if (text[i] == '\\' && i + 1 < text.size() && text[i + 1] != 'u') ++i;
    result->message += text[i];
  }
}

}  // namespace vedette::sdk
