// A store of samples alone, in plain maps: what tests of queries run on.
#pragma once

#include <map>
#include <regex>
#include <set>

#include "store/store.h"

namespace vedette::promql {

/// Single-threaded. Only series() and samples() and what feeds them work.
class MemoryStore : public store::Store {
 public:
  void add(const model::Labels& labels, int64_t time_ms, double value) {
    series_[labels][time_ms] = value;
  }
  void clear() { series_.clear(); }

  Result<std::vector<store::Series>> series(std::span<const store::Matcher> matchers,
                                            store::TimeRange range,
                                            const store::ReadContext& context) override {
    RETURN_IF_ERROR(context.check());
    std::vector<store::Series> out;
    store::SeriesId id = 0;
    for (const auto& [labels, samples] : series_) {
      const bool matched = std::all_of(matchers.begin(), matchers.end(),
                                       [&](const store::Matcher& m) { return matches(m, labels); });
      const bool in_range = std::any_of(samples.begin(), samples.end(), [&](const auto& sample) {
        return range.contains(sample.first * 1'000'000);
      });
      if (matched && in_range) out.push_back({id, labels});
      ++id;
    }
    return out;
  }

  Status samples(std::span<const store::SeriesId> ids, store::TimeRange range,
                 const store::ReadContext& context, const SampleVisitor& visit) override {
    for (size_t i = 0; i < ids.size(); ++i) {
      RETURN_IF_ERROR(context.check());
      std::vector<int64_t> times;
      std::vector<double> values;
      for (const auto& [time, value] : std::next(series_.begin(), ids[i])->second) {
        if (!range.contains(time * 1'000'000)) continue;
        times.push_back(time);
        values.push_back(value);
      }
      if (!times.empty() && !visit(i, times, values)) break;
    }
    return {};
  }

  void append(store::Write, Done done) override { done(unsupported()); }
  Result<std::vector<store::Exemplar>> exemplars(std::span<const store::SeriesId>, store::TimeRange,
                                                 size_t, const store::ReadContext&) override {
    return std::vector<store::Exemplar>{};
  }
  std::vector<model::MetricMetadata> metadata(const std::string& family) override {
    std::vector<model::MetricMetadata> out;
    for (const model::MetricMetadata& m : metadata_) {
      if (family.empty() || m.family == family) out.push_back(m);
    }
    return out;
  }
  void add_metadata(model::MetricMetadata metadata) { metadata_.push_back(std::move(metadata)); }
  Status scan_spans(const store::RowQuery&, const store::ReadContext&,
                    const store::Visitor<model::SpanBatch>&) override {
    return unsupported();
  }
  Status scan_logs(const store::RowQuery&, const store::ReadContext&,
                   const store::Visitor<model::LogBatch>&) override {
    return unsupported();
  }
  Result<std::vector<store::TraceSummary>> traces(std::span<const model::TraceId>,
                                                  const store::ReadContext&) override {
    return unsupported();
  }
  Result<std::vector<store::CountSeries>> counts(const store::CountQuery&,
                                                 const store::ReadContext&) override {
    return unsupported();
  }
  Result<std::vector<std::string>> values(const store::ValuesQuery& query,
                                          const store::ReadContext& context) override {
    std::set<std::string> out;
    std::vector<std::vector<store::Matcher>> sets = query.matchers;
    if (sets.empty()) sets.emplace_back();
    for (const auto& matchers : sets) {
      ASSIGN_OR_RETURN(const auto found, series(matchers, query.range, context));
      for (const store::Series& s : found) {
        for (const model::Label& label : s.labels.items()) {
          if (query.key.empty()) out.insert(label.name);
          if (label.name == query.key) out.insert(label.value);
        }
      }
    }
    std::vector<std::string> sorted(out.begin(), out.end());
    if (sorted.size() > query.limit) sorted.resize(query.limit);
    return sorted;
  }
  Status rewrite(store::TimeRange, const store::KeepTrace&) override { return unsupported(); }
  Status drop(store::Table, store::TimeRange) override { return unsupported(); }
  store::StoreStats stats() const override { return {}; }
  Status close() override { return {}; }

 private:
  static Error unsupported() { return {Code::kUnimplemented, "this store holds samples only"}; }

  static bool matches(const store::Matcher& m, const model::Labels& labels) {
    const std::string value(labels.get(m.name));
    switch (m.op) {
      case store::MatchOp::kEqual:
        return value == m.value;
      case store::MatchOp::kNotEqual:
        return value != m.value;
      case store::MatchOp::kRegex:
        return std::regex_match(value, std::regex(m.value));
      case store::MatchOp::kNotRegex:
        return !std::regex_match(value, std::regex(m.value));
    }
    return false;
  }

  std::map<model::Labels, std::map<int64_t, double>> series_;
  std::vector<model::MetricMetadata> metadata_;
};

}  // namespace vedette::promql
