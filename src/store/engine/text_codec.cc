#include "store/engine/text_codec.h"

#include "store/engine/int_codec.h"
#include "store/engine/text_pattern.h"

namespace vedette::store::engine {
namespace {

using base::StringId;
using base::StringTable;

enum Mode : uint8_t { kPlain, kPatterns };

constexpr size_t kFewTexts = 24;          // not worth looking for patterns
constexpr size_t kPatternsMax = 1024;     // further ones are kept as they are
constexpr size_t kSlotsMax = 256;         // of one pattern
constexpr size_t kBytesMax = 256u << 20;  // that a chunk may unpack to; blocks are cut long before

void put_plain(std::span<const std::string_view> texts, ChunkWriter& out) {
  std::vector<int64_t> lengths(texts.size());
  for (size_t i = 0; i < texts.size(); ++i) lengths[i] = static_cast<int64_t>(texts[i].size());
  encode_ints(lengths, IntKind::kCodes, out);
  for (const std::string_view text : texts) out.text += text;
}

/// Gives each text to `take`. False where the stream ends too early.
template <typename Take>
void get_plain(ChunkReader& in, size_t count, Take&& take) {
  std::vector<int64_t> lengths(count);
  decode_ints(in, lengths);
  for (const int64_t length : lengths) {
    if (!in.ok() || static_cast<uint64_t>(length) > in.text.left()) return in.fail();
    take(in.text.raw(static_cast<size_t>(length)));
  }
}

/// Texts sorted by their pattern.
struct Sorted {
  StringTable patterns;                                     // pattern p is number p + 1
  std::vector<std::vector<std::vector<uint64_t>>> numbers;  // by pattern, by slot
  std::vector<int64_t> codes;  // per text: 0: kept as it is; else the pattern's number
  std::vector<std::string_view> kept;
};

Sorted sort_by_pattern(std::span<const std::string_view> texts) {
  Sorted sorted;
  sorted.numbers.resize(1);
  sorted.codes.reserve(texts.size());
  std::string pattern;
  std::vector<uint64_t> numbers;
  for (const std::string_view text : texts) {
    pattern.clear();
    numbers.clear();
    StringId code = 0;
    if (!text.empty() && take_apart(text, pattern, numbers) && numbers.size() <= kSlotsMax) {
      if (sorted.patterns.size() <= kPatternsMax) {
        code = sorted.patterns.intern(pattern);
      } else {
        code = sorted.patterns.find(pattern).value_or(0);
      }
    }
    sorted.codes.push_back(code);
    if (code == 0) {
      sorted.kept.push_back(text);
      continue;
    }
    if (code == sorted.numbers.size()) sorted.numbers.emplace_back(numbers.size());
    for (size_t slot = 0; slot < numbers.size(); ++slot)
      sorted.numbers[code][slot].push_back(numbers[slot]);
  }
  return sorted;
}

void put_slot(const Pattern::Slot& slot, const std::vector<uint64_t>& numbers, ChunkWriter& out) {
  if (slot.mark == kDecimal || slot.mark == kDigits)
    return encode_unsigned<uint64_t>(numbers, IntKind::kNoise, out);
  const unsigned width = slot.mark == kHex ? slot.digits * 4u : 64;
  for (const uint64_t n : numbers) out.bits.put(n, width);
}

bool get_slot(ChunkReader& in, const Pattern::Slot& slot, size_t count,
              std::vector<int64_t>& numbers) {
  if (slot.mark == kDecimal || slot.mark == kDigits) {
    numbers.resize(count);
    decode_ints(in, numbers);
    return in.ok();
  }
  const unsigned width = slot.mark == kHex ? slot.digits * 4u : 64;
  if (in.bits.bits_left() / width < count) return false;
  numbers.resize(count);
  for (int64_t& n : numbers) n = static_cast<int64_t>(in.bits.get(width));
  return true;
}

std::vector<StringId> get_patterns(ChunkReader& in, size_t count, StringTable& strings) {
  std::vector<StringId> ids;
  const size_t pattern_count = in.meta.varint();
  if (pattern_count > kPatternsMax + 1) return in.fail(), ids;
  std::vector<Pattern> patterns(pattern_count);
  size_t next_pattern = 0;
  get_plain(in, pattern_count, [&](std::string_view text) {
    if (!patterns[next_pattern++].parse(text)) in.fail();
  });
  std::vector<int64_t> codes(count);
  decode_ints(in, codes);
  std::vector<size_t> uses(pattern_count + 1);
  for (const int64_t code : codes) {
    if (static_cast<uint64_t>(code) > pattern_count || !in.ok()) return in.fail(), ids;
    ++uses[static_cast<size_t>(code)];
  }
  std::vector<std::vector<std::vector<int64_t>>> numbers(pattern_count + 1);
  for (size_t p = 1; p <= pattern_count; ++p) {
    for (const Pattern::Slot& slot : patterns[p - 1].slots()) {
      if (!get_slot(in, slot, uses[p], numbers[p].emplace_back())) return in.fail(), ids;
    }
  }
  std::vector<std::string_view> kept;
  get_plain(in, uses[0], [&](std::string_view text) { kept.push_back(text); });
  if (!in.ok()) return ids;

  ids.reserve(count);
  std::vector<size_t> next(pattern_count + 1);
  std::string text;
  size_t bytes = 0;
  for (const int64_t code : codes) {
    const auto p = static_cast<size_t>(code);
    const size_t at = next[p]++;
    if (p == 0) {
      ids.push_back(strings.intern(kept[at]));
      continue;
    }
    text.clear();
    patterns[p - 1].fill([&](size_t slot) { return static_cast<uint64_t>(numbers[p][slot][at]); },
                         text);
    if ((bytes += text.size()) > kBytesMax) return in.fail(), ids;
    ids.push_back(strings.intern(text));
  }
  return ids;
}

}  // namespace

void encode_texts(std::span<const std::string_view> texts, ChunkWriter& out) {
  if (texts.size() >= kFewTexts) {
    const Sorted sorted = sort_by_pattern(texts);
    // Patterns that nearly each text has for itself only cost.
    if ((sorted.patterns.size() - 1) * 2 + sorted.kept.size() < texts.size()) {
      out.meta_writer().fixed(static_cast<uint8_t>(kPatterns));
      out.meta_writer().varint(sorted.patterns.size() - 1);
      std::vector<std::string_view> patterns;
      for (StringId p = 1; p < sorted.patterns.size(); ++p) patterns.push_back(sorted.patterns[p]);
      put_plain(patterns, out);
      encode_ints(sorted.codes, IntKind::kCodes, out);
      Pattern pattern;
      for (StringId p = 1; p < sorted.patterns.size(); ++p) {
        pattern.parse(sorted.patterns[p]);
        for (size_t s = 0; s < pattern.slots().size(); ++s)
          put_slot(pattern.slots()[s], sorted.numbers[p][s], out);
      }
      return put_plain(sorted.kept, out);
    }
  }
  out.meta_writer().fixed(static_cast<uint8_t>(kPlain));
  put_plain(texts, out);
}

std::vector<StringId> decode_texts(ChunkReader& in, size_t count, StringTable& strings) {
  const auto mode = in.meta.fixed<uint8_t>();
  if (mode == kPatterns) return get_patterns(in, count, strings);
  std::vector<StringId> ids;
  if (mode != kPlain) return in.fail(), ids;
  get_plain(in, count, [&](std::string_view text) { ids.push_back(strings.intern(text)); });
  return ids;
}

}  // namespace vedette::store::engine
