// vedette._native's Counter, Gauge, Histogram and CollectorRegistry: prometheus_client's, natively.
#pragma once

#include <memory>

#include "python.h"
#include "sdk/metrics.h"

namespace vedette::native {

struct RegistryObject {
  PyObject_HEAD std::shared_ptr<sdk::Registry> registry;
  bool process;  // also reports process_*
};

/// A metric, or, made by labels(), one series of it.
struct MetricObject {
  PyObject_HEAD std::shared_ptr<sdk::Metric> metric;
  std::shared_ptr<sdk::Series> series;  // null: labels are missing
  PyObject* children;                   // of a metric with labels: label value(s) -> MetricObject
  PyObject* label_names;                // tuple of str
  PyObject* known_keywords;             // the last call's kwnames; they are constants of call sites
  int* keyword_order;                   // where each label stands in known_keywords
};

extern PyTypeObject* registry_type;

bool add_metric_types(PyObject* module);

}  // namespace vedette::native
