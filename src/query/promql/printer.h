// Expression trees back to text: on one line as Prometheus prints them in rules and its UI, or
// indented as its /api/v1/format_query answers.
#pragma once

#include <string>

#include "query/promql/ast.h"

namespace vedette::promql {

std::string print(const Node& node);
/// Broken into lines wherever one would be longer than 100 bytes.
std::string pretty(const Node& node);
std::string print(const store::Matcher& matcher);

}  // namespace vedette::promql
