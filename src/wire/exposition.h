// Prometheus's text format 0.0.4 and OpenMetrics 1.0, read as strictly as Prometheus 3 reads them
// (prometheus/model/textparse): UTF-8 names in quotes, exemplars, metadata, `# EOF`.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/sample_batch.h"

namespace vedette::wire {

enum class ExpositionFormat : uint8_t { kText, kOpenMetrics };

/// By Content-Type; nothing for what is neither.
std::optional<ExpositionFormat> exposition_format(std::string_view content_type);

struct ExpositionLabel {
  std::string_view name;
  std::string_view value;
};

struct ExpositionExemplar {
  std::vector<ExpositionLabel> labels;
  double value = 0;
  std::optional<int64_t> time_ms;
};

/// Walks a page entry by entry, without copying it. Single-threaded; the text must outlive the
/// parser.
class ExpositionParser {
 public:
  ExpositionParser(std::string_view text, ExpositionFormat format)
      : text_(text), open_metrics_(format == ExpositionFormat::kOpenMetrics) {}

  enum class Entry : uint8_t { kSample, kType, kHelp, kUnit, kEnd };
  /// The next entry; views into it are valid until the next call. After an error, which names line
  /// and fault, the page is worth nothing as a whole.
  Result<Entry> next();

  // Of a sample:
  /// Name and labels as they stand: the same text is the same series.
  std::string_view series() const { return series_; }
  /// With the metric's name as __name__; empty values are among them.
  const std::vector<ExpositionLabel>& labels() const { return labels_; }
  double value() const { return value_; }
  std::optional<int64_t> time_ms() const { return time_ms_; }
  const std::optional<ExpositionExemplar>& exemplar() const { return exemplar_; }

  // Of metadata:
  std::string_view family() const { return family_; }
  model::MetricType type() const { return type_; }
  /// Help or unit.
  const std::string& metadata_text() const { return metadata_text_; }

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\n'; }
  bool at_end() const { return at_ >= text_.size(); }
  void skip_blanks();
  void skip_line();
  Error fail(std::string_view what) const;
  std::string_view keep(std::string text);

  Result<Entry> next_comment();
  Result<Entry> metadata(Entry entry);
  Result<Entry> sample();
  Status label_list(std::vector<ExpositionLabel>& out, bool may_name_metric);
  Result<std::string_view> quoted();
  std::string_view identifier(bool colon);
  Result<double> number(std::string_view what);
  Result<std::optional<int64_t>> timestamp();
  Status line_end();
  void normalize_bounds();

  const std::string_view text_;
  const bool open_metrics_;
  size_t at_ = 0;
  bool saw_eof_ = false;

  std::string_view series_;
  std::vector<ExpositionLabel> labels_;
  double value_ = 0;
  std::optional<int64_t> time_ms_;
  std::optional<ExpositionExemplar> exemplar_;
  std::string_view family_;
  std::string metadata_text_;
  model::MetricType type_ = model::MetricType::kUnknown;
  // Text of this entry that is not in the page as it is: unescaped, or written anew.
  std::deque<std::string> kept_;  // views into its strings stay good while it grows
  size_t kept_count_ = 0;
};

}  // namespace vedette::wire
