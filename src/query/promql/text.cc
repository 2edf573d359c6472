#include "query/promql/text.h"

#include <charconv>
#include <cmath>
#include <limits>

#include "base/utf8.h"

namespace vedette::promql {
namespace {

constexpr char kHex[] = "0123456789abcdef";

void append_hex(std::string& out, uint32_t value, int digits) {
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) out += kHex[(value >> shift) & 0xf];
}

/// unicode.IsPrint, without the unassigned code points.
bool is_print(char32_t r) {
  if (r < 0x20 || (r >= 0x7f && r < 0xa1) || r == 0xad) return false;
  if (r >= 0x2000 && r <= 0x200f) return false;
  if (r >= 0x2028 && r <= 0x202f) return false;
  if (r >= 0x205f && r <= 0x206f) return false;
  if (r == 0x3000 || r == 0xfeff || (r >= 0xd800 && r <= 0xf8ff) || r >= 0xe0000) return false;
  return true;
}

void append_quoted_rune(std::string& out, char32_t r, char quote_char) {
  switch (r) {
    case '\a':
      out += "\\a";
      return;
    case '\b':
      out += "\\b";
      return;
    case '\f':
      out += "\\f";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    case '\v':
      out += "\\v";
      return;
    default:
      break;
  }
  if (r == '\\' || r == static_cast<char32_t>(quote_char)) {
    out += '\\';
    out += static_cast<char>(r);
  } else if (is_print(r)) {
    append_utf8(out, r);
  } else if (r < 0x80) {
    out += "\\x";
    append_hex(out, r, 2);
  } else if (r < 0x10000) {
    out += "\\u";
    append_hex(out, r, 4);
  } else {
    out += "\\U";
    append_hex(out, r, 8);
  }
}

std::string format_special(double value) {
  if (std::isnan(value)) return "NaN";
  return value > 0 ? "+Inf" : "-Inf";
}

template <typename... Args>
std::string to_chars(double value, Args... args) {
  char buffer[400];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value, args...).ptr;
  return std::string(buffer, end);
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return 16;
}

}  // namespace

std::string to_lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

Rune decode_rune(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return {first, 1};
  const uint32_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
  if (length == 0 || length > text.size() || !base::is_utf8(text.substr(0, length)))
    return {0xfffd, 1};
  char32_t r = first & (0xff >> (length + 1));
  for (uint32_t i = 1; i < length; ++i) r = (r << 6) | (byte(i) & 0x3f);
  return {r, length};
}

void append_utf8(std::string& out, char32_t r) {
  if (r < 0x80) {
    out += static_cast<char>(r);
  } else if (r < 0x800) {
    out += static_cast<char>(0xc0 | (r >> 6));
    out += static_cast<char>(0x80 | (r & 0x3f));
  } else if (r < 0x10000) {
    out += static_cast<char>(0xe0 | (r >> 12));
    out += static_cast<char>(0x80 | ((r >> 6) & 0x3f));
    out += static_cast<char>(0x80 | (r & 0x3f));
  } else {
    out += static_cast<char>(0xf0 | (r >> 18));
    out += static_cast<char>(0x80 | ((r >> 12) & 0x3f));
    out += static_cast<char>(0x80 | ((r >> 6) & 0x3f));
    out += static_cast<char>(0x80 | (r & 0x3f));
  }
}

std::string_view first_runes(std::string_view text, size_t n) {
  size_t at = 0;
  for (; n > 0 && at < text.size(); --n) at += decode_rune(text.substr(at)).length;
  return text.substr(0, at);
}

std::string quote(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const Rune rune = decode_rune(text);
    if (rune.value == 0xfffd && rune.length == 1) {
      out += "\\x";
      append_hex(out, static_cast<unsigned char>(text[0]), 2);
    } else {
      append_quoted_rune(out, rune.value, '"');
    }
    text.remove_prefix(rune.length);
  }
  return out + "\"";
}

std::string quote_rune(char32_t rune) {
  std::string out = "'";
  append_quoted_rune(out, rune, '\'');
  return out + "'";
}

