// vedette._native's Counter, Gauge, Histogram and Summary: what prometheus_client's do, natively.
// vedette.prometheus derives its classes from them.
#pragma once

#include <memory>

#include "python.h"
#include "sdk/metrics.h"

namespace vedette::native {

/// vedette._native.Collector: what render() and collect() take. Whoever has native metrics derives
/// from it.
struct CollectorObject {
  PyObject_HEAD std::shared_ptr<sdk::Collector> collector;
};

/// A metric, or, made by labels(), one series of it.
struct MetricObject {
  CollectorObject base;                 // empty: __init__ has not run
  std::shared_ptr<sdk::Metric> metric;  // the same, of its own type
  std::shared_ptr<sdk::Series> series;  // null: labels are missing
  PyObject* children;                   // of a metric with labels: label value(s) -> MetricObject
  PyObject* label_names;                // tuple of str
  PyObject* label_values;               // of a series; null: none
  PyObject* known_keywords;             // the last call's kwnames; they are constants of call sites
  int* keyword_order;                   // where each label stands in known_keywords
};

extern PyTypeObject* collector_type;

bool add_metric_types(PyObject* module);
/// render(), collect() and what else is about all metrics.
bool add_scrape_functions(PyObject* module);

/// Registers a metric made in C++ with a Python CollectorRegistry; false when its names are taken.
bool register_metric(PyObject* registry, std::shared_ptr<sdk::Metric> metric);

/// Keeps the current span, if it is sampled, as the exemplar of a bucket (0 of a counter); at most
/// once a second.
void take_exemplar(sdk::Series& series, size_t index, double amount);

/// Gauge.set_function().
void set_gauge_function(std::shared_ptr<sdk::Metric> metric, std::shared_ptr<sdk::Series> series,
                        PyObject* function);
void forget_gauge_functions(const sdk::Metric* metric);

}  // namespace vedette::native
