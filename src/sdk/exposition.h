// Prometheus exposition: the text format and OpenMetrics 1.0, letter for letter as
// prometheus_client writes them, and the interface of what can be exposed without the interpreter.
//
// Nothing here takes a lock or the GIL. Label text is made once, when a series is made.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vedette::sdk {

enum class MetricType : uint8_t {
  kCounter,
  kGauge,
  kHistogram,
  kSummary,
  kInfo,
  kStateSet,
  kPlainCounter,  // a counter without "_total", which OpenMetrics has no type for
};
/// As OpenMetrics calls it.
std::string_view type_name(MetricType type);
/// Values that are set, and become one value of several processes by a GaugeMode.
constexpr bool is_set(MetricType type) {
  return type == MetricType::kGauge || type == MetricType::kInfo || type == MetricType::kStateSet;
}

enum class Format : uint8_t { kText, kOpenMetrics };
/// How names that the classic formats cannot hold are written (escaping= of the content type).
enum class Escaping : uint8_t { kUnderscores, kAllowUtf8, kDots, kValues };

/// The label names of a metric, in its order, and their order in the exposition.
class LabelNames {
 public:
  explicit LabelNames(std::vector<std::string> names);

  const std::vector<std::string>& names() const { return names_; }
  const std::vector<uint32_t>& sorted() const { return sorted_; }
  /// All of them are [a-zA-Z_][a-zA-Z0-9_]*.
  bool classic() const { return classic_; }
  /// How many sort before this one.
  size_t rank(std::string_view name) const;

 private:
  std::vector<std::string> names_;
  std::vector<uint32_t> sorted_;
  bool classic_;
};

/// The labels of one series.
class Labels {
 public:
  Labels(std::shared_ptr<const LabelNames> names, std::vector<std::string> values);

  const LabelNames& names() const { return *names_; }
  const std::vector<std::string>& values() const { return values_; }
  bool empty() const { return values_.empty(); }
  /// `a="1",z="2"`, with one more label in its place unless its name is empty.
  void append(std::string& out, std::string_view name, std::string_view value,
              Escaping escaping) const;

 private:
  void append_pair(std::string& out, size_t index, Escaping escaping) const;
  void append_slowly(std::string& out, std::string_view name, std::string_view value,
                     Escaping escaping) const;

  std::shared_ptr<const LabelNames> names_;
  std::vector<std::string> values_;
  std::string text_;               // under kUnderscores
  std::vector<uint32_t> offsets_;  // where in text_ each label begins
  size_t le_rank_;
};

struct Family {
  std::string_view name;  // of a counter without "_total"
  std::string_view help;
  MetricType type = MetricType::kGauge;
  std::string_view unit{};
};

struct Exemplar {
  std::vector<std::pair<std::string, std::string>> labels;
  double value = 0;
  double time = 0;  // seconds since 1970
};

struct Sample {
  std::string_view suffix{};
  const Labels* labels = nullptr;
  std::string_view extra_name{};  // "le", "quantile", "pid": a label beside those of the series
  std::string_view extra_value{};
  double value = 0;
  const Exemplar* exemplar = nullptr;
};

class SampleSink {
 public:
  virtual ~SampleSink() = default;
  virtual void family(const Family& family) = 0;
  virtual void sample(const Sample& sample) = 0;
};

/// The values of the other processes of the service (metric_arena.h).
class SharedValues;

/// What is exposed of one collector now. Needs no GIL.
class Collection {
 public:
  virtual ~Collection() = default;
  /// `others`: null when this process is alone.
  virtual void collect(SampleSink& sink, SharedValues* others) = 0;
};

/// Whatever has native metrics: the metrics here, the process, meters.
class Collector {
 public:
  virtual ~Collector() = default;
  /// Called under the GIL: takes what is needed of what the GIL protects.
  virtual std::unique_ptr<Collection> begin() = 0;
};

/// Writes samples as text. Call finish() once at the end.
class TextWriter : public SampleSink {
 public:
  TextWriter(std::string& out, Format format, Escaping escaping)
      : out_(out), format_(format), escaping_(escaping) {}

  void family(const Family& family) override;
  void sample(const Sample& sample) override;
  void finish() { flush_created(); }

 private:
  void flush_created();
  void header(std::string_view name, std::string_view type);
  void append_name(std::string& out, std::string_view suffix) const;
  void append_exemplar(std::string& out, const Exemplar& exemplar) const;

  std::string& out_;
  const Format format_;
  const Escaping escaping_;
  Family family_{};
  bool classic_ = true;  // the name is written as it is
  std::string created_;  // the text format shows _created samples as a family behind
};

/// A value as Go prints it: "1.0", "0.25", "1e+06", "+Inf", "NaN".
void append_number(std::string& out, double value);
/// A value as Python prints it.
void append_repr(std::string& out, double value);
/// Ill-formed UTF-8 becomes U+FFFD; backslash, quote and newline are escaped.
void append_escaped_label(std::string& out, std::string_view value);

bool is_classic_name(std::string_view name, bool colon);
std::string escape_name(std::string_view name, Escaping escaping, bool label);

}  // namespace vedette::sdk
