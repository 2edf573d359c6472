#include "sdk/metrics.h"

#include <charconv>
#include <cmath>
#include <set>

#include "base/utf8.h"
#include "sdk/diagnostic.h"

namespace vedette::sdk {
namespace {

bool is_name(std::string_view name, bool colon) {
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
  return std::all_of(name.begin(), name.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           (colon && c == ':');
  });
}

Status check(const MetricOptions& options) {
  const auto bad = [&](const std::string& why) {
    return Status(Code::kInvalidArgument, "metric " + options.name + ": " + why);
  };
  if (!is_name(options.name, true)) {
    return {Code::kInvalidArgument, "Invalid metric name: " + options.name};
  }
  std::set<std::string_view> seen;
  for (const std::string& label : options.labels) {
    if (!is_name(label, false)) return bad("invalid label name: " + label);
    if (label.starts_with("__")) return bad("reserved label name: " + label);
    if (label == "le" && options.type == MetricType::kHistogram) {
      return bad("reserved label name: le");
    }
    if (!seen.insert(label).second) return bad("the label " + label + " is there twice");
  }
  for (size_t i = 1; i < options.bounds.size(); ++i) {
    if (!(options.bounds[i - 1] < options.bounds[i])) return bad("Buckets not in sorted order");
  }
  return {};
}

void append_escaped_help(std::string& out, std::string_view text) {
  for (char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
}

}  // namespace

void append_number(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "NaN";
    return;
  }
  if (std::isinf(value)) {
    out += value > 0 ? "+Inf" : "-Inf";
    return;
  }
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  out.append(text, end);
  const std::string_view written(text, static_cast<size_t>(end - text));
  if (written.find_first_of(".e") == written.npos) out += ".0";
}

void append_escaped_label(std::string& out, std::string_view value) {
  std::string cleaned;
  if (!base::is_utf8(value)) {
    cleaned = base::sanitize_utf8(value);
    value = cleaned;
  }
  for (char c : value) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
}

Series::Series(std::string before, std::string after, size_t buckets)
    : before_(std::move(before)), after_(std::move(after)) {
  if (buckets) buckets_ = std::make_unique<std::atomic<uint64_t>[]>(buckets);
}

Result<std::shared_ptr<Metric>> Metric::create(MetricOptions options) {
  RETURN_IF_ERROR(check(options));
  return std::shared_ptr<Metric>(new Metric(std::move(options)));
}

Metric::Metric(MetricOptions options) : options_(std::move(options)) {
  for (size_t i = 0; i < options_.labels.size(); ++i) label_order_.push_back(i);
  std::sort(label_order_.begin(), label_order_.end(),
            [&](size_t a, size_t b) { return options_.labels[a] < options_.labels[b]; });
  for (double bound : options_.bounds) append_number(bound_texts_.emplace_back(), bound);
  bound_texts_.push_back("+Inf");
}

std::string Metric::key_of(const std::vector<std::string_view>& values) {
  std::string key;
  for (std::string_view value : values) {
    key.append(value.substr(0, kLabelBytesMax)) += '\xff';  // never in UTF-8
  }
  return key;
}

std::shared_ptr<Series> Metric::series(const std::vector<std::string_view>& values) {
  const std::string key = key_of(values);
  const std::lock_guard lock(mutex_);
  if (const auto found = by_key_.find(key); found != by_key_.end()) return found->second;
  if (in_order_.size() >= options_.series_max && !values.empty()) {
    if (!overflow_) {
      name_the_guilty();
      overflow_ = make(std::vector<std::string_view>(values.size(), kOverflow));
      in_order_.push_back(overflow_);
    }
    return overflow_;
  }
  std::shared_ptr<Series> made = make(values);
  by_key_.emplace(key, made);
  in_order_.push_back(made);
  return made;
}

std::shared_ptr<Series> Metric::make(const std::vector<std::string_view>& values) {
  std::string before, after;
  for (size_t i : label_order_) {
    const std::string& name = options_.labels[i];
    const bool first = options_.type != MetricType::kHistogram || name < "le";
    std::string& to = first ? before : after;
    if (!first) to += ',';
    to += name;
    to += "=\"";
    append_escaped_label(to, values[i].substr(0, kLabelBytesMax));
    to += '"';
    if (first) to += ',';
  }
  const bool histogram = options_.type == MetricType::kHistogram;
  return std::make_shared<Series>(std::move(before), std::move(after),
                                  histogram ? bound_texts_.size() : 0);
}

void Metric::name_the_guilty() {
  std::vector<std::set<std::string_view>> distinct(options_.labels.size());
  for (const auto& [key, series] : by_key_) {
    std::string_view rest = key;
    for (auto& values : distinct) {
      const size_t end = rest.find('\xff');
      values.insert(rest.substr(0, end));
      rest.remove_prefix(end + 1);
    }
  }
  size_t worst = 0;
  for (size_t i = 1; i < distinct.size(); ++i) {
    if (distinct[i].size() > distinct[worst].size()) worst = i;
  }
  complain("metric " + options_.name + " has reached its limit of " +
           std::to_string(options_.series_max) + " series; further ones are counted as " +
           options_.labels[worst] + "=\"" + std::string(kOverflow) +
           "\". The label with the most values is " + options_.labels[worst] + " (" +
           std::to_string(distinct[worst].size()) + ")");
}

