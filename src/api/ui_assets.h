// The files of the UI as they lie in the binary. Written at build time by tools/embed.py.
#pragma once

#include <span>
#include <string_view>

namespace vedette::api {

struct UiAsset {
  std::string_view path;  // "/index.html", "/assets/index-BWxcIeeI.js"
  std::string_view content_type;
  std::string_view etag;  // with its quotes
  std::string_view gzip;
  bool immutable;  // its name carries a hash of its content
};

/// Sorted by path; empty where the server was built without the UI.
std::span<const UiAsset> ui_assets();

}  // namespace vedette::api
