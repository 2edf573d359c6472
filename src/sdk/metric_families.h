// Families of metrics whose series do not all have the same labels: what OpenTelemetry's meters
// count, Info and Enum. Each set of label names is a Metric of its own, and they are exposed under
// one header, together with those that only other processes of the service have.
//
// Methods are called under the GIL; what begin() returns needs none.
#pragma once

#include <map>
#include <set>

#include "sdk/metrics.h"

namespace vedette::sdk {

using LabelPairs = std::vector<std::pair<std::string, std::string>>;

class MetricFamilies : public Collector {
 public:
  /// The metric of this family with the label names of `labels`; null when a name is there twice.
  /// `options` are the family's, without labels.
  std::shared_ptr<Metric> metric(const MetricOptions& options, const LabelPairs& labels);
  /// Shows the family even while it has no series.
  void declare(const MetricOptions& options);
  /// Those there are, in the order they came.
  const std::vector<std::string>& names() const { return order_; }
  /// Families that are not shown: somebody else has the name.
  void hide(std::set<std::string> names) { hidden_ = std::move(names); }
  std::unique_ptr<Collection> begin() override;

 private:
  struct Group {
    std::vector<std::shared_ptr<Metric>> metrics;
    std::map<std::string, std::shared_ptr<Metric>> by_identity;
    bool declared = false;
  };
  std::vector<std::string> order_;
  std::map<std::string, Group> families_;
  std::set<std::string> hidden_;
};

/// Where a cell of a meter is shown.
struct Exposed {
  std::shared_ptr<Metric> metric;
  std::vector<std::string> values;
  std::shared_ptr<Series> series;  // null: there is nothing to show now

  void set(double value);
  void hide();
};

}  // namespace vedette::sdk
