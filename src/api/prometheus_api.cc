#include "api/prometheus_api.h"

#include "api/runner.h"
#include "base/json_writer.h"

namespace vedette::api {
namespace {

using base::JsonWriter;

struct ErrorKind {
  int status;
  const char* type;
};

ErrorKind kind_of(Code code) {
  switch (code) {
    case Code::kInvalidArgument:
    case Code::kTooLarge:
      return {400, "bad_data"};
    case Code::kExecution:
    case Code::kUnimplemented:
      return {422, "execution"};
    case Code::kDeadlineExceeded:
      return {503, "timeout"};
    case Code::kUnavailable:
    case Code::kResourceExhausted:
      return {503, "unavailable"};
    case Code::kCancelled:
      return {499, "canceled"};
    case Code::kNotFound:
      return {404, "not_found"};
    default:
      return {500, "internal"};
  }
}

void write_texts(JsonWriter& json, const char* key, const std::vector<std::string>& texts,
                 const char* kind) {
  constexpr size_t kTextsMax = 10;
  if (texts.empty()) return;
  json.key(key).begin_array();
  for (size_t i = 0; i < texts.size() && i < kTextsMax; ++i) json.value(texts[i]);
  if (texts.size() > kTextsMax) {
    json.value(std::to_string(texts.size() - kTextsMax) + " more " + kind + " annotations omitted");
  }
  json.end_array();
}

net::HttpResponse respond(PrometheusResult result) {
  if (!result.ok()) return prometheus_error(result.error());
  JsonWriter json;
  json.begin_object().field("status", "success").key("data").raw(result->data);
  write_texts(json, "warnings", result->warnings, "warning");
  write_texts(json, "infos", result->infos, "info");
  json.end_object();
  return {200, "application/json", json.take(), {}};
}

/// U__a_2e_b is a.b: names in paths are escaped as the exposition formats escape them (U__, then
/// _hex_ for a character and __ for _). Other names stand for themselves.
std::string unescape_name(std::string_view name) {
  if (!name.starts_with("U__")) return std::string(name);
  std::string out;
  const std::string_view escaped = name.substr(3);
  for (size_t i = 0; i < escaped.size(); ++i) {
    if (escaped[i] != '_') {
      out += escaped[i];
      continue;
    }
    const size_t end = escaped.find('_', i + 1);
    if (end == std::string_view::npos) return std::string(name);
    uint32_t rune = '_';
    const std::string_view hex = escaped.substr(i + 1, end - i - 1);
    if (!hex.empty()) {
      const auto parsed = std::from_chars(hex.data(), hex.data() + hex.size(), rune, 16);
      if (parsed.ec != std::errc() || parsed.ptr != hex.data() + hex.size() || rune > 0x10ffff)
        return std::string(name);
    }
    const auto wide = static_cast<char32_t>(rune);
    if (wide < 0x80) {
      out += static_cast<char>(wide);
    } else if (wide < 0x800) {
      out += {static_cast<char>(0xc0 | (wide >> 6)), static_cast<char>(0x80 | (wide & 0x3f))};
    } else if (wide < 0x10000) {
      out +=
          {static_cast<char>(0xe0 | (wide >> 12)), static_cast<char>(0x80 | ((wide >> 6) & 0x3f)),
           static_cast<char>(0x80 | (wide & 0x3f))};
    } else {
      out +=
          {static_cast<char>(0xf0 | (wide >> 18)), static_cast<char>(0x80 | ((wide >> 12) & 0x3f)),
           static_cast<char>(0x80 | ((wide >> 6) & 0x3f)), static_cast<char>(0x80 | (wide & 0x3f))};
    }
    i = end;
  }
  return out;
}

PrometheusResult label_values(const PrometheusRequest& request, std::string_view path) {
  constexpr std::string_view kPrefix = "/api/v1/label/", kSuffix = "/values";
  std::string_view label = path.substr(kPrefix.size());
  if (!label.ends_with(kSuffix)) return Error{Code::kNotFound, "there is no " + std::string(path)};
  label.remove_suffix(kSuffix.size());
  return prometheus_label_values(request, unescape_name(label));
}

}  // namespace

net::HttpResponse prometheus_error(const Error& error) {
  const ErrorKind kind = kind_of(error.code);
  JsonWriter json;
  json.begin_object()
      .field("status", "error")
      .field("errorType", kind.type)
      .field("error", error.message)
      .end_object();
  return {kind.status, "application/json", json.take(), {}};
}

void serve_prometheus_api(net::Router& router, Runner& runner, store::Store& store,
                          const base::Clock& clock, const promql::QueryOptions& options) {
  using Handler =
      std::function<PrometheusResult(const PrometheusRequest&, const net::HttpRequest&)>;
  const auto serve = [&](const char* methods, const char* path, Handler handler) {
    const auto work = [&store, &clock, options, handler](const net::HttpRequest& http,
                                                         const store::ReadContext& context) {
      const auto parameters = net::Parameters::of(http);
      if (!parameters.ok()) return prometheus_error(parameters.error());
      return respond(handler({*parameters, store, context, options, clock.now_ns()}, http));
    };
    runner.serve(router, methods, path, work, prometheus_error);
  };
  const auto plain = [](PrometheusResult (*f)(const PrometheusRequest&)) {
    return [f](const PrometheusRequest& request, const net::HttpRequest&) { return f(request); };
  };
  serve("GET,POST", "/api/v1/query", plain(prometheus_query));
  serve("GET,POST", "/api/v1/query_range", plain(prometheus_query_range));
  serve("GET,POST", "/api/v1/format_query", plain(prometheus_format_query));
  serve("GET,POST", "/api/v1/series", plain(prometheus_series));
  serve("GET,POST", "/api/v1/labels", plain(prometheus_labels));
  serve("GET,POST", "/api/v1/query_exemplars", plain(prometheus_exemplars));
  serve("GET", "/api/v1/metadata", plain(prometheus_metadata));
  serve("GET", "/api/v1/status/buildinfo", plain(prometheus_buildinfo));
  serve("GET", "/api/v1/label/*",
        [](const PrometheusRequest& request, const net::HttpRequest& http) {
          return label_values(request, http.path);
        });
}

}  // namespace vedette::api
