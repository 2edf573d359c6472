// Exemplars of one series in a part, to bytes and back (docs/format/sample_part.md, "Exemplars").
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "store/engine/exemplar_head.h"

namespace vedette::store::engine {

void encode_exemplars(std::span<const ExemplarRow> rows, std::string& out);
/// Puts the rows behind what `out` holds. False: malformed.
bool decode_exemplars(std::string_view bytes, std::vector<ExemplarRow>& out);
/// Of each hour at most kExemplarsPerSeries rows stay, the newest. `rows` are by time.
void thin_exemplars(std::vector<ExemplarRow>& rows);

}  // namespace vedette::store::engine
