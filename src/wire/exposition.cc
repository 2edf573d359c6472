#include "wire/exposition.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/utf8.h"
#include "wire/prometheus_names.h"

namespace vedette::wire {
namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
           return (x >= 'A' && x <= 'Z' ? x + 32 : x) == y;
         });
}

// A number as Go reads it, without what Prometheus refuses: hexadecimal and underscores.
std::optional<double> parse_number(std::string_view text) {
  std::string_view digits = text;
  const bool negative = digits.starts_with('-');
  if (negative || digits.starts_with('+')) digits.remove_prefix(1);
  double value = 0;
  if (equals_ignoring_case(digits, "inf") || equals_ignoring_case(digits, "infinity")) {
    value = HUGE_VAL;
  } else if (equals_ignoring_case(text, "nan")) {
    return std::nan("");
  } else {
    if (digits.empty() || !(is_digit(digits[0]) || digits[0] == '.')) return std::nullopt;
    const char* end = digits.data() + digits.size();
    const auto parsed = std::from_chars(digits.data(), end, value);
    if (parsed.ptr != end) return std::nullopt;
    if (parsed.ec == std::errc::result_out_of_range) {
      // Too small is zero, too large is an error.
      value = std::strtod(std::string(digits).c_str(), nullptr);
      if (std::isinf(value)) return std::nullopt;
    } else if (parsed.ec != std::errc()) {
      return std::nullopt;
    }
  }
  return negative ? -value : value;
}

std::optional<model::MetricType> type_of(std::string_view name, bool open_metrics) {
  using model::MetricType;
  if (name == "counter") return MetricType::kCounter;
  if (name == "gauge") return MetricType::kGauge;
  if (name == "histogram") return MetricType::kHistogram;
  if (name == "summary") return MetricType::kSummary;
  if (!open_metrics) {
    return name == "untyped" ? std::optional(MetricType::kUnknown) : std::nullopt;
  }
  if (name == "gaugehistogram") return MetricType::kHistogram;
  if (name == "info") return MetricType::kInfo;
  if (name == "stateset") return MetricType::kStateset;
  if (name == "unknown") return MetricType::kUnknown;
  return std::nullopt;
}

// Of label values and help texts: \\, \n and \"; any other backslash stands for itself.
std::string unescape(std::string_view text, bool quotes) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) {
      const char next = text[i + 1];
      if (next == '\\' || next == 'n' || (quotes && next == '"')) {
        out += next == 'n' ? '\n' : next;
        ++i;
        continue;
      }
    }
    out += text[i];
  }
  return out;
}

}  // namespace

std::optional<ExpositionFormat> exposition_format(std::string_view content_type) {
  const size_t end = content_type.find_first_of("; ,");
  const std::string_view type = content_type.substr(0, end);
  if (equals_ignoring_case(type, "application/openmetrics-text")) {
    return ExpositionFormat::kOpenMetrics;
  }
  if (equals_ignoring_case(type, "text/plain")) return ExpositionFormat::kText;
  return std::nullopt;
}

Error ExpositionParser::fail(std::string_view what) const {
  const size_t at = std::min(at_, text_.size());
  const auto line = 1 + std::count(text_.begin(), text_.begin() + static_cast<ptrdiff_t>(at), '\n');
  std::string message = "line " + std::to_string(line) + ": " + std::string(what);
  if (at_end()) {
    message += ", but the text ends";
  } else {
    const std::string_view rest = text_.substr(at, std::min<size_t>(text_.find('\n', at) - at, 40));
    message += ", got \"" + base::sanitize_utf8(rest) + "\"";
  }
  return {Code::kInvalidArgument, std::move(message)};
}

std::string_view ExpositionParser::keep(std::string text) {
  if (kept_count_ == kept_.size()) kept_.emplace_back();
  kept_[kept_count_] = std::move(text);
  return kept_[kept_count_++];
}

void ExpositionParser::skip_blanks() {
  while (!at_end() && is_blank(text_[at_])) ++at_;
}

void ExpositionParser::skip_line() {
  const size_t end = text_.find('\n', at_);
  at_ = end == text_.npos ? text_.size() : end + 1;
}

Result<ExpositionParser::Entry> ExpositionParser::next() {
  kept_count_ = 0;
  while (true) {
    if (saw_eof_ && !at_end()) return fail("nothing may follow # EOF");
    if (!open_metrics_) {
      while (!at_end() && (is_blank(text_[at_]) || text_[at_] == '\n')) ++at_;
    }
    if (at_end()) {
      if (open_metrics_ && !saw_eof_) return fail("expected # EOF at the end");
      return Entry::kEnd;
    }
    if (text_[at_] != '#') return sample();
    const size_t before = at_;
    auto entry = next_comment();
    // A comment that is no metadata, or # EOF: on to what follows.
    if (!entry.ok() || *entry != Entry::kEnd) return entry;
    if (at_ == before) return fail("unexpected comment");
  }
}