std::optional<std::string> unquote(std::string_view literal) {
  if (literal.size() < 2 || literal.front() != literal.back()) return std::nullopt;
  const std::string_view text = literal.substr(1, literal.size() - 2);
  if (literal.front() == '`') return std::string(text);
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    if (++i == text.size()) return std::nullopt;
    const char c = text[i];
    static constexpr std::string_view kNames = "abfnrtv\\'\"", kValues = "\a\b\f\n\r\t\v\\'\"";
    if (const size_t known = kNames.find(c); known != std::string_view::npos) {
      out += kValues[known];
      continue;
    }
    const int digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 3;
    const unsigned base = digits == 3 ? 8 : 16;
    if (digits != 3) ++i;
    if (i + digits > text.size()) return std::nullopt;
    uint32_t value = 0;
    for (int d = 0; d < digits; ++d) {
      const auto digit = static_cast<unsigned>(hex_value(text[i + d]));
      if (digit >= base) return std::nullopt;
      value = value * base + digit;
    }
    i += digits - 1;
    if (digits <= 3) {
      if (value > 255) return std::nullopt;
      out += static_cast<char>(value);  // \x and octal escapes are bytes
    } else {
      if (value > 0x10ffff || (value >= 0xd800 && value < 0xe000)) return std::nullopt;
      append_utf8(out, value);
    }
  }
  return out;
}

std::string format_plain(double value) {
  if (!std::isfinite(value)) return format_special(value);
  if (std::abs(value) < 9007199254740992.0) return to_chars(value, std::chars_format::fixed);
  // Beyond the integers that are exact, only the shortest digits count; the rest is zeros.
  const std::string scientific = to_chars(value, std::chars_format::scientific);
  const size_t e = scientific.find('e');
  std::string digits = scientific.substr(0, e);
  std::erase(digits, '.');
  const size_t length = std::stoul(scientific.substr(e + 1)) + 1 + (value < 0 ? 1 : 0);
  digits.resize(std::max(digits.size(), length), '0');
  return digits;
}

std::string format_general(double value, int precision) {
  if (!std::isfinite(value)) return format_special(value);
  if (precision >= 0) return to_chars(value, std::chars_format::general, precision);
  // Go's shortest %g switches to the exponent form at 1e21, C's at the precision.
  const double magnitude = std::abs(value);
  if (magnitude != 0 && (magnitude < 1e-4 || magnitude >= 1e21))
    return to_chars(value, std::chars_format::scientific);
  return format_plain(value);
}

std::string format_sample(double value) {
  const double magnitude = std::abs(value);
  if (std::isfinite(value) && magnitude != 0 && (magnitude < 1e-6 || magnitude >= 1e21)) {
    return to_chars(value, std::chars_format::scientific);
  }
  return format_plain(value);
}

std::string format_time(int64_t time_ms) {
  std::string out = time_ms < 0 ? "-" : "";
  const uint64_t ms =
      time_ms < 0 ? 0 - static_cast<uint64_t>(time_ms) : static_cast<uint64_t>(time_ms);
  out += std::to_string(ms / 1000);
  if (const uint64_t fraction = ms % 1000) {
    const std::string digits = std::to_string(1000 + fraction);
    out += '.';
    out += std::string_view(digits).substr(1);
  }
  return out;
}

std::optional<double> parse_float(std::string_view text) {
  bool negative = false;
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) {
    negative = text[0] == '-';
    text.remove_prefix(1);
  }
  if (text.empty()) return std::nullopt;
  const std::string lower = to_lower(text);
  double value = 0;
  if (lower == "inf" || lower == "infinity") {
    value = std::numeric_limits<double>::infinity();
  } else if (lower == "nan") {
    value = std::numeric_limits<double>::quiet_NaN();
  } else {
    if (lower[0] == 'i' || lower[0] == 'n' || lower[0] == '-') return std::nullopt;
    const bool hex = lower.starts_with("0x");
    const char* begin = lower.data() + (hex ? 2 : 0);
    const char* end = lower.data() + lower.size();
    if (hex && lower.find('p') == std::string::npos) return std::nullopt;  // Go wants the exponent
    const auto parsed = std::from_chars(begin, end, value,
                                        hex ? std::chars_format::hex : std::chars_format::general);
    if (parsed.ptr != end || begin == end) return std::nullopt;
    if (parsed.ec == std::errc::result_out_of_range) {
      // Too small is zero; too large is no number.
      const size_t e = lower.find_first_of(hex ? "p" : "e");
      if (e == std::string::npos || e + 1 >= lower.size() || lower[e + 1] != '-')
        return std::nullopt;
      value = 0;
    } else if (parsed.ec != std::errc()) {
      return std::nullopt;
    }
  }
  return negative ? -value : value;
}

namespace {

/// strconv.ParseInt(text, 0, 64) of text without a sign.
std::optional<double> parse_integer(std::string_view text) {
  std::string digits;
  unsigned base = 10;
  std::string_view rest = text;
  if (text.size() > 1 && text[0] == '0') {
    const char kind = text[1];
    base = kind == 'x' || kind == 'X' ? 16 : kind == 'b' || kind == 'B' ? 2 : 8;
    rest.remove_prefix(base == 8 && kind != 'o' && kind != 'O' ? 1 : 2);
  }
  bool digit_before = rest.size() != text.size();  // an underscore may follow the prefix
  for (char c : rest) {
    if (c == '_') {
      if (!digit_before) return std::nullopt;
      digit_before = false;
      continue;
    }
    digit_before = true;
    digits += c;
  }
  if (!digit_before || digits.empty()) return std::nullopt;
  int64_t value = 0;
  const auto end = digits.data() + digits.size();
  const auto parsed = std::from_chars(digits.data(), end, value, static_cast<int>(base));
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return static_cast<double>(value);
}

}  // namespace

