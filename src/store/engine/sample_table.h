// Samples, series, exemplars and metric metadata: one EngineTable (its parts carry their own
// series), and the reads of Store that concern them. Series ids live in memory only, numbered anew
// at each start.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "store/engine/table.h"

namespace vedette::store::engine {

class SampleTable : public EngineTable {
 public:
  struct Options {
    size_t series_max = 2'000'000;
  };
  static std::unique_ptr<SampleTable> create(TableContext context, Options options);

  /// Writer thread. Adds to `outcome` what is refused: times before `oldest_ms`, malformed label
  /// sets, series over the limit. The same (series, time, value) again is stored once; another
  /// value at the same time: the later write wins.
  virtual void apply(const model::SampleBatch& batch, int64_t oldest_ms, WriteOutcome& outcome) = 0;

  // Reads: any thread. As in Store.
  virtual Result<std::vector<Series>> series(std::span<const Matcher> matchers, TimeRange range,
                                             const ReadContext& context) = 0;
  virtual Status samples(std::span<const SeriesId> ids, TimeRange range, const ReadContext& context,
                         const Store::SampleVisitor& visit) = 0;
  virtual Result<std::vector<Exemplar>> exemplars(std::span<const SeriesId> ids, TimeRange range,
                                                  size_t limit, const ReadContext& context) = 0;
  virtual std::vector<model::MetricMetadata> metadata(const std::string& family) = 0;
  virtual Result<std::vector<std::string>> label_names(const ValuesQuery& query,
                                                       const ReadContext& context) = 0;
  virtual Result<std::vector<std::string>> label_values(const ValuesQuery& query,
                                                        const ReadContext& context) = 0;
  virtual uint64_t series_count() const = 0;
};

}  // namespace vedette::store::engine
