// For tests: a store that keeps what it is given and answers as it is told.
#pragma once

#include <mutex>
#include <vector>

#include "store/store.h"

namespace vedette::ingest {

class FakeStore final : public store::Store {
 public:
  void append(store::Write write, Done done) override {
    Result<store::WriteOutcome> answer = store::WriteOutcome{};
    {
      const std::lock_guard lock(mutex_);
      writes_.push_back(std::move(write));
      answer = answer_;
    }
    done(std::move(answer));
  }

  void answer(Result<store::WriteOutcome> with) {
    const std::lock_guard lock(mutex_);
    answer_ = std::move(with);
  }
  std::vector<store::Write> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(writes_, {});
  }

  // Ingest only writes.
  Result<std::vector<store::Series>> series(std::span<const store::Matcher>, store::TimeRange,
                                            const store::ReadContext&) override {
    return none();
  }
  Status samples(std::span<const store::SeriesId>, store::TimeRange, const store::ReadContext&,
                 const SampleVisitor&) override {
    return none();
  }
  Result<std::vector<store::Exemplar>> exemplars(std::span<const store::SeriesId>, store::TimeRange,
                                                 size_t, const store::ReadContext&) override {
    return none();
  }
  std::vector<model::MetricMetadata> metadata(const std::string&) override { return {}; }
  Status scan_spans(const store::RowQuery&, const store::ReadContext&,
                    const store::Visitor<model::SpanBatch>&) override {
    return none();
  }
  Status scan_logs(const store::RowQuery&, const store::ReadContext&,
                   const store::Visitor<model::LogBatch>&) override {
    return none();
  }
  Result<std::vector<store::TraceSummary>> traces(std::span<const model::TraceId>,
                                                  const store::ReadContext&) override {
    return none();
  }
  Result<std::vector<store::CountSeries>> counts(const store::CountQuery&,
                                                 const store::ReadContext&) override {
    return none();
  }
  Result<std::vector<std::string>> values(const store::ValuesQuery&,
                                          const store::ReadContext&) override {
    return none();
  }
  Status rewrite(store::TimeRange, const store::KeepTrace&) override { return none(); }
  Status drop(store::Table, store::TimeRange) override { return none(); }
  store::StoreStats stats() const override { return {}; }
  Status close() override { return {}; }

 private:
  static Error none() { return {Code::kUnimplemented, "this store only takes writes"}; }

  std::mutex mutex_;
  std::vector<store::Write> writes_;
  Result<store::WriteOutcome> answer_ = store::WriteOutcome{};
};

}  // namespace vedette::ingest
