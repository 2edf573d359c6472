// Log records as Loki's clients see them: a stream of labels, and lines with structured metadata.
#pragma once

#include <string>

#include "api/log_search.h"

namespace vedette::api {

/// The stream: service, severity and the resource's attributes; with `categorize` the record's
/// attributes and ids stand at the line, else they are labels too.
RenderedLog render_loki_entry(const model::LogBatch& batch, uint32_t row, bool categorize);

/// "ERROR", or "error" for the label `level`; empty where there is none.
std::string severity_label(uint8_t severity, bool lower_case);

}  // namespace vedette::api
