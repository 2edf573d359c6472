// Attributes of one record after the other into sparse columns, with guesses in place of look-ups:
// records of one kind carry the same keys in the same order, and often the same values.
#pragma once

#include <array>
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
      : columns_(columns), text_(text), options_(options), next_(kFirstGuesses, kUnknown) {}

  /// Starts a row; records of one kind have the same `kind` (such as the number of their name).
  void begin(uint32_t row, uint32_t kind) {
    row_ = row;
    guess_ = kind % kFirstGuesses;
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
  static constexpr uint32_t kFirstGuesses = 64;
  static constexpr uint32_t kUnknown = UINT32_MAX;

  uint32_t column_of(std::string_view key);
  void drop();

  model::AttributeColumns& columns_;
  BatchText& text_;
  const DecodeOptions& options_;
  // The column expected next: first by kind of record, then after each column. Wrong guesses cost a
  // look-up and are replaced.
  std::vector<uint32_t> next_;
  uint32_t guess_ = 0;
  std::vector<base::StringId> last_text_;  // by column
  std::vector<uint32_t> touched_;          // columns of this row
  uint32_t row_ = 0;
  uint32_t dropped_ = 0;
};

}  // namespace vedette::wire
