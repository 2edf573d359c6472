#include "store/engine/text_pattern.h"

#include <algorithm>
#include <charconv>
#include <span>

namespace vedette::store::engine {
namespace {

constexpr size_t kDigitsMax = 18;
constexpr size_t kHexMax = 16;
constexpr size_t kHexMin = 6;  // shorter ones are as likely words and numbers
constexpr size_t kUuidLength = 36;
/// Not in texts: the second half of a UUID, as a slot.
constexpr auto kUuidTail = static_cast<PatternMark>(5);

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f');
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
uint64_t hex_value(char c) {
  return static_cast<uint64_t>(is_digit(c) ? c - '0' : c - 'a' + 10);
}

uint64_t parse_hex(std::string_view digits) {
  uint64_t v = 0;
  for (const char c : digits) v = v << 4 | hex_value(c);
  return v;
}
uint64_t parse_decimal(std::string_view digits) {
  uint64_t v = 0;
  for (const char c : digits) v = v * 10 + static_cast<uint64_t>(c - '0');
  return v;
}

bool is_uuid(std::string_view text) {
  if (text.size() < kUuidLength) return false;
  for (size_t i = 0; i < kUuidLength; ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !is_hex(text[i])) return false;
  }
  return text.size() == kUuidLength ||
         !(is_letter(text[kUuidLength]) || is_digit(text[kUuidLength]));
}

/// Length of the hex number that starts at `from`, 0 if it is better read as something else.
size_t hex_run(std::string_view text, size_t from) {
  bool digit = false;
  bool letter = false;
  size_t end = from;
  for (; end < text.size() && is_hex(text[end]); ++end) {
    digit |= is_digit(text[end]);
    letter |= !is_digit(text[end]);
  }
  if (end < text.size() && is_letter(text[end])) return 0;
  return digit && letter && end - from >= kHexMin ? end - from : 0;
}

void put_digits(std::string_view digits, std::string& pattern, std::vector<uint64_t>& numbers) {
  if (digits.size() <= kDigitsMax && (digits[0] != '0' || digits.size() == 1)) {
    pattern += kDecimal;
    numbers.push_back(parse_decimal(digits));
    return;
  }
  for (size_t at = 0; at < digits.size(); at += kDigitsMax) {
    const std::string_view piece = digits.substr(at, kDigitsMax);
    pattern += {kDigits, static_cast<char>(piece.size())};
    numbers.push_back(parse_decimal(piece));
  }
}

void put_hex(std::string_view digits, std::string& pattern, std::vector<uint64_t>& numbers) {
  for (size_t at = 0; at < digits.size(); at += kHexMax) {
    const std::string_view piece = digits.substr(at, kHexMax);
    pattern += {kHex, static_cast<char>(piece.size())};
    numbers.push_back(parse_hex(piece));
  }
}

void put_uuid(std::string_view text, std::string& pattern, std::vector<uint64_t>& numbers) {
  pattern += kUuid;
  numbers.push_back(parse_hex(text.substr(0, 8)) << 32 | parse_hex(text.substr(9, 4)) << 16 |
                    parse_hex(text.substr(14, 4)));
  numbers.push_back(parse_hex(text.substr(19, 4)) << 48 | parse_hex(text.substr(24, 12)));
}

}  // namespace

bool take_apart(std::string_view text, std::string& pattern, std::vector<uint64_t>& numbers) {
  bool in_word = false;  // the byte before is a letter or digit
  for (size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (static_cast<unsigned char>(c) <= kUuid) return false;
    if (!in_word && is_hex(c)) {
      if (is_uuid(text.substr(i))) {
        put_uuid(text.substr(i, kUuidLength), pattern, numbers);
        i += kUuidLength;
        in_word = true;
        continue;
      }
      if (const size_t n = hex_run(text, i); n > 0) {
        put_hex(text.substr(i, n), pattern, numbers);
        i += n;
        in_word = true;
        continue;
      }
    }
    if (!is_digit(c)) {
      pattern += c;
      in_word = is_letter(c);
      ++i;
      continue;
    }
    size_t end = i;
    while (end < text.size() && is_digit(text[end])) ++end;
    put_digits(text.substr(i, end - i), pattern, numbers);
    i = end;
    in_word = true;
  }
  return true;
}

bool Pattern::parse(std::string_view pattern) {
  literals_.assign(1, {});
  slots_.clear();
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (static_cast<unsigned char>(c) > kUuid || c == 0) {
      literals_.back() += c;
      continue;
    }
    uint8_t digits = 0;
    if (c == kDigits || c == kHex) {
      if (++i == pattern.size()) return false;
      digits = static_cast<uint8_t>(pattern[i]);
      if (digits == 0 || digits > (c == kHex ? kHexMax : kDigitsMax)) return false;
    }
    slots_.push_back({static_cast<PatternMark>(c), digits});
    literals_.emplace_back();
    if (c == kUuid) {
      slots_.push_back({kUuidTail, 0});
      literals_.emplace_back();
    }
  }
  return true;
}

void Pattern::put_number(const Slot& slot, uint64_t number, std::string& out) {
  char digits[36];
  const auto hex = [&](uint64_t v, int n) {
    for (int i = n - 1; i >= 0; --i, v >>= 4) digits[i] = "0123456789abcdef"[v & 15];
    out.append(digits, static_cast<size_t>(n));
  };
  switch (static_cast<int>(slot.mark)) {
    case kDecimal: {
      const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
      out.append(digits, end);
      return;
    }
    case kDigits: {
      for (int i = slot.digits - 1; i >= 0; --i, number /= 10)
        digits[i] = static_cast<char>('0' + number % 10);
      out.append(digits, slot.digits);
      return;
    }
    case kHex:
      return hex(number, slot.digits);
    case kUuid:
      hex(number >> 32, 8);
      out += '-';
      hex(number >> 16 & 0xffff, 4);
      out += '-';
      return hex(number & 0xffff, 4);
    default:  // kUuidTail
      out += '-';
      hex(number >> 48, 4);
      out += '-';
      return hex(number & 0xffff'ffff'ffff, 12);
  }
}

}  // namespace vedette::store::engine
