#include "sdk/exposition.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

#include "base/utf8.h"

namespace vedette::sdk {
namespace {

bool is_classic_char(unsigned char c, bool first, bool colon) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (colon && c == ':') ||
         (!first && c >= '0' && c <= '9');
}

/// The code point at the start of well-formed UTF-8, and its length.
std::pair<uint32_t, size_t> code_point(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  const size_t length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (length > text.size()) return {0xfffd, text.size()};
  uint32_t value = length == 1 ? first : first & (0x7f >> length);
  for (size_t i = 1; i < length; ++i) value = value << 6 | (byte(i) & 0x3f);
  return {value, length};
}

void append_hex(std::string& out, uint32_t value) {
  char text[8];
  out.append(text, std::to_chars(text, text + sizeof text, value, 16).ptr);
}

void append_escaped(std::string& out, std::string_view text, bool quote) {
  for (char c : text) {
    if (c == '\\' || (quote && c == '"')) out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
}

/// Digits and exponent of the shortest text that reads back as `value`, laid out as Python does;
/// `go`: as Go does, which takes to exponents sooner, for positive values.
void append_finite(std::string& out, double value, bool go) {
  if (value >= 0 && value < 1e6 && value == std::floor(value) && !std::signbit(value)) {
    char text[16];
    out.append(text, std::to_chars(text, text + sizeof text, static_cast<uint32_t>(value)).ptr);
    out += ".0";
    return;
  }
  char text[32];
  const char* end =
      std::to_chars(text, text + sizeof text, value, std::chars_format::scientific).ptr;
  const char* at = text;
  if (*at == '-') out += *at++;
  char digits[20];
  int count = 0;
  for (; *at != 'e'; ++at) {
    if (*at != '.') digits[count++] = *at;
  }
  int exponent = 0;
  std::from_chars(at[1] == '+' ? at + 2 : at + 1, end, exponent);
  const bool fixed = exponent >= -4 && exponent < 16 && !(go && value > 0 && exponent >= 6);
  if (!fixed) {
    out += digits[0];
    if (count > 1) out.append(1, '.').append(digits + 1, static_cast<size_t>(count - 1));
    out.append(at, end);
  } else if (exponent < 0) {
    out.append("0.").append(static_cast<size_t>(-exponent - 1), '0');
    out.append(digits, static_cast<size_t>(count));
  } else {
    const int whole = exponent + 1;
    out.append(digits, static_cast<size_t>(std::min(whole, count)));
    if (count <= whole) {
      out.append(static_cast<size_t>(whole - count), '0').append(".0");
    } else {
      out.append(1, '.').append(digits + whole, static_cast<size_t>(count - whole));
    }
  }
}

}  // namespace

std::string_view type_name(MetricType type) {
  constexpr std::string_view kNames[] = {"counter", "gauge",    "histogram", "summary",
                                         "info",    "stateset", "unknown"};
  return kNames[static_cast<size_t>(type)];
}

void append_number(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value > 0 ? "+Inf" : "-Inf";
  } else {
    append_finite(out, value, true);
  }
}

void append_repr(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "nan";
  } else if (std::isinf(value)) {
    out += value > 0 ? "inf" : "-inf";
  } else {
    append_finite(out, value, false);
  }
}

void append_escaped_label(std::string& out, std::string_view value) {
  if (base::is_utf8(value)) return append_escaped(out, value, true);
  append_escaped(out, base::sanitize_utf8(value), true);
}

bool is_classic_name(std::string_view name, bool colon) {
  if (name.empty()) return false;
  for (size_t i = 0; i < name.size(); ++i) {
    if (!is_classic_char(static_cast<unsigned char>(name[i]), i == 0, colon)) return false;
  }
  return true;
}

std::string escape_name(std::string_view name, Escaping escaping, bool label) {
  const bool classic =
      is_classic_name(name, !label) && !(label && name.starts_with("__"));  // reserved
  std::string out;
  if (escaping == Escaping::kAllowUtf8) {
    if (!classic) out += '"';
    append_escaped(out, name, true);
    if (!classic) out += '"';
    return out;
  }
  if (classic && escaping != Escaping::kDots) return std::string(name);
  if (escaping == Escaping::kValues) out = "U__";
  bool first = true;
  while (!name.empty()) {
    const auto [point, length] = code_point(name);
    const bool fits =
        length == 1 && is_classic_char(static_cast<unsigned char>(point), first, !label);
    if (escaping == Escaping::kUnderscores) {
      out += fits ? name[0] : '_';
    } else if (name[0] == '_') {
      out += "__";
    } else if (escaping == Escaping::kDots && name[0] == '.') {
      out += "_dot_";
    } else if (fits) {
      out += name[0];
    } else if (escaping == Escaping::kDots) {
      out += "__";
    } else {
      out += '_';
      append_hex(out, point);
      out += '_';
    }
    name.remove_prefix(length);
    first = false;
  }
  return out;
}

LabelNames::LabelNames(std::vector<std::string> names)
    : names_(std::move(names)), sorted_(names_.size()) {
  std::iota(sorted_.begin(), sorted_.end(), 0u);
  std::sort(sorted_.begin(), sorted_.end(),
            [&](uint32_t a, uint32_t b) { return names_[a] < names_[b]; });
  classic_ = std::all_of(names_.begin(), names_.end(),
                         [](const std::string& name) { return is_classic_name(name, false); });
}

