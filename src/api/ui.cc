#include "api/ui.h"

#include <algorithm>
#include <utility>

namespace vedette::api {
namespace {

// Everything from this server, nothing inline: a value that came with a span can never become a
// script.
constexpr std::string_view kPolicy =
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "object-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

// Prefixes below which an unknown address is a mistake of a program, to be told so, and not a page.
constexpr std::string_view kInterfaces[] = {"/api/",   "/vedette/", "/jaeger/", "/loki/",
                                            "/tempo/", "/v1/",      "/-/",      "/assets/"};

const UiAsset* find(std::span<const UiAsset> assets, std::string_view path) {
  auto found = std::ranges::lower_bound(assets, path, {}, &UiAsset::path);
  return found != assets.end() && found->path == path ? &*found : nullptr;
}

bool is_interface(std::string_view path) {
  return std::ranges::any_of(kInterfaces, [&](std::string_view p) { return path.starts_with(p); });
}

/// Does an If-None-Match header name this tag? (RFC 9110, 13.1.2: weak comparison.)
bool names_tag(std::string_view header, std::string_view etag) {
  while (!header.empty()) {
    size_t comma = header.find(',');
    std::string_view one = header.substr(0, comma);
    header.remove_prefix(comma == std::string_view::npos ? header.size() : comma + 1);
    while (one.starts_with(' ') || one.starts_with('\t')) one.remove_prefix(1);
    while (one.ends_with(' ') || one.ends_with('\t')) one.remove_suffix(1);
    if (one == "*") return true;
    if (one.starts_with("W/")) one.remove_prefix(2);
    if (one == etag) return true;
  }
  return false;
}

net::HttpResponse plain(int status, std::string text) {
  net::HttpResponse response;
  response.status = status;
  response.content_type = "text/plain; charset=utf-8";
  response.body = std::move(text);
  response.headers = {{"x-content-type-options", "nosniff"}};
  return response;
}

net::HttpResponse send(const UiAsset& asset, const net::HttpRequest& request) {
  net::HttpResponse response;
  response.headers = {
      {"etag", std::string(asset.etag)},
      {"cache-control", asset.immutable ? "public, max-age=31536000, immutable" : "no-cache"},
      {"content-security-policy", std::string(kPolicy)},
      {"x-content-type-options", "nosniff"},
      {"referrer-policy", "same-origin"},
  };
  auto known = net::find_header(request.headers, "if-none-match");
  if (known && names_tag(*known, asset.etag)) {
    response.status = 304;
    return response;
  }
  response.content_type = asset.content_type;
  response.body = asset.gzip;
  response.body_is_gzip = true;
  return response;
}

net::HttpResponse answer(std::span<const UiAsset> assets, const net::HttpRequest& request) {
  if (const UiAsset* asset = find(assets, request.path)) return send(*asset, request);
  std::string_view file = std::string_view(request.path).substr(request.path.rfind('/') + 1);
  bool page = !is_interface(request.path) && file.find('.') == std::string_view::npos;
  if (!page) return plain(404, "Nothing is at this address.\n");
  if (const UiAsset* index = find(assets, "/index.html")) return send(*index, request);
  return plain(404,
               "This server was built without its pages: ./dev build makes both.\n"
               "Its interfaces work; docs/api.md lists them.\n");
}

}  // namespace

void add_ui_routes(net::Router& router, std::span<const UiAsset> assets) {
  router.http("GET", "/*", [assets](net::HttpRequest&& request, net::Responder respond) {
    respond(answer(assets, request));
  });
}

}  // namespace vedette::api