Result<double> parse_number(std::string_view text) {
  if (const auto integer = parse_integer(text)) return *integer;
  if (const auto number = parse_float(text)) return *number;
  const bool digits_only = text.find_first_not_of("0123456789.eE+-") == std::string_view::npos;
  return Error{Code::kInvalidArgument, "error parsing number: strconv.ParseFloat: parsing " +
                                           quote(text) + ": " +
                                           (digits_only ? "value out of range" : "invalid syntax")};
}

std::string format_duration(int64_t ms) {
  if (ms == 0) return "0s";
  struct Unit {
    const char* name;
    int64_t ms;
    bool exact;
  };
  static constexpr Unit kUnits[] = {{"y", 31'536'000'000, true},
                                    {"w", 604'800'000, true},
                                    {"d", 86'400'000, false},
                                    {"h", 3'600'000, false},
                                    {"m", 60'000, false},
                                    {"s", 1000, false},
                                    {"ms", 1, false}};
  std::string out;
  for (const Unit& unit : kUnits) {
    if (unit.exact && ms % unit.ms != 0) continue;
    if (const int64_t n = ms / unit.ms; n > 0) {
      out += std::to_string(n) + unit.name;
      ms -= n * unit.ms;
    }
  }
  return out;
}

Result<int64_t> parse_duration(std::string_view text) {
  if (text == "0") return int64_t{0};
  if (text.empty()) return Error{Code::kInvalidArgument, "empty duration string"};
  struct Unit {
    std::string_view name;
    int64_t ms;
  };
  static constexpr Unit kUnits[] = {
      {"y", 31'536'000'000}, {"w", 604'800'000}, {"d", 86'400'000}, {"h", 3'600'000},
      {"m", 60'000},         {"s", 1000},        {"ms", 1}};
  const auto invalid = [&] {
    return Error{Code::kInvalidArgument, "not a valid duration string: " + quote(text)};
  };
  const Error out_of_range{Code::kInvalidArgument, "duration out of range"};
  constexpr int64_t kMax =
      std::numeric_limits<int64_t>::max() / 1'000'000;  // Go counts nanoseconds
  int64_t total = 0;
  size_t next_unit = 0;
  std::string_view rest = text;
  while (!rest.empty()) {
    uint64_t n = 0;
    const auto parsed = std::from_chars(rest.data(), rest.data() + rest.size(), n);
    if (parsed.ptr == rest.data()) return invalid();
    rest.remove_prefix(static_cast<size_t>(parsed.ptr - rest.data()));
    const size_t length = rest.find_first_of("0123456789");
    const std::string_view name = rest.substr(0, length);
    while (next_unit < std::size(kUnits) && kUnits[next_unit].name != name) ++next_unit;
    if (next_unit == std::size(kUnits)) return invalid();
    const int64_t unit = kUnits[next_unit++].ms;
    if (parsed.ec != std::errc() || n > static_cast<uint64_t>(kMax / unit)) return out_of_range;
    total += static_cast<int64_t>(n) * unit;
    if (total > kMax) return out_of_range;
    rest.remove_prefix(name.size());
  }
  return total;
}

std::string format_labels(const model::Labels& labels) {
  std::string out = "{";
  for (const model::Label& label : labels.items()) {
    if (out.size() > 1) out += ", ";
    out += model::is_legacy_label_name(label.name) ? label.name : quote(label.name);
    out += "=" + quote(label.value);
  }
  return out + "}";
}

std::string format_position(std::string_view query, uint32_t pos) {
  if (query.empty()) return "unknown position";
  if (pos > query.size()) return "invalid position";
  size_t line = 1, column = pos + 1;
  for (size_t i = 0; i < pos; ++i) {
    if (query[i] == '\n') {
      ++line;
      column = pos - i;
    }
  }
  return std::to_string(line) + ":" + std::to_string(column);
}

std::string format_rfc3339(int64_t seconds) {
  int64_t days = seconds / 86400;
  int64_t left = seconds % 86400;
  if (left < 0) {
    left += 86400;
    --days;
  }
  const std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days{days}}};
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%04d-%02u-%02uT%02d:%02d:%02dZ",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(left / 3600),
                static_cast<int>(left / 60 % 60), static_cast<int>(left % 60));
  return buffer;
}

}  // namespace vedette::promql
