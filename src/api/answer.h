// Answers of /vedette/v1, and telemetry as JSON for all APIs.
#pragma once

#include <string>

#include "base/json_writer.h"
#include "base/result.h"
#include "model/attributes.h"
#include "model/ids.h"
#include "net/http.h"

namespace vedette::api {

net::HttpResponse json_answer(std::string body);
/// {"error":{"code":…,"message":…}} with the HTTP status of the error.
net::HttpResponse error_answer(const Error& error);
/// The body, or the error.
net::HttpResponse answer(Result<std::string> body);

/// A moment: nanoseconds as a string.
void write_moment(base::JsonWriter& json, std::string_view key, int64_t ns);
/// Typed: numbers as numbers up to 2^53, arrays and maps as JSON.
void write_value(base::JsonWriter& json, const model::Value& value,
                 const model::StringTable& strings);
/// "attributes":{…}
void write_attributes(base::JsonWriter& json, std::string_view key,
                      const model::AttributeColumns& columns, uint32_t row,
                      const model::StringTable& strings);
void write_attributes(base::JsonWriter& json, std::string_view key,
                      const model::AttributeList& list, const model::StringTable& strings);
/// The id in hex, or "" where it is missing.
std::string hex_or_empty(model::TraceId id);
std::string span_hex_or_empty(model::SpanId id);

}  // namespace vedette::api
