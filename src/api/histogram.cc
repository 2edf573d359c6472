#include "api/histogram.h"

#include "api/answer.h"
#include "api/request_params.h"

namespace vedette::api {

Answer render_histogram(const VedetteApi& api, const net::Parameters& p, const Histogram& histogram,
                        std::vector<store::Predicate> where, const store::ReadContext& context) {
  store::CountQuery query;
  query.table = histogram.table;
  ASSIGN_OR_RETURN(query.range, time_range(p, api.clock.now_ns()));
  ASSIGN_OR_RETURN(const size_t buckets, count(p, "buckets", 60, 1000));
  const int64_t width = std::max<int64_t>(1, query.range.end_ns - query.range.begin_ns);
  query.step_ns = (width + static_cast<int64_t>(buckets) - 1) / static_cast<int64_t>(buckets);
  query.where = std::move(where);
  query.group_by = histogram.group_by;
  ASSIGN_OR_RETURN(const std::vector<store::CountSeries> series, api.store.counts(query, context));
  const size_t steps = static_cast<size_t>((width + query.step_ns - 1) / query.step_ns);
  const auto rank = [&](const std::string& name) {
    return std::find(histogram.order.begin(), histogram.order.end(), name) -
           histogram.order.begin();
  };
  std::map<std::pair<ptrdiff_t, std::string>, std::vector<uint64_t>> groups;
  for (const store::CountSeries& s : series) {
    const std::string name = histogram.display(s.group);
    std::vector<uint64_t>& counts = groups[{rank(name), name}];
    counts.resize(steps);
    for (size_t i = 0; i < std::min(steps, s.counts.size()); ++i) counts[i] += s.counts[i];
  }
  base::JsonWriter json;
  json.begin_object();
  write_moment(json, "start_ns", query.range.begin_ns);
  json.field("step_ns", query.step_ns).key("series").begin_array();
  for (const auto& [key, counts] : groups) {
    json.begin_object().field(histogram.group_name, key.second).key("counts").begin_array();
    for (uint64_t n : counts) json.value(n);
    json.end_array().end_object();
  }
  json.end_array().end_object();
  return json.take();
}

}  // namespace vedette::api
