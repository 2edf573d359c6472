// The metrics SDK's hot half: instruments, streams and readers as Python holds them.
//
// An instrument finds the series of an attribute dict by a hash over its keys and values, without
// allocation, and records into one cell a stream. Everything here runs under the GIL; the cells are
// collected by threads that do not.
#pragma once

#include <memory>
#include <vector>

#include "python.h"
#include "sdk/metric_reader.h"
#include "sdk/metric_stream.h"

namespace vedette::native {

/// How the cells of a stream are exposed.
struct Exposure {
  std::shared_ptr<sdk::MetricFamilies> families;
  sdk::MetricOptions options;
  sdk::LabelPairs fixed;  // on every series: of the scope and of the resource
  bool escaped;           // label names have letters, digits and underscores alone
};

/// vedette._native.MetricStream
struct StreamObject {
  PyObject_HEAD std::shared_ptr<sdk::MetricStream> stream;
  std::unique_ptr<Exposure> exposure;  // null: its reader collects
  uint32_t reader;                     // the number of the reader it belongs to
  PyObject* reservoir_builder;         // None: exemplars are kept natively
};
extern PyTypeObject* stream_type;

/// What a series has in one stream.
struct Target {
  sdk::MetricStream::Resolved found;
  std::string dropped;  // attributes the stream leaves out, encoded for an exemplar
};

/// One attribute set of an instrument, and where it is counted.
struct Series {
  size_t hash = 0;
  std::vector<Ref> items;  // key, value, key, value, …
  std::vector<Target> targets;
};

/// The attribute sets of an instrument by their content. Bounded by whoever inserts.
class SeriesTable {
 public:
  /// The series of an exact dict of simple values, or null. `*hash` is set in any case.
  Series* find(PyObject* attributes, size_t* hash) const;
  Series* insert(std::unique_ptr<Series> series);
  void clear();
  size_t size() const { return all_.size(); }

 private:
  void grow();
  std::vector<std::unique_ptr<Series>> all_;
  std::vector<Series*> slots_;  // a power of two, at most half full
};

/// True for str, bool, int, float, bytes, None and tuples of them: hashing and comparing those runs
/// no Python code.
bool simple_attributes(PyObject* dict);

/// vedette._native.Instrument
enum class ExemplarMode : uint8_t { kOff, kOn, kTraceBased, kPython };

struct Instrument {
  std::vector<StreamObject*> streams;  // owned
  SeriesTable series;
  std::unique_ptr<Series> empty;  // no attributes
  size_t series_max = 0;
  PyObject* name = nullptr;
  PyObject* exemplar_filter = nullptr;  // written in Python
  ExemplarMode exemplars = ExemplarMode::kTraceBased;
  bool enabled = true;
  bool non_negative = false;
};

/// An attribute of a measurement.
struct Pair {
  std::string key;
  Ref value;
};

/// MetricStream.expose(families, kind, name, help, unit, everyone, fixed)
PyObject* stream_expose(PyObject* self, PyObject* args);
/// Counts what the new cell records in the exposition. `pairs`: its attributes, by key.
void expose_cell(const StreamObject& stream, sdk::MetricCell& cell, const std::vector<Pair>& pairs);

bool add_instrument_types(PyObject* module);
bool add_metric_families_type(PyObject* module);
bool add_metric_reader_types(PyObject* module);
/// queue_metrics(): the MetricsData of whatever reader, encoded.
bool add_metric_data_functions(PyObject* module);
bool add_prometheus_name_functions(PyObject* module);

/// A measurement's value; false, and said once, when it is no finite number.
bool read_number(PyObject* value, sdk::Number* out);

}  // namespace vedette::native