size_t LabelNames::rank(std::string_view name) const {
  size_t rank = 0;
  while (rank < sorted_.size() && names_[sorted_[rank]] < name) ++rank;
  return rank;
}

Labels::Labels(std::shared_ptr<const LabelNames> names, std::vector<std::string> values)
    : names_(std::move(names)), values_(std::move(values)), le_rank_(names_->rank("le")) {
  offsets_.reserve(values_.size());
  for (uint32_t index : names_->sorted()) {
    if (!text_.empty()) text_ += ',';
    offsets_.push_back(static_cast<uint32_t>(text_.size()));
    append_pair(text_, index, Escaping::kUnderscores);
  }
}

void Labels::append_pair(std::string& out, size_t index, Escaping escaping) const {
  const std::string& name = names_->names()[index];
  if (names_->classic() && escaping != Escaping::kDots) {
    out += name;
  } else {
    out += escape_name(name, escaping, true);
  }
  out += "=\"";
  append_escaped_label(out, values_[index]);
  out += '"';
}

void Labels::append(std::string& out, std::string_view name, std::string_view value,
                    Escaping escaping) const {
  const bool same =
      escaping == Escaping::kUnderscores || (names_->classic() && escaping != Escaping::kDots);
  if (!same) return append_slowly(out, name, value, escaping);
  if (name.empty()) {
    out += text_;
    return;
  }
  const size_t rank = name == "le" ? le_rank_ : names_->rank(name);
  const size_t at = rank < offsets_.size() ? offsets_[rank] : text_.size();
  out.append(text_, 0, at);
  if (at > 0 && at == text_.size()) out += ',';
  out.append(name).append("=\"").append(value) += '"';
  if (at < text_.size()) out.append(1, ',').append(text_, at);
}

void Labels::append_slowly(std::string& out, std::string_view name, std::string_view value,
                           Escaping escaping) const {
  const size_t rank = name.empty() ? offsets_.size() + 1 : names_->rank(name);
  const size_t count = offsets_.size() + (name.empty() ? 0 : 1);
  for (size_t i = 0; i < count; ++i) {
    if (i > 0) out += ',';
    if (i == rank) {
      out.append(name).append("=\"").append(value) += '"';
    } else {
      append_pair(out, names_->sorted()[i > rank ? i - 1 : i], escaping);
    }
  }
}

void TextWriter::family(const Family& family) {
  flush_created();
  family_ = family;
  classic_ = is_classic_name(family.name, true) && escaping_ != Escaping::kDots;
  const bool text = format_ == Format::kText;
  const bool total = text && family.type == MetricType::kCounter;
  const bool info = text && family.type == MetricType::kInfo;
  const bool gauge = text && is_set(family.type);
  const bool counter = text && family.type == MetricType::kPlainCounter;
  header(total  ? "_total"
         : info ? "_info"
                : "",
         gauge     ? "gauge"
         : counter ? "counter"
                   : type_name(family.type));
  if (text || family.unit.empty()) return;
  out_ += "# UNIT ";
  append_name(out_, "");
  out_.append(1, ' ').append(family.unit) += '\n';
}

void TextWriter::header(std::string_view suffix, std::string_view type) {
  out_ += "# HELP ";
  append_name(out_, suffix);
  out_ += ' ';
  append_escaped(out_, family_.help, format_ == Format::kOpenMetrics);
  out_ += "\n# TYPE ";
  append_name(out_, suffix);
  out_.append(1, ' ').append(type) += '\n';
}

void TextWriter::append_name(std::string& out, std::string_view suffix) const {
  if (classic_) {
    out.append(family_.name).append(suffix);
  } else {
    out += escape_name(std::string(family_.name).append(suffix), escaping_, false);
  }
}

void TextWriter::sample(const Sample& sample) {
  const bool behind = format_ == Format::kText && sample.suffix == "_created";
  std::string& out = behind ? created_ : out_;
  const bool labelled = !sample.labels->empty() || !sample.extra_name.empty();
  const bool quoted = !classic_ && escaping_ == Escaping::kAllowUtf8;
  if (quoted) out += '{';
  append_name(out, sample.suffix);
  if (labelled) {
    out += quoted ? ',' : '{';
    sample.labels->append(out, sample.extra_name, sample.extra_value, escaping_);
  }
  if (labelled || quoted) out += '}';
  out += ' ';
  append_number(out, sample.value);
  if (sample.exemplar && format_ == Format::kOpenMetrics) append_exemplar(out, *sample.exemplar);
  out += '\n';
}

void TextWriter::append_exemplar(std::string& out, const Exemplar& exemplar) const {
  std::vector<const std::pair<std::string, std::string>*> sorted;
  for (const auto& pair : exemplar.labels) sorted.push_back(&pair);
  std::sort(sorted.begin(), sorted.end(), [](auto a, auto b) { return a->first < b->first; });
  out += " # {";
  for (const auto* pair : sorted) {
    if (pair != sorted.front()) out += ',';
    out.append(pair->first).append("=\"");
    append_escaped_label(out, pair->second);
    out += '"';
  }
  out += "} ";
  append_number(out, exemplar.value);
  out += ' ';
  append_repr(out, exemplar.time);
}

void TextWriter::flush_created() {
  if (created_.empty()) return;
  header("_created", "gauge");
  out_ += created_;
  created_.clear();
}

}  // namespace vedette::sdk
