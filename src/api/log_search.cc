#include "api/log_search.h"

#include "api/request_params.h"

namespace vedette::api {
namespace {

/// The first `wanted` records in order, as blocks come in. Records are rendered only while they may
/// be wanted.
class FirstLogs {
 public:
  FirstLogs(size_t wanted, bool newest_first) : wanted_(wanted), newest_first_(newest_first) {}

  bool wants(int64_t time_ns) const {
    return heap_.size() < wanted_ || !comes_before(heap_.front().time_ns, time_ns);
  }

  void add(FoundLog log) {
    heap_.push_back(std::move(log));
    std::push_heap(heap_.begin(), heap_.end(), before_);
    if (heap_.size() > wanted_) {
      std::pop_heap(heap_.begin(), heap_.end(), before_);
      heap_.pop_back();
    }
  }

  /// True when nothing that comes can be among the first.
  bool settled(int64_t bound_ns) const {
    return heap_.size() >= wanted_ && comes_before(heap_.front().time_ns, bound_ns);
  }

  std::vector<FoundLog> take() {
    std::sort_heap(heap_.begin(), heap_.end(), before_);
    return std::move(heap_);
  }

 private:
  bool comes_before(int64_t a, int64_t b) const { return newest_first_ ? a > b : a < b; }

  size_t wanted_;
  bool newest_first_;
  std::function<bool(const FoundLog&, const FoundLog&)> before_ = [this](const FoundLog& a,
                                                                         const FoundLog& b) {
    return a.time_ns != b.time_ns ? comes_before(a.time_ns, b.time_ns)
                                  : a.rendered.json < b.rendered.json;
  };
  std::vector<FoundLog> heap_;  // the last in order on top
};

}  // namespace

Result<LogCursor> LogCursor::parse(std::string_view text) {
  LogCursor cursor;
  const char* end = text.data() + text.size();
  auto [at, error] = std::from_chars(text.data(), end, cursor.time_ns);
  if (error == std::errc() && at != end && *at == '.') {
    const auto [rest, second_error] = std::from_chars(at + 1, end, cursor.given);
    if (second_error == std::errc() && rest == end && cursor.given <= 1'000'000) return cursor;
  }
  return invalid_parameter("cursor", text, "give back the `next` of an earlier answer as it was");
}

Result<FoundLogs> search_logs(store::Store& store, const LogSearch& search,
                              const LogRenderer& render, const store::ReadContext& context) {
  store::RowQuery query;
  query.range = search.range;
  query.where = search.where;
  query.columns = store::Columns::everything();
  query.order = search.newest_first ? store::Order::kNewestFirst : store::Order::kOldestFirst;
  const size_t skip = search.after ? search.after->given : 0;
  if (search.after && search.newest_first)
    query.range.end_ns = std::min(query.range.end_ns, search.after->time_ns + 1);
  if (search.after && !search.newest_first)
    query.range.begin_ns = std::max(query.range.begin_ns, search.after->time_ns);
  FirstLogs first(skip + search.limit + 1, search.newest_first);
  RETURN_IF_ERROR(store.scan_logs(query, context, [&](const store::Block<model::LogBatch>& block) {
    for (uint32_t row : block.rows) {
      const int64_t time = block.batch.time_ns[row];
      if (first.wants(time)) first.add({time, render(block.batch, row)});
    }
    return !first.settled(block.bound_ns);
  }));
  FoundLogs found;
  found.logs = first.take();
  const bool more = found.logs.size() == skip + search.limit + 1;
  if (more) found.logs.pop_back();
  if (more) {
    const int64_t last = found.logs.back().time_ns;
    const auto given = std::count_if(found.logs.begin(), found.logs.end(),
                                     [&](const FoundLog& l) { return l.time_ns == last; });
    found.next = LogCursor{last, static_cast<uint64_t>(given)};
  }
  found.logs.erase(found.logs.begin(),
                   found.logs.begin() + static_cast<ptrdiff_t>(std::min(skip, found.logs.size())));
  return found;
}

}  // namespace vedette::api