void Metric::remove(const std::vector<std::string_view>& values) {
  const std::lock_guard lock(mutex_);
  const auto found = by_key_.find(key_of(values));
  if (found == by_key_.end()) return;
  std::erase(in_order_, found->second);
  by_key_.erase(found);
}

void Metric::clear() {
  const std::lock_guard lock(mutex_);
  by_key_.clear();
  in_order_.clear();
  overflow_.reset();
}

size_t Metric::bucket_of(double amount) const {
  const auto& bounds = options_.bounds;
  // A NaN is greater than nothing, and belongs to +Inf.
  if (std::isnan(amount)) return bounds.size();
  return static_cast<size_t>(std::lower_bound(bounds.begin(), bounds.end(), amount) -
                             bounds.begin());
}

std::vector<std::string> Metric::sample_names() const {
  const std::string& name = options_.name;
  switch (options_.type) {
    case MetricType::kCounter:
      return {name, name + "_total", name + "_created"};
    case MetricType::kGauge:
      return {name};
    case MetricType::kHistogram:
      return {name, name + "_bucket", name + "_sum", name + "_count", name + "_created"};
  }
  return {};
}

std::vector<std::shared_ptr<Series>> Metric::all_series() {
  const std::lock_guard lock(mutex_);
  return in_order_;
}

void Metric::render(std::string& out, const std::vector<std::shared_ptr<Series>>& all) const {
  constexpr const char* kTypes[] = {"counter", "gauge", "histogram"};
  const std::string name =
      options_.type == MetricType::kCounter ? options_.name + "_total" : options_.name;
  out.append("# HELP ").append(name) += ' ';
  append_escaped_help(out, options_.help);
  out.append("\n# TYPE ").append(name) += ' ';
  out.append(kTypes[static_cast<size_t>(options_.type)]) += '\n';
  for (const auto& series : all) render_series(out, *series);
}

void Metric::render_series(std::string& out, const Series& series) const {
  const std::string& name = options_.name;
  if (options_.type != MetricType::kHistogram) {
    out += name;
    if (options_.type == MetricType::kCounter) out += "_total";
    if (!series.before_.empty()) {
      out += '{';
      out.append(series.before_, 0, series.before_.size() - 1) += '}';
    }
    out += ' ';
    append_number(out, series.value());
    out += '\n';
    return;
  }
  uint64_t count = 0;
  for (size_t i = 0; i < bound_texts_.size(); ++i) {
    count += series.bucket(i);
    out.append(name).append("_bucket{").append(series.before_).append("le=\"");
    out.append(bound_texts_[i]).append("\"").append(series.after_).append("} ");
    append_number(out, static_cast<double>(count));
    out += '\n';
  }
  std::string labels = series.before_ + series.after_;
  if (!labels.empty() && labels.back() == ',') labels.pop_back();
  if (!labels.empty() && labels.front() == ',') labels.erase(0, 1);
  if (const size_t seam = labels.find(",,");
      !series.before_.empty() && seam != labels.npos && seam + 1 == series.before_.size()) {
    labels.erase(seam, 1);
  }
  if (!labels.empty()) labels = '{' + labels + '}';
  out.append(name).append("_count").append(labels) += ' ';
  append_number(out, static_cast<double>(count));
  out.append("\n").append(name).append("_sum").append(labels) += ' ';
  append_number(out, series.value());
  out += '\n';
}

Status Registry::add(std::shared_ptr<Metric> metric) {
  const std::vector<std::string> names = metric->sample_names();
  const std::lock_guard lock(mutex_);
  for (const std::string& name : names) {
    if (names_.contains(name)) {
      return {Code::kAlreadyExists, "Duplicated timeseries in CollectorRegistry: " + name};
    }
  }
  for (const std::string& name : names) names_.emplace(name, metric.get());
  metrics_.push_back(std::move(metric));
  return {};
}

void Registry::remove(const Metric* metric) {
  const std::lock_guard lock(mutex_);
  std::erase_if(names_, [&](const auto& entry) { return entry.second == metric; });
  std::erase_if(metrics_, [&](const auto& known) { return known.get() == metric; });
}

Registry::Snapshot Registry::snapshot() {
  Snapshot taken;
  const std::lock_guard lock(mutex_);
  taken.reserve(metrics_.size());
  for (const auto& metric : metrics_) taken.emplace_back(metric, metric->all_series());
  return taken;
}

void Registry::render(const Snapshot& snapshot, std::string& out) {
  for (const auto& [metric, series] : snapshot) metric->render(out, series);
}

}  // namespace vedette::sdk
