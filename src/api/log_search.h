// Finding log records: the newest (or oldest) that meet all conditions, page by page.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "store/store.h"

namespace vedette::api {

/// Where a page ended: the time of its last record, and how many records of that time were given.
struct LogCursor {
  int64_t time_ns = 0;
  uint64_t given = 0;

  static Result<LogCursor> parse(std::string_view text);
  std::string to_string() const { return std::to_string(time_ns) + "." + std::to_string(given); }
};

struct LogSearch {
  store::TimeRange range;
  std::vector<store::Predicate> where;
  size_t limit = 100;
  bool newest_first = true;
  std::optional<LogCursor> after;
};

/// As the renderer wrote it.
struct RenderedLog {
  std::string json;
  std::string stream{};  // what the record is grouped by, for answers that group
};

struct FoundLog {
  int64_t time_ns;
  RenderedLog rendered;
};

struct FoundLogs {
  std::vector<FoundLog> logs;
  std::optional<LogCursor> next;  // nothing: no more
};

using LogRenderer = std::function<RenderedLog(const model::LogBatch&, uint32_t row)>;

/// Records of one time come in the order of their rendered text, so that pages neither repeat nor
/// miss any.
Result<FoundLogs> search_logs(store::Store& store, const LogSearch& search,
                              const LogRenderer& render, const store::ReadContext& context);

}  // namespace vedette::api