Result<ExpositionParser::Entry> ExpositionParser::next_comment() {
  const std::string_view rest = text_.substr(at_);
  if (open_metrics_) {
    if (rest == "# EOF" || rest == "# EOF\n") {
      saw_eof_ = true;
      at_ = text_.size();
      return Entry::kEnd;
    }
    if (rest.starts_with("# EOF\n")) {
      saw_eof_ = true;
      at_ += 6;
      return Entry::kEnd;
    }
    for (const auto& [word, entry] : {std::pair("# TYPE ", Entry::kType),
                                      {"# HELP ", Entry::kHelp},
                                      {"# UNIT ", Entry::kUnit}}) {
      if (!rest.starts_with(word)) continue;
      at_ += 7;
      return metadata(entry);
    }
    return fail("expected # TYPE, # HELP, # UNIT or # EOF");
  }
  ++at_;
  if (!is_blank(peek())) {
    skip_line();
    return Entry::kEnd;
  }
  skip_blanks();
  for (const auto& [word, entry] : {std::pair("TYPE", Entry::kType), {"HELP", Entry::kHelp}}) {
    if (!text_.substr(at_).starts_with(word)) continue;
    if (at_ + 4 >= text_.size() || !is_blank(text_[at_ + 4])) break;
    at_ += 4;
    skip_blanks();
    return metadata(entry);
  }
  skip_line();
  return Entry::kEnd;
}

Result<ExpositionParser::Entry> ExpositionParser::metadata(Entry entry) {
  if (peek() == '"') {
    ASSIGN_OR_RETURN(family_, quoted());
  } else {
    family_ = identifier(true);
  }
  if (family_.empty()) return fail("expected the name of a metric");
  const size_t end = std::min(text_.find('\n', at_), text_.size());
  std::string_view content = text_.substr(at_, end - at_);
  if (!content.empty() && !is_blank(content[0]))
    return fail("expected a space behind the metric's name");
  if (!content.empty()) content.remove_prefix(1);
  if (!open_metrics_) {
    while (!content.empty() && is_blank(content[0])) content.remove_prefix(1);
  }
  if (entry == Entry::kType) {
    const auto type = type_of(content, open_metrics_);
    if (!type) return fail("this is no type of metric");
    type_ = *type;
  } else if (!base::is_utf8(content)) {
    return fail("help and unit must be UTF-8");
  } else if (entry == Entry::kHelp) {
    metadata_text_ = unescape(content, open_metrics_);
  } else {
    const bool suffix = family_.size() > content.size() && family_.ends_with(content) &&
                        family_[family_.size() - content.size() - 1] == '_';
    if (content.empty() || !suffix) return fail("the unit must end the metric's name");
    metadata_text_ = content;
  }
  at_ = end;
  RETURN_IF_ERROR(line_end());
  return entry;
}

std::string_view ExpositionParser::identifier(bool colon) {
  const size_t start = at_;
  while (!at_end()) {
    const char c = text_[at_];
    if (!(is_letter(c) || (colon && c == ':') || (at_ > start && is_digit(c)))) break;
    ++at_;
  }
  return text_.substr(start, at_ - start);
}

Result<std::string_view> ExpositionParser::quoted() {
  const size_t start = ++at_;
  bool escaped = false;
  while (!at_end() && text_[at_] != '"') {
    if (text_[at_] == '\\') {
      escaped = true;
      ++at_;
    }
    ++at_;
  }
  if (at_end()) return fail("a quoted text does not end");
  const std::string_view raw = text_.substr(start, at_ - start);
  ++at_;
  if (!base::is_utf8(raw)) return fail("text must be UTF-8");
  return escaped ? keep(unescape(raw, true)) : raw;
}

