#include "net/server.h"

namespace vedette::net {
namespace {

bool in_list(std::string_view methods, std::string_view method) {
  while (!methods.empty()) {
    const size_t end = std::min(methods.find(','), methods.size());
    if (methods.substr(0, end) == method) return true;
    methods.remove_prefix(std::min(end + 1, methods.size()));
  }
  return false;
}

}  // namespace

void Router::http(std::string methods, std::string path, HttpHandler handler) {
  std::erase(methods, ' ');
  const bool prefix = path.ends_with("/*");
  if (prefix) path.pop_back();
  http_.push_back({std::move(methods), std::move(path), prefix, std::move(handler)});
}

void Router::grpc(std::string path, UnaryHandler handler) {
  grpc_.emplace_back(std::move(path), std::move(handler));
}

Router::Match Router::find_http(std::string_view method, std::string_view path) const {
  Match match;
  size_t best = 0;  // an exact path beats every prefix
  for (const HttpRoute& route : http_) {
    if (route.prefix ? !path.starts_with(route.path) : path != route.path) continue;
    const size_t rank = route.prefix ? route.path.size() : path.size() + 1;
    if (rank < best) continue;
    if (rank > best) match = {};
    best = rank;
    if (in_list(route.methods, method)) {
      match.route = &route;
    } else {
      match.allow += (match.allow.empty() ? "" : ",") + route.methods;
    }
  }
  return match;
}

const UnaryHandler* Router::find_grpc(std::string_view path) const {
  for (const auto& [method, handler] : grpc_) {
    if (method == path) return &handler;
  }
  return nullptr;
}

}  // namespace vedette::net
