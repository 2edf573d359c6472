// What LogQL's labels mean here, and log queries as conditions on rows.
//
//   service_name        the service
//   severity, level     TRACE, DEBUG, INFO, WARN, ERROR, FATAL; in a query in any case
//   trace_id, span_id   the ids, in hex
//   anything else       an attribute of the record, else of its resource; what a label can't hold
//   is "_"
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "query/logql/query.h"
#include "store/predicate.h"

namespace vedette::logql {

inline constexpr std::string_view kServiceLabel = "service_name";
inline constexpr std::string_view kSeverityLabel = "severity";
inline constexpr std::string_view kLevelLabel = "level";
inline constexpr std::string_view kTraceLabel = "trace_id";
inline constexpr std::string_view kSpanLabel = "span_id";

/// "http.route" -> "http_route"
std::string label_name(std::string_view attribute_key);

/// Attribute keys that label_name() turns into this label.
using KeysOfLabel = std::function<std::vector<std::string>(const std::string& label)>;

/// kInvalidArgument for values that can't be, such as a trace id that is none.
Result<std::vector<store::Predicate>> conditions(const LogQuery& query,
                                                 const KeysOfLabel& keys_of_label);

}  // namespace vedette::logql