// From behind the opening brace to behind the closing one.
Status ExpositionParser::label_list(std::vector<ExpositionLabel>& out, bool may_name_metric) {
  constexpr size_t kLabelsMax = 128;
  while (true) {
    skip_blanks();
    if (peek() == '}' && !at_end()) {
      ++at_;
      return {};
    }
    const bool in_quotes = peek() == '"';
    std::string_view name;
    if (in_quotes) {
      ASSIGN_OR_RETURN(name, quoted());
    } else {
      name = identifier(false);
    }
    if (name.empty()) return fail("expected the name of a label");
    skip_blanks();
    if (peek() == '=') {
      ++at_;
      skip_blanks();
      if (peek() != '"') return fail("expected the value of a label in quotes");
      ASSIGN_OR_RETURN(const std::string_view value, quoted());
      for (const ExpositionLabel& other : out) {
        if (other.name == name) return fail("label \"" + std::string(name) + "\" is given twice");
      }
      if (out.size() == kLabelsMax) return fail("a series may have 128 labels at most");
      out.push_back({name, value});
      skip_blanks();
    } else if (in_quotes && may_name_metric) {
      for (const ExpositionLabel& other : out) {
        if (other.name == model::kMetricName) return fail("the metric's name is given twice");
      }
      out.push_back({model::kMetricName, name});
    } else {
      return fail("expected = behind the name of a label");
    }
    if (peek() == ',') {
      ++at_;
    } else if (peek() != '}') {
      return fail("expected , or } behind a label");
    }
  }
}

Result<double> ExpositionParser::number(std::string_view what) {
  const size_t end = std::min(text_.find_first_of(" \t\n{", at_), text_.size());
  const auto parsed = parse_number(text_.substr(at_, end - at_));
  if (!parsed) return fail("expected " + std::string(what));
  at_ = end;
  return *parsed;
}

// Milliseconds in the text format, seconds in OpenMetrics; nothing where none is given.
Result<std::optional<int64_t>> ExpositionParser::timestamp() {
  if (at_end() || text_[at_] == '\n' || text_[at_] == '#') return std::optional<int64_t>();
  if (open_metrics_) {
    ASSIGN_OR_RETURN(const double seconds, number("a timestamp"));
    if (!(std::fabs(seconds) < 9.0e15)) return fail("this is no timestamp");
    return std::optional(static_cast<int64_t>(seconds * 1000));
  }
  const size_t end = std::min(text_.find_first_of(" \t\n", at_), text_.size());
  int64_t time = 0;
  const auto parsed = std::from_chars(text_.data() + at_, text_.data() + end, time);
  if (parsed.ec != std::errc() || parsed.ptr != text_.data() + end) {
    return fail("expected a timestamp in milliseconds");
  }
  at_ = end;
  return std::optional(time);
}

Status ExpositionParser::line_end() {
  if (!open_metrics_) skip_blanks();
  if (at_end()) {
    if (open_metrics_) return fail("expected the end of the line");
    return {};
  }
  if (text_[at_] != '\n') return fail("expected the end of the line");
  ++at_;
  return {};
}

Result<ExpositionParser::Entry> ExpositionParser::sample() {
  labels_.clear();
  exemplar_.reset();
  const size_t start = at_;
  const std::string_view name = identifier(true);
  if (!name.empty()) labels_.push_back({model::kMetricName, name});
  const size_t name_end = at_;
  skip_blanks();
  if (peek() == '{') {
    ++at_;
    RETURN_IF_ERROR(label_list(labels_, name.empty()));
    series_ = text_.substr(start, at_ - start);
    skip_blanks();
  } else {
    series_ = text_.substr(start, name_end - start);
    if (name.empty()) return fail("expected the name of a metric");
    if (at_ == name_end) return fail("expected { or a space behind the metric's name");
  }
  const bool named = std::any_of(labels_.begin(), labels_.end(), [](const ExpositionLabel& label) {
    return label.name == model::kMetricName && !label.value.empty();
  });
  if (!named) return fail("a series has no name");
  normalize_bounds();
  ASSIGN_OR_RETURN(value_, number("a number"));
  skip_blanks();
  ASSIGN_OR_RETURN(time_ms_, timestamp());
  if (open_metrics_) {
    skip_blanks();
    if (text_.substr(at_).starts_with("# {")) {
      at_ += 3;
      exemplar_.emplace();
      RETURN_IF_ERROR(label_list(exemplar_->labels, false));
      skip_blanks();
      ASSIGN_OR_RETURN(exemplar_->value, number("the number of an exemplar"));
      skip_blanks();
      ASSIGN_OR_RETURN(exemplar_->time_ms, timestamp());
    }
  }
  RETURN_IF_ERROR(line_end());
  return Entry::kSample;
}

// `le` and `quantile` are numbers: 1 and 1.0 are the same series.
void ExpositionParser::normalize_bounds() {
  const std::string_view bound = type_ == model::MetricType::kHistogram ? "le"
                                 : type_ == model::MetricType::kSummary ? "quantile"
                                                                        : "";
  if (bound.empty()) return;
  for (ExpositionLabel& label : labels_) {
    if (label.name != bound) continue;
    if (const auto number = parse_number(label.value)) {
      std::string text = format_label_number(*number);
      if (text != label.value) label.value = keep(std::move(text));
    }
  }
}

}  // namespace vedette::wire
