// Serves the UI: its files, and its first page for every address that is one of its pages.
#pragma once

#include <span>

#include "api/ui_assets.h"
#include "net/server.h"

namespace vedette::api {

/// Adds the UI's routes to `router`: "/", "/assets/*", the favicon, and "/*" for the pages' own
/// addresses. Any more exact route goes before. `assets` must outlive the router; tests pass their
/// own.
void add_ui_routes(net::Router& router, std::span<const UiAsset> assets = ui_assets());

}  // namespace vedette::api
