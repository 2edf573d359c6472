// What a client that may retry is told, alike in every protocol.
#pragma once

#include <chrono>
#include <optional>

#include "base/result.h"

namespace vedette::ingest {

/// When to come back; nothing where a retry would fail again.
std::optional<std::chrono::seconds> retry_after(Code code);

/// The HTTP status of a failed write. Senders retry 429 and 503, and give up on 4xx.
int write_error_status(Code code);

}  // namespace vedette::ingest
