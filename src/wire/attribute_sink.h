// Attributes of one record after the other into sparse columns, with guesses in place of look-ups:
// records of one kind carry the same keys in the same order, and often the same values.
#pragma once

#include <algorithm>
#include <cstring>
#include <string_view>
#include <vector>

#include "model/attributes.h"
#include "wire/any_value.h"
#include "wire/batch_text.h"
#include "wire/decoded.h"

namespace vedette::wire {

/// Single-threaded, for one AttributeColumns of one batch.
class AttributeSink {
 public:
  AttributeSink(model::AttributeColumns& columns, BatchText& text, const DecodeOptions& options)
      : columns_(columns), text_(text), options_(options) {}

  /// About how many rows will come: what a new column takes memory for.
  void expect(size_t rows) { column_reserve_ = rows / 4 + 4; }
  /// Starts a row; records that are alike should have the same `kind`, any number.
  void begin(uint32_t row, uint64_t kind) {
    row_ = row;
    guesses_ = table_.data() + (kind * 0x9e3779b97f4a7c15ull >> (64 - kKindBits)) * kPositions;
    touched_.clear();
    dropped_ = 0;
  }
  /// Adds one KeyValue message.
  AnyValueFault add(std::string_view key_value);
  /// How many attributes of this row were over a limit.
  uint32_t dropped() const { return dropped_; }
  /// Takes the row back.
  void rollback();

 private:
  static constexpr int kKindBits = 6;
  static constexpr size_t kPositions = 16;  // attributes behind them share the last place
  static constexpr uint32_t kUnknown = UINT32_MAX;

  // What the attribute at one position of one kind of record was last time. Wrong guesses cost a
  // look-up and are replaced.
  struct Guess {
    uint32_t column = kUnknown;
    base::StringId text = 0;
  };

  uint32_t column_of(std::string_view key);
  void drop();

  model::AttributeColumns& columns_;
  BatchText& text_;
  const DecodeOptions& options_;
  std::vector<Guess> table_ = std::vector<Guess>(kPositions << kKindBits);
  Guess* guesses_ = table_.data();
  std::vector<uint32_t> touched_;  // columns of this row
  size_t column_reserve_ = 8;
  uint32_t row_ = 0;
  uint32_t dropped_ = 0;
};

/// A number that texts that begin alike share, to foretell what a record looks like.
inline uint64_t kind_of_text(std::string_view text) {
  uint64_t kind = 0;
  if (!text.empty()) std::memcpy(&kind, text.data(), std::min(text.size(), sizeof kind));
  return kind + text.size();
}

}  // namespace vedette::wire
