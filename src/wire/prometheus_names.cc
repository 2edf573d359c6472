#include "wire/prometheus_names.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

namespace vedette::wire {
namespace {

using Unit = std::pair<std::string_view, std::string_view>;

// UCUM's symbols that have a customary word.
constexpr Unit kUnits[] = {
    {"d", "days"},
    {"h", "hours"},
    {"min", "minutes"},
    {"s", "seconds"},
    {"ms", "milliseconds"},
    {"us", "microseconds"},
    {"ns", "nanoseconds"},
    {"By", "bytes"},
    {"KiBy", "kibibytes"},
    {"MiBy", "mebibytes"},
    {"GiBy", "gibibytes"},
    {"TiBy", "tibibytes"},
    {"KBy", "kilobytes"},
    {"MBy", "megabytes"},
    {"GBy", "gigabytes"},
    {"TBy", "terabytes"},
    {"m", "meters"},
    {"V", "volts"},
    {"A", "amperes"},
    {"J", "joules"},
    {"W", "watts"},
    {"g", "grams"},
    {"Cel", "celsius"},
    {"Hz", "hertz"},
    {"1", ""},
    {"%", "percent"},
};
constexpr Unit kPerUnits[] = {
    {"s", "second"}, {"m", "minute"}, {"h", "hour"}, {"d", "day"},
    {"w", "week"},   {"mo", "month"}, {"y", "year"},
};

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

// One side of a unit as a word; empty for {annotations}.
std::string unit_word(std::string_view symbol, std::span<const Unit> words) {
  symbol = trim(symbol);
  if (symbol.find_first_of("{}") != std::string_view::npos) return {};
  for (const auto& [from, to] : words) {
    if (from == symbol) return std::string(to);
  }
  std::string out;
  for (char c : symbol) {
    if (is_alphanumeric(c)) {
      out += c;
    } else if (!out.empty() && out.back() != '_') {
      out += '_';
    }
  }
  while (!out.empty() && out.back() == '_') out.pop_back();
  return out;
}

std::pair<std::string, std::string> unit_words(std::string_view unit) {
  const size_t slash = unit.find('/');
  std::pair<std::string, std::string> out;
  out.first = unit_word(unit.substr(0, slash), kUnits);
  if (slash != std::string_view::npos) out.second = unit_word(unit.substr(slash + 1), kPerUnits);
  return out;
}

std::vector<std::string> tokens_of(std::string_view name) {
  std::vector<std::string> out;
  bool inside = false;
  for (char c : name) {
    if (!is_alphanumeric(c) && c != ':') {
      inside = false;
      continue;
    }
    if (!inside) out.emplace_back();
    inside = true;
    out.back() += c;
  }
  return out;
}

bool has(const std::vector<std::string>& tokens, std::string_view token) {
  return std::find(tokens.begin(), tokens.end(), token) != tokens.end();
}

void move_to_end(std::vector<std::string>& tokens, std::string_view token) {
  std::erase(tokens, token);
  tokens.emplace_back(token);
}

/// "a_total" without "total" is "a".
std::string_view without_ending(std::string_view name, std::string_view ending) {
  if (!name.ends_with(ending)) return name;
  name.remove_suffix(ending.size());
  return name.ends_with('_') ? name.substr(0, name.size() - 1) : name;
}

}  // namespace

std::string prometheus_metric_name(std::string_view name, std::string_view unit,
                                   NameSuffix suffix) {
  std::vector<std::string> tokens = tokens_of(name);
  if (tokens.empty()) return {};
  const auto [main, per] = unit_words(unit);
  if (!main.empty() && !has(tokens, main)) tokens.push_back(main);
  if (!per.empty() && !has(tokens, per)) {
    tokens.emplace_back("per");
    tokens.push_back(per);
  }
  if (suffix == NameSuffix::kTotal) move_to_end(tokens, "total");
  if (suffix == NameSuffix::kRatio) move_to_end(tokens, "ratio");
  std::string out;
  for (const std::string& token : tokens) {
    if (!out.empty()) out += '_';
    out += token;
  }
  if (out[0] >= '0' && out[0] <= '9') out.insert(0, "_");
  return out;
}

std::string prometheus_utf8_name(std::string_view name, std::string_view unit, NameSuffix suffix) {
  const std::string_view ending = suffix == NameSuffix::kTotal   ? "total"
                                  : suffix == NameSuffix::kRatio ? "ratio"
                                                                 : "";
  const std::string words = prometheus_unit(unit);
  std::string out(without_ending(name, ending));
  if (out.empty()) return std::string(name);
  if (!words.empty() && !out.ends_with(words)) out.append(1, '_').append(words);
  if (!ending.empty()) out.append(1, '_').append(ending);
  return out;
}

std::string prometheus_label_name(std::string_view key) {
  std::string out;
  for (char c : key) {
    if (!is_alphanumeric(c)) c = '_';
    // Names that begin with two underscores are Prometheus's own; one is as many as a key can make.
    if (c == '_' && !out.empty() && out.back() == '_') continue;
    out += c;
  }
  if (out.empty()) return out;
  if (out[0] >= '0' && out[0] <= '9') out.insert(0, "key_");
  if (out[0] == '_') out.insert(0, "key");
  return out;
}

std::string prometheus_unit(std::string_view unit) {
  auto [main, per] = unit_words(unit);
  if (!per.empty()) main += main.empty() ? "per_" + per : "_per_" + per;
  return main;
}

std::string format_label_number(double number) {
  if (std::isnan(number)) return "NaN";
  if (std::isinf(number)) return number > 0 ? "+Inf" : "-Inf";
  char buffer[64];
  const auto end =
      std::to_chars(buffer, buffer + sizeof buffer, number, std::chars_format::scientific).ptr;
  std::string out(buffer, end);
  const size_t e = out.find('e');
  const int exponent = std::atoi(out.c_str() + e + 1);
  if (number != 0 && (exponent < -4 || exponent >= 6)) return out;
  const auto fixed =
      std::to_chars(buffer, buffer + sizeof buffer, number, std::chars_format::fixed).ptr;
  out.assign(buffer, fixed);
  if (out.find('.') == std::string::npos) out += ".0";
  return out;
}

}  // namespace vedette::wire
