// The list of what is stored: parts, and up to which log record each table's rows are in them. One
// small file, replaced as a whole. docs/format/manifest.md.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "base/fs.h"
#include "base/result.h"
#include "store/engine/table.h"

namespace vedette::store::engine {

/// The tables that the engine runs, in the order in which it keeps things by table.
inline constexpr std::array kEngineTables = {Table::kSpans, Table::kLogs, Table::kSamples};
std::string_view table_name(Table table);
std::optional<Table> table_of_name(std::string_view name);

struct Manifest {
  uint64_t next_file = 1;  // part files are numbered, never twice
  /// Log records from this number on hold rows of the table that are in no part.
  std::array<uint64_t, kEngineTables.size()> replay_from = {1, 1, 1};
  std::vector<PartInfo> parts;

  std::string encode() const;
  /// kCorruption where the text is not whole or not understood.
  static Result<Manifest> decode(std::string_view text);
};

/// Replaces the file at `path`. If it fails with `in_place` true, either of the two manifests may
/// be the one that a restart finds.
Status save_manifest(base::Fs& fs, const std::string& path, const Manifest& manifest,
                     bool& in_place);

}  // namespace vedette::store::engine
