// What can be told and taken from a span when only its OTLP bytes are there, or nearly so.
#pragma once

#include <string>
#include <string_view>

#include "sdk/span_record.h"

namespace vedette::sdk {

/// Did it go wrong? Status ERROR, an exception event, or an HTTP status of 500 and more.
bool has_failed(const SpanHead& head, const SpanRecord& record);

/// An encoded Span message without attributes, events and links, which it counts as dropped. Bytes
/// that are no message come back as they are.
std::string without_detail(std::string_view span);

}  // namespace vedette::sdk
