// Texts taken apart: what stays the same from one to the next (the pattern) and the numbers in it.
//
// "order 1042 of 7d9f8b6c paid" has the pattern "order \1 of \3\x08 paid" and the numbers 1042,
// 0x7d9f8b6c.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace vedette::store::engine {

/// Marks of numbers in a pattern; texts that hold such bytes themselves are not taken apart.
enum PatternMark : char {
  kDecimal = 1,  // no leading zeros, up to 18 digits
  kDigits = 2,   // then a byte: how many decimal digits, up to 18
  kHex = 3,      // then a byte: how many lower-case hex digits, up to 16
  kUuid = 4,     // 8-4-4-4-12 lower-case hex digits: two numbers of 64 bits
};

/// Appends to `pattern` and `numbers`. False: keep the text as it is (both are then useless).
bool take_apart(std::string_view text, std::string& pattern, std::vector<uint64_t>& numbers);

/// A pattern, ready to be filled in.
class Pattern {
 public:
  /// False for bytes that take_apart never gives.
  bool parse(std::string_view pattern);

  struct Slot {
    PatternMark mark;
    uint8_t digits;
  };
  std::span<const Slot> slots() const { return slots_; }
  /// Appends the text; `next` gives the number of slot i.
  template <typename Next>
  void fill(Next&& next, std::string& out) const {
    for (size_t i = 0; i < slots_.size(); ++i) {
      out += literals_[i];
      put_number(slots_[i], next(i), out);
    }
    out += literals_.back();
  }

 private:
  static void put_number(const Slot& slot, uint64_t number, std::string& out);
  std::vector<std::string> literals_;  // one more than slots; a UUID is two slots
  std::vector<Slot> slots_;
};

}  // namespace vedette::store::engine
