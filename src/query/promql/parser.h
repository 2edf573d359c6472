// PromQL text to expression trees. Error texts and positions are Prometheus's ("1:5: parse error:
// …"), code kInvalidArgument. Thread-safe: no state outside of a call.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "query/promql/ast.h"

namespace vedette::promql {

/// Parses and type-checks a query.
Result<NodePtr> parse_expression(std::string_view query);

/// The matchers of a bare selector, as in `match[]`; it may match the empty label set.
Result<std::vector<store::Matcher>> parse_selector(std::string_view text);

/// Whether a matcher lets a missing label through. The expression of a regex matcher has been
/// checked.
bool matches_empty(const store::Matcher& matcher);

}  // namespace vedette::promql
