#include "net/exchange.h"

#include <exception>

#include "base/json_writer.h"
#include "base/log.h"
#include "net/gzip.h"

namespace vedette::net {
namespace {

enum class Coding { kIdentity, kGzip, kUnknown };

Coding coding_of(const Headers& headers) {
  const auto value = find_header(headers, "content-encoding");
  if (!value || value->empty() || *value == "identity") return Coding::kIdentity;
  // Remote write's own: its endpoint takes the body apart, within limits of its own.
  if (*value == "snappy") return Coding::kIdentity;
  return *value == "gzip" || *value == "x-gzip" ? Coding::kGzip : Coding::kUnknown;
}

GrpcCode code_of(int status) {
  switch (status) {
    case 404:
    case 405:
    case 415:
      return GrpcCode::kUnimplemented;
    case 413:
      return GrpcCode::kResourceExhausted;
    case 503:
      return GrpcCode::kUnavailable;
    default:
      return status >= 500 ? GrpcCode::kInternal : GrpcCode::kInvalidArgument;
  }
}

HttpResponse unknown_coding(const Headers& headers) {
  auto response =
      refusal(headers, 415, "this Content-Encoding is not supported: send gzip or none");
  response.headers.emplace_back("accept-encoding", "gzip");
  return response;
}

HttpResponse no_route(const Headers& headers, const Router::Match& match, std::string_view method,
                      std::string_view path) {
  if (match.allow.empty()) {
    return refusal(headers, 404, "there is nothing at " + std::string(path.substr(0, 200)));
  }
  auto response = refusal(headers, 405,
                          std::string(path.substr(0, 200)) + " does not take " +
                              std::string(method.substr(0, 32)) + ", only " + match.allow);
  response.headers.emplace_back("allow", match.allow);
  return response;
}

/// Worth compressing? Images and archives are compressed already.
bool is_compressible(std::string_view type) {
  return type.starts_with("text/") || type.starts_with("application/json") ||
         type.starts_with("application/javascript") || type.starts_with("application/x-protobuf") ||
         type.starts_with("application/openmetrics-text") || type.starts_with("image/svg+xml") ||
         type.starts_with("application/health+json") ||
         type.starts_with("application/manifest+json");
}

void to_lower(std::string& text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
}

/// The item's q parameter is zero: "gzip;q=0".
bool is_refused(std::string_view parameters) {
  const size_t q = parameters.find("q=");
  if (q == std::string_view::npos) return false;
  const std::string_view value = parameters.substr(q + 2);
  return value.find_first_not_of("0. ") == std::string_view::npos;
}

}  // namespace

bool accepts_gzip(const Headers& headers) {
  const auto value = find_header(headers, "accept-encoding");
  if (!value) return false;
  std::string_view list = *value;
  bool any = false;
  while (!list.empty()) {
    const size_t end = std::min(list.find(','), list.size());
    std::string_view item = list.substr(0, end);
    list.remove_prefix(std::min(end + 1, list.size()));
    item.remove_prefix(std::min(item.find_first_not_of(" \t"), item.size()));
    const size_t name_end = std::min(item.find_first_of("; \t"), item.size());
    const std::string_view name = item.substr(0, name_end);
    const bool wanted = !is_refused(item.substr(name_end));
    if (name == "gzip" || name == "x-gzip") return wanted;
    if (name == "*") any = wanted;
  }
  return any;
}

HttpResponse refusal(const Headers& request_headers, int status, std::string_view message) {
  const std::string_view type = find_header(request_headers, "content-type").value_or("");
  HttpResponse response{.status = status};
  if (type.starts_with("application/x-protobuf")) {
    response.content_type = "application/x-protobuf";
    response.body = h2::encode_rpc_status(code_of(status), message);
  } else if (type.starts_with("application/json")) {
    base::JsonWriter json;
    json.begin_object()
        .field("code", static_cast<int>(code_of(status)))
        .field("message", message)
        .end_object();
    response.content_type = "application/json";
    response.body = json.take();
  } else {
    response.content_type = "text/plain; charset=utf-8";
    response.body = std::string(message) + "\n";
  }
  return response;
}

HttpResponse busy(const Headers& request_headers) {
  auto response =
      refusal(request_headers, 503, "too much data is being received at once; retry later");
  response.headers.emplace_back("retry-after", "1");
  return response;
}

bool split_target(std::string_view target, std::string& path, std::string& query) {
  // A proxy's absolute form: only the path is ours.
  if (target.starts_with("http://") || target.starts_with("https://")) {
    const size_t slash = target.find('/', target.find("//") + 2);
    target = slash == target.npos ? std::string_view("/") : target.substr(slash);
  }
  target = target.substr(0, target.find('#'));
  const size_t question = std::min(target.find('?'), target.size());
  auto decoded = url_decode(target.substr(0, question), false);
  if (!decoded) return false;
  path = std::move(*decoded);
  query = target.substr(std::min(question + 1, target.size()));
  return true;
}

std::optional<HttpResponse> refuse_body(const Host& host, std::string_view method,
                                        std::string_view path, const Headers& headers) {
  const auto match = host.router->find_http(method, path);
  if (!match.route) return no_route(headers, match, method, path);
  if (coding_of(headers) == Coding::kUnknown) return unknown_coding(headers);
  return std::nullopt;
}

WireResponse to_wire(HttpResponse&& response, bool takes_gzip, bool head, size_t gzip_min) {
  WireResponse wire{.status = response.status, .headers = std::move(response.headers)};
  wire.head_only = head;
  for (auto& [name, value] : wire.headers) to_lower(name);
  if (!response.content_type.empty())
    wire.headers.emplace_back("content-type", response.content_type);
  const bool coded = find_header(wire.headers, "content-encoding").has_value();
  const bool compressible =
      !coded && response.body.size() >= gzip_min && is_compressible(response.content_type);
  if (response.body_is_gzip && !takes_gzip) {
    // Our own body: as large as we made it.
    if (auto plain = gunzip(response.body, size_t{1} << 30); plain.ok()) {
      response.body = std::move(*plain);
    } else {
      log_error("a response marked gzip is not", {{"error", plain.error().message}});
      return {.status = 500, .headers = {}, .body = {}};
    }
  } else if (!response.body_is_gzip && takes_gzip && compressible) {
    response.body = gzip(response.body);
    response.body_is_gzip = true;
  }
  if (response.body_is_gzip && takes_gzip) wire.headers.emplace_back("content-encoding", "gzip");
  if (response.body_is_gzip || compressible) wire.headers.emplace_back("vary", "accept-encoding");
  wire.body = std::move(response.body);
  return wire;
}

void serve_http(Host& host, HttpRequest&& request, bool head, std::shared_ptr<Exchange> exchange,
                std::shared_ptr<ReplySink> sink, uint64_t id) {
  host.counters->requests.fetch_add(1, std::memory_order_relaxed);
  const bool takes_gzip = accepts_gzip(request.headers);
  Responder responder([exchange, sink = std::move(sink), id, takes_gzip, head,
                       gzip_min = host.limits.response_gzip_min](HttpResponse&& response) {
    // Compression runs here, on the thread that made the response.
    sink->reply(id, to_wire(std::move(response), takes_gzip, head, gzip_min));
  });
  const auto match = host.router->find_http(request.method, request.path);
  if (!match.route)
    return responder(no_route(request.headers, match, request.method, request.path));

  switch (coding_of(request.headers)) {
    case Coding::kIdentity:
      break;
    case Coding::kUnknown:
      return responder(unknown_coding(request.headers));
    case Coding::kGzip: {
      auto plain = gunzip(request.body, host.limits.body_bytes_max,
                          host.buffers.take(request.body.size() * 8));
      if (!plain.ok()) {
        return responder(
            refusal(request.headers, http_status(plain.error().code), plain.error().message));
      }
      if (!exchange->held.add(plain->size())) {
        return responder(busy(request.headers));
      }
      host.buffers.give(std::exchange(request.body, std::move(*plain)));
    }
  }
  request.cancelled = std::shared_ptr<const std::atomic<bool>>(exchange, &exchange->cancelled);
  try {
    match.route->handler(std::move(request), std::move(responder));
  } catch (const std::exception& e) {
    // The Responder went with the stack and has answered 500.
    log_error("a handler threw", {{"path", request.path}, {"error", e.what()}});
  }
  host.buffers.give(std::move(request.body));
}

}  // namespace vedette::net
