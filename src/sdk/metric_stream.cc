#include "sdk/metric_stream.h"

#include <time.h>

#include <algorithm>

#include "sdk/ids.h"
#include "sdk/otlp_fields.h"
#include "sdk/proto_buffer.h"

namespace vedette::sdk {
namespace {

size_t exemplars_max(const StreamOptions& options) {
  if (!options.exemplars) return 0;
  switch (options.aggregation) {
    case Aggregation::kDrop:
      return 0;
    case Aggregation::kHistogram:
      return options.bounds.size() + 1;  // one a bucket, the last seen
    case Aggregation::kExponential:
      return std::min<size_t>(20, options.max_size);
    default:
      return 1;
  }
}

std::string overflow_attributes(Aggregation aggregation) {
  ProtoBuffer out;
  const size_t pair = out.begin_message(attributes_field(aggregation));
  out.bytes_field(otlp::KeyValue::kKey, "otel.metric.overflow");
  const size_t value = out.begin_message(otlp::KeyValue::kValue);
  out.varint_field(otlp::AnyValue::kBool, 1);
  out.end_message(value);
  out.end_message(pair);
  return std::string(out.view());
}

}  // namespace

uint64_t unix_now() {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(now.tv_nsec);
}

uint32_t attributes_field(Aggregation aggregation) {
  switch (aggregation) {
    case Aggregation::kHistogram:
      return otlp::HistogramPoint::kAttributes;
    case Aggregation::kExponential:
      return otlp::ExponentialPoint::kAttributes;
    default:
      return otlp::NumberPoint::kAttributes;
  }
}

MetricCell::MetricCell(const StreamOptions& options, std::string attributes)
    : options_(options), attributes_(std::move(attributes)) {
  reset();
}

void MetricCell::reset() {
  touched_ = false;
  value_ = Number();
  count_ = 0;
  if (options_.aggregation == Aggregation::kHistogram) {
    buckets_.assign(options_.bounds.size() + 1, 0);
  } else if (options_.aggregation == Aggregation::kExponential) {
    exponential_.emplace(options_.max_size, options_.max_scale);
  }
}

bool MetricCell::record(Number value, const Measured* measured) {
  size_t bucket = 0;
  if (options_.aggregation == Aggregation::kHistogram) {
    const auto& bounds = options_.bounds;
    bucket = static_cast<size_t>(std::lower_bound(bounds.begin(), bounds.end(), value.as_double()) -
                                 bounds.begin());
  }
  if (exposed_ && !options_.asynchronous) {
    record_exposed(value.as_double(), bucket, measured);
    return true;
  }
  const std::lock_guard lock(lock_);
  if (!active_) return false;
  aggregate(value, bucket);
  if (measured) keep_exemplar(value, bucket, *measured);
  return true;
}

void MetricCell::record_exposed(double value, size_t bucket, const Measured* measured) {
  Series& series = *exposed_->series;
  const bool histogram = options_.aggregation == Aggregation::kHistogram;
  if (histogram) {
    series.observe(value, bucket);
  } else if (options_.aggregation == Aggregation::kSum) {
    series.add(value);
  } else {
    series.set(value);
  }
  const size_t index = histogram ? bucket : 0;
  if (!measured || !measured->trace_id.valid() || !(histogram || options_.monotonic)) return;
  const uint64_t now = unix_now();
  if (!series.exemplar_due(index, static_cast<int64_t>(now / 1'000'000'000))) return;
  series.set_exemplar(index, span_exemplar(measured->trace_id, measured->span_id, value,
                                           static_cast<double>(now) / 1e9));
}

void MetricCell::publish() {
  if (!exposed_ || !options_.asynchronous) return;
  bool touched;
  double value;
  {
    const std::lock_guard lock(lock_);
    touched = touched_;
    value = value_.as_double();
    reset();
  }
  if (touched) {
    exposed_->set(value);
  } else {
    exposed_->hide();
  }
}

void MetricCell::aggregate(Number value, size_t bucket) {
  touched_ = true;
  switch (options_.aggregation) {
    case Aggregation::kDrop:
      return;
    case Aggregation::kSum:
      return value_.add(value);
    case Aggregation::kLastValue:
      value_ = value;
      return;
    case Aggregation::kHistogram:
      ++buckets_[bucket];
      break;
    case Aggregation::kExponential:
      exponential_->record(value.as_double());
      break;
  }
  value_.add(value);
  if (options_.record_min_max) {
    if (count_ == 0 || value.as_double() < min_.as_double()) min_ = value;
    if (count_ == 0 || value.as_double() > max_.as_double()) max_ = value;
  }
  ++count_;
}

/// SimpleFixedSize: each measurement has the same chance. AlignedHistogramBucket: the last one.
void MetricCell::keep_exemplar(Number value, size_t bucket, const Measured& measured) {
  const size_t size = exemplars_max(options_);
  if (size == 0) return;
  size_t at = bucket;
  if (options_.aggregation != Aggregation::kHistogram) {
    at = offered_ < size ? offered_ : random_id() % (offered_ + 1);
    ++offered_;
    if (at >= size) return;
  }
  if (exemplars_.empty()) exemplars_.resize(size);
  PointExemplar& kept = exemplars_[at];
  kept.time = unix_now();
  kept.value = value;
  kept.trace_id = measured.trace_id;
  kept.span_id = measured.span_id;
  kept.attributes.assign(measured.attributes ? std::string_view(*measured.attributes) : "");
}

void MetricCell::fill(Point* out) {
  out->attributes = attributes_;
  out->start = start_;
  out->value = value_;
  out->count = count_;
  out->min = min_;
  out->max = max_;
  out->buckets = buckets_;
  if (exponential_) {
    out->scale = exponential_->zero_count() == count_ ? 0 : exponential_->scale();
    out->zero_count = exponential_->zero_count();
    out->positive = exponential_->positive();
    out->negative = exponential_->negative();
  }
  out->extension = extension;
  for (PointExemplar& exemplar : exemplars_) {
    if (exemplar.time) out->exemplars.push_back(exemplar);
    exemplar.time = 0;
  }
  offered_ = 0;
}

/// False: there is nothing to report.
bool MetricCell::collect(uint64_t now, Point* out) {
  const std::lock_guard lock(lock_);
  if (!active_) return false;
  const bool last_value = options_.aggregation == Aggregation::kLastValue;
  if (!touched_ && (options_.asynchronous || options_.delta)) {
    active_ = options_.asynchronous;
    return false;
  }
  fill(out);
  out->time = now;
  if (last_value) out->start = 0;
  if (options_.asynchronous) {
    if (options_.delta && !last_value) {
      out->value = value_.minus(previous_);
      previous_ = value_;
      start_ = now;
    }
    reset();
  } else if (options_.delta) {
    reset();
    active_ = false;
  }
  return true;
}

bool MetricStream::activate(MetricCell& cell) {
  const std::lock_guard lock(cell.lock_);
  if (cell.active_) return true;
  if (&cell != overflow_.get()) {
    if (active_ >= options_.cardinality_max) return false;
    ++active_;
  }
  cell.active_ = true;
  cell.start_ = last_collected_ ? last_collected_ : unix_now();
  return true;
}

MetricStream::Resolved MetricStream::resolve(const std::string& attributes) {
  const std::lock_guard lock(mutex_);
  Resolved found;
  found.cycle = cycle();
  if (const auto known = by_attributes_.find(attributes); known != by_attributes_.end()) {
    found.cell = known->second;
    if (activate(*found.cell)) return found;
  } else if (active_ < options_.cardinality_max &&
             !(overflow_ && overflow_->attributes() == attributes)) {
    found.cell = std::make_shared<MetricCell>(options_, attributes);
    found.made = true;
    activate(*found.cell);
    by_attributes_.emplace(attributes, found.cell);
    in_order_.push_back(found.cell);
    return found;
  }
  if (!overflow_) {
    overflow_ = std::make_shared<MetricCell>(options_, overflow_attributes(options_.aggregation));
    found.made = true;
  }
  activate(*overflow_);
  found.cell = overflow_;
  found.overflow = true;
  return found;
}

void MetricStream::publish() {
  const std::lock_guard lock(mutex_);
  for (const auto& cell : in_order_) cell->publish();
  if (overflow_) overflow_->publish();
}

std::vector<Point> MetricStream::collect(uint64_t now) {
  std::vector<Point> points;
  if (options_.aggregation == Aggregation::kDrop) return points;
  const std::lock_guard lock(mutex_);
  points.reserve(in_order_.size());
  const auto take = [&](MetricCell& cell) {
    Point point;
    if (cell.collect(now, &point)) points.push_back(std::move(point));
  };
  for (const auto& cell : in_order_) take(*cell);
  if (overflow_) take(*overflow_);
  if (options_.delta && !options_.asynchronous) {
    // Recording threads take the lock before they activate a cell, so none is active now.
    active_ = 0;
    last_collected_ = now;
    cycle_.fetch_add(1, std::memory_order_relaxed);
    if (in_order_.size() > 2 * options_.cardinality_max) forget_inactive();
  }
  return points;
}

/// Cells of cycles gone by, which may be any number. Those who still hold one resolve() it anew.
void MetricStream::forget_inactive() {
  by_attributes_.clear();
  in_order_.clear();
}

}  // namespace vedette::sdk
