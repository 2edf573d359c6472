// Text as Prometheus writes it: numbers, durations, quoted strings, label sets. Error messages, the
// formatter and the HTTP API must agree with Go's strconv and fmt to the letter.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/labels.h"

namespace vedette::promql {

std::string to_lower(std::string_view text);
/// The prefix of at most `n` code points.
std::string_view first_runes(std::string_view text, size_t n);
/// Decodes one code point; bytes that are no UTF-8 give U+FFFD and length 1. `text` must not be
/// empty.
struct Rune {
  char32_t value;
  uint32_t length;
};
Rune decode_rune(std::string_view text);
void append_utf8(std::string& out, char32_t rune);

/// Go's %q of a string and of a rune.
std::string quote(std::string_view text);
std::string quote_rune(char32_t rune);
/// The value of a PromQL string literal with its quotes; the lexer has checked its escapes.
std::optional<std::string> unquote(std::string_view literal);

/// Shortest decimal form without an exponent: strconv.FormatFloat(v, 'f', -1, 64).
std::string format_plain(double value);
/// %g of Go, `precision` significant digits or the shortest.
std::string format_general(double value, int precision = -1);
/// A sample value in JSON answers: plain, with an exponent below 1e-6 and from 1e21.
std::string format_sample(double value);
/// Milliseconds as seconds, with three decimals where there is a fraction.
std::string format_time(int64_t time_ms);
/// Go's time.RFC3339 in UTC, whole seconds.
std::string format_rfc3339(int64_t seconds);

/// strconv.ParseFloat: decimal, hexadecimal, inf and nan in any case. Out of range is an error.
std::optional<double> parse_float(std::string_view text);
/// A number literal: integers in any base (0x1f, 010, 1_000), then decimals. The error is Go's
/// text.
Result<double> parse_number(std::string_view text);

/// "1h30m"; years and weeks only where nothing remains.
std::string format_duration(int64_t ms);
/// Milliseconds of "1h30m"; units in order, each at most once.
Result<int64_t> parse_duration(std::string_view text);

/// {__name__="x", a="b"}
std::string format_labels(const model::Labels& labels);

/// "3:14" for a byte position in the query.
std::string format_position(std::string_view query, uint32_t pos);

}  // namespace vedette::promql
