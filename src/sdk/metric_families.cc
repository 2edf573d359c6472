#include "sdk/metric_families.h"

#include "sdk/metric_collection.h"

namespace vedette::sdk {
namespace {

class FamiliesNow : public Collection {
 public:
  struct Part {
    std::string name;
    std::vector<std::unique_ptr<Collection>> metrics;
  };
  explicit FamiliesNow(std::vector<Part> parts) : parts_(std::move(parts)) {}

  void collect(SampleSink& sink, SharedValues* others) override {
    for (const Part& part : parts_) {
      OneHeader once(sink);
      for (const auto& metric : part.metrics) metric->collect(once, others);
      if (!others) continue;
      for (SharedMetric& metric : others->metrics) {
        if (metric.shown || !metric.options.grouped || metric.options.name != part.name) continue;
        metric.shown = true;
        collect_foreign_metric(once, metric);
      }
    }
  }

 private:
  const std::vector<Part> parts_;
};

std::vector<std::string_view> views(const std::vector<std::string>& texts) {
  return {texts.begin(), texts.end()};
}

}  // namespace

std::shared_ptr<Metric> MetricFamilies::metric(const MetricOptions& options,
                                               const LabelPairs& labels) {
  MetricOptions own = options;
  for (const auto& [name, value] : labels) own.labels.push_back(name);
  own.grouped = true;
  const auto [family, fresh] = families_.try_emplace(options.name);
  if (fresh) order_.push_back(options.name);
  std::shared_ptr<Metric>& found = family->second.by_identity[metric_identity(own)];
  if (found) return found;
  auto made = Metric::create(std::move(own));
  if (!made.ok()) return nullptr;
  found = std::move(made).value();
  family->second.metrics.push_back(found);
  return found;
}

void MetricFamilies::declare(const MetricOptions& options) {
  metric(options, {});
  families_.at(options.name).declared = true;
}

std::unique_ptr<Collection> MetricFamilies::begin() {
  std::vector<FamiliesNow::Part> parts;
  for (const std::string& name : order_) {
    if (hidden_.contains(name)) continue;
    FamiliesNow::Part part{name, {}};
    const Group& group = families_.at(name);
    for (const auto& metric : group.metrics) {
      if (group.declared || !metric->all_series().empty()) part.metrics.push_back(metric->begin());
    }
    if (!part.metrics.empty()) parts.push_back(std::move(part));
  }
  return std::make_unique<FamiliesNow>(std::move(parts));
}

void Exposed::set(double value) {
  if (!series) series = metric->series(views(values));
  series->set(value);
}

void Exposed::hide() {
  if (!series) return;
  metric->remove(views(values));
  series.reset();
}

}  // namespace vedette::sdk
