// The parts of a sample part's bytes that writer and reader share. docs/format/sample_part.md has
// the whole.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/engine/sample_page.h"
#include "store/engine/series_labels.h"

namespace vedette::store::engine {

inline constexpr char kSamplePartMagic[8] = {'V', 'D', 'S', 'A', 'M', 'P', 'L', 'E'};
inline constexpr uint32_t kSamplePartVersion = 1;
inline constexpr size_t kSamplePartHeaderBytes = 16;
/// A page is closed when it is as large as this; its last piece may reach beyond.
inline constexpr size_t kSamplePageBytes = 16 << 10;

enum SampleSection : size_t {
  kSectionDictionary,
  kSectionDirectory,
  kSectionExemplars,
  kSectionMetadata,
  kSectionCount
};

/// Stands at the end of the file, followed by its own checksum and the magic.
struct SamplePartFooter {
  PageRef sections[kSectionCount];
  uint64_t rows = 0;
  uint64_t exemplars = 0;
  int64_t min_ms = 0;
  int64_t max_ms = 0;
  // Of the flushes that are in it. On equal times the sample of the part with the later flushes
  // wins.
  uint64_t first_sequence = 0;
  uint64_t last_sequence = 0;

  static constexpr size_t kBytes = 4 + kSectionCount * 24 + 6 * 8 + 8 + 8;
  std::string encode() const;
  /// From the last kBytes of a file.
  static Result<SamplePartFooter> decode(std::string_view bytes);
};

/// A time column, shared by all blocks with these times.
struct TimeColumn {
  uint32_t page = 0;
  uint32_t offset = 0;
  uint32_t count = 0;
  int64_t first_ms = 0;
  int64_t last_ms = 0;
};

/// Values of one series at the times of a column.
struct SampleBlock {
  uint32_t page = 0;
  uint32_t offset = 0;
  uint32_t column = 0;
};

struct ExemplarBlock {
  uint32_t series = 0;  // its place in the part
  uint32_t page = 0;
  uint32_t offset = 0;
  bool operator<(const ExemplarBlock& other) const { return series < other.series; }
};

/// What finds everything in the file.
struct SampleDirectory {
  std::vector<PageRef> pages;
  std::vector<TimeColumn> columns;
  std::vector<uint32_t> first_block;  // per series, and one more for the end
  std::vector<SampleBlock> blocks;

  size_t series() const { return first_block.empty() ? 0 : first_block.size() - 1; }
  size_t bytes() const {
    return pages.size() * sizeof(PageRef) + columns.size() * sizeof(TimeColumn) +
           first_block.size() * 4 + blocks.size() * sizeof(SampleBlock);
  }
  std::string encode() const;
  static Result<SampleDirectory> decode(std::string_view bytes);
};

std::string encode_exemplar_blocks(std::span<const ExemplarBlock> blocks);
Result<std::vector<ExemplarBlock>> decode_exemplar_blocks(std::string_view bytes,
                                                          const SampleDirectory& directory);

/// The label sets of a part's series in their order: distinct label pairs once, a series as numbers
/// of pairs.
class SeriesDictionaryWriter {
 public:
  SeriesDictionaryWriter();
  ~SeriesDictionaryWriter();
  void add(std::span<const LabelView> labels);
  std::string encode() const;

 private:
  struct Pairs;
  std::unique_ptr<Pairs> pairs_;
  std::string series_;
  size_t count_ = 0;
  std::vector<uint32_t> last_;
};

/// Calls `visit(canonical)` for each series in order; both views are valid during the call only.
/// kCorruption where the bytes make no canonical label set.
Status read_series_dictionary(
    std::string_view bytes,
    const std::function<void(std::string_view canonical, std::span<const LabelView>)>& visit);

}  // namespace vedette::store::engine
