#include "wire/otlp_points.h"

#include <algorithm>

#include "base/utf8.h"
#include "wire/prometheus_names.h"

namespace vedette::wire {
namespace {

constexpr int64_t kNanosPerMilli = 1'000'000;
constexpr uint64_t kNoRecordedValue = 1;  // DataPointFlags
constexpr size_t kLabelValueBytesMax = 4 << 10;

// Repeated fixed64 or double: packed, or one by one.
template <typename T>
void append_packed(std::string_view bytes, std::vector<T>& out, bool& ok) {
  if (bytes.size() % sizeof(T) != 0) {
    ok = false;
    return;
  }
  const size_t before = out.size();
  out.resize(before + bytes.size() / sizeof(T));
  if (!bytes.empty()) std::memcpy(out.data() + before, bytes.data(), bytes.size());
}

}  // namespace

AnyValueFault PointSink::attribute(std::string_view key_value, std::vector<KeyText>& out) {
  std::string_view key, any;
  ProtoReader in(key_value);
  while (in.next()) {
    switch (in.tag()) {
      case otlp::key_value::kKey:
        key = in.bytes();
        break;
      case otlp::key_value::kValue:
        any = in.bytes();
        break;
      default:
        in.skip();
    }
  }
  if (!in.ok()) return AnyValueFault::kMalformed;
  if (key.empty() || out.size() == options_.attributes_max) {
    ++report_.dropped_attributes;
    return AnyValueFault::kNone;
  }
  std::string text;
  const auto fault = any_value_text(any, options_.nesting_max, text);
  if (fault == AnyValueFault::kNone) out.push_back({std::string(key), label_value(text)});
  return fault;
}

std::string PointSink::label_value(std::string_view text) {
  std::string out;
  if (base::is_utf8(text)) {
    out = text;
  } else {
    ++report_.sanitized;
    out = base::sanitize_utf8(text);
  }
  if (out.size() > kLabelValueBytesMax) {
    ++report_.truncated;
    size_t end = kLabelValueBytesMax;
    while (end > 0 && (out[end] & 0xc0) == 0x80) --end;
    out.resize(end);
  }
  return out;
}

void PointSink::add_attributes(std::vector<KeyText>& attributes, std::string_view prefix) {
  // Where two keys become one name their values are joined in the order of the keys.
  std::sort(attributes.begin(), attributes.end(),
            [](const KeyText& a, const KeyText& b) { return a.key < b.key; });
  for (const KeyText& a : attributes) {
    labels_.add(prometheus_label_name(std::string(prefix) + a.key), a.value);
  }
}

AnyValueFault PointSink::begin_resource(std::string_view resource) {
  std::vector<KeyText> attributes;
  ProtoReader in(resource);
  while (in.next()) {
    if (in.tag() != otlp::resource::kAttributes) {
      in.skip();
    } else if (const auto fault = attribute(in.bytes(), attributes);
               fault != AnyValueFault::kNone) {
      return fault;
    }
  }
  if (!in.ok()) return AnyValueFault::kMalformed;
  std::string service, space, instance;
  const auto take = [&](std::string_view key, std::string& out) {
    const auto it = std::find_if(attributes.begin(), attributes.end(),
                                 [key](const KeyText& a) { return a.key == key; });
    if (it == attributes.end()) return;
    out = std::move(it->value);
    attributes.erase(it);
  };
  take("service.name", service);
  take("service.namespace", space);
  take("service.instance.id", instance);
  if (service.empty()) service = kUnknownService;
  const std::string job = space.empty() ? service : space + "/" + service;

  labels_.clear();
  target_info_.clear();
  if (!attributes.empty()) {
    add_attributes(attributes, "");
    labels_.set("job", job);
    labels_.set("instance", instance);
    labels_.set(model::kMetricName, "target_info");
    target_info_ = labels_.canonical();
    labels_.clear();
  }
  labels_.set("job", job);
  labels_.set("instance", instance);
  resource_mark_ = labels_.mark();
  last_time_ms_ = 0;
  return AnyValueFault::kNone;
}

void PointSink::end_resource() {
  if (target_info_.empty() || last_time_ms_ == 0) return;
  batch_.add(batch_.add_label_set(target_info_), last_time_ms_, 1);
}

AnyValueFault PointSink::begin_scope(std::string_view scope, std::string_view schema_url) {
  labels_.truncate(resource_mark_);
  std::vector<KeyText> attributes;
  ProtoReader in(scope);
  while (in.next()) {
    switch (in.tag()) {
      case otlp::instrumentation_scope::kName:
        labels_.set("otel_scope_name", label_value(in.bytes()));
        break;
      case otlp::instrumentation_scope::kVersion:
        labels_.set("otel_scope_version", label_value(in.bytes()));
        break;
      case otlp::instrumentation_scope::kAttributes:
        if (const auto fault = attribute(in.bytes(), attributes); fault != AnyValueFault::kNone) {
          return fault;
        }
        break;
      default:
        in.skip();
    }
  }
  if (!in.ok()) return AnyValueFault::kMalformed;
  labels_.set("otel_scope_schema_url", label_value(schema_url));
  add_attributes(attributes, "otel_scope_");
  scope_mark_ = labels_.mark();
  return AnyValueFault::kNone;
}

bool PointSink::begin_metric(const MetricHeader& header) {
  auto suffix = NameSuffix::kNone;
  if (header.type == model::MetricType::kCounter) suffix = NameSuffix::kTotal;
  if (header.type == model::MetricType::kGauge && header.unit == "1") suffix = NameSuffix::kRatio;
  name_ = prometheus_metric_name(header.name.substr(0, kLabelValueBytesMax),
                                 header.unit.substr(0, 256), suffix);
  if (name_.empty()) return false;
  bucket_ = name_ + "_bucket";
  sum_ = name_ + "_sum";
  count_ = name_ + "_count";
  model::MetricMetadata metadata;
  metadata.family = name_;
  metadata.type = header.type;
  metadata.help = label_value(header.description);
  metadata.unit = prometheus_unit(header.unit.substr(0, 256));
  batch_.metadata.push_back(std::move(metadata));
  return true;
}

int64_t PointSink::time_ms(uint64_t nanos) {
  int64_t time = 0;
  if (!otlp_time(nanos, time) || time == 0) time = options_.received_ns;
  return time / kNanosPerMilli;
}

void PointSink::begin_point() {
  attributes_.clear();
  exemplars_.clear();
  full_ = false;
  labels_.truncate(scope_mark_);
  before_ = {batch_.label_bytes.size(), batch_.label_sets.size(), batch_.size(),
             batch_.exemplar_time_ms.size()};
}

void PointSink::end_point() {
  if (!full_) {
    last_time_ms_ = std::max(last_time_ms_, time_ms_);
    return;
  }
  batch_.label_bytes.resize(before_.label_bytes);
  batch_.label_sets.resize(before_.label_sets);
  batch_.label_set.resize(before_.samples);
  batch_.time_ms.resize(before_.samples);
  batch_.value.resize(before_.samples);
  batch_.exemplar_label_set.resize(before_.exemplars);
  batch_.exemplar_time_ms.resize(before_.exemplars);
  batch_.exemplar_value.resize(before_.exemplars);
  batch_.exemplar_trace_id.resize(before_.exemplars);
  batch_.exemplar_span_id.resize(before_.exemplars);
  batch_.exemplar_labels.resize(before_.exemplars);
  reject("the request holds more samples or labels than one request may: send smaller ones");
}

uint32_t PointSink::sample(std::string_view name, double value) {
  if (full_) return 0;
  const auto mark = labels_.mark();
  labels_.set(model::kMetricName, name);
  const std::string_view canonical = labels_.canonical();
  labels_.truncate(mark);
  full_ = batch_.size() >= options_.samples_max ||
          batch_.label_bytes.size() + canonical.size() > options_.label_bytes_max;
  if (full_) return 0;
  const uint32_t set = batch_.add_label_set(canonical);
  batch_.add(set, time_ms_, value);
  return set;
}

uint32_t PointSink::sample_with(std::string_view name, std::string_view label, double number,
                                double value) {
  const auto mark = labels_.mark();
  labels_.set(label, format_label_number(number));
  const uint32_t set = sample(name, value);
  labels_.truncate(mark);
  return set;
}

void PointSink::attach(uint32_t label_set, const Exemplar& e) {
  if (!full_) batch_.add_exemplar(label_set, e.time_ms, e.value, e.trace_id, e.span_id, e.labels);
}

void PointSink::reject(std::string_view why) {
  report_.reject(1, "metric \"" + name_ + "\": " + std::string(why));
}

AnyValueFault PointSink::exemplar(std::string_view bytes) {
  constexpr size_t kExemplarsMax = 256;  // of one point
  Exemplar out;
  std::vector<KeyText> attributes;
  std::string_view trace_bytes, span_bytes;
  uint64_t time = 0;
  ProtoReader in(bytes);
  while (in.next()) {
    switch (in.tag()) {
      case otlp::exemplar::kTimeUnixNano:
        time = in.fixed64();
        break;
      case otlp::exemplar::kAsDouble:
        out.value = in.real();
        break;
      case otlp::exemplar::kAsInt:
        out.value = static_cast<double>(static_cast<int64_t>(in.fixed64()));
        break;
      case otlp::exemplar::kTraceId:
        trace_bytes = in.bytes();
        break;
      case otlp::exemplar::kSpanId:
        span_bytes = in.bytes();
        break;
      case otlp::exemplar::kFilteredAttributes:
        if (const auto fault = attribute(in.bytes(), attributes); fault != AnyValueFault::kNone) {
          return fault;
        }
        break;
      default:
        in.skip();
    }
  }
  if (!in.ok()) return AnyValueFault::kMalformed;
  if (exemplars_.size() == kExemplarsMax) return AnyValueFault::kNone;
  out.time_ms = time_ms(time);
  exemplar_labels_.clear();
  if (otlp_trace_id(trace_bytes, out.trace_id)) {
    exemplar_labels_.set("trace_id", out.trace_id.hex());
  } else {
    out.trace_id = {};
  }
  if (otlp_span_id(span_bytes, out.span_id)) {
    exemplar_labels_.set("span_id", model::span_id_hex(out.span_id));
  } else {
    out.span_id = 0;
  }
  for (const KeyText& a : attributes) exemplar_labels_.add(prometheus_label_name(a.key), a.value);
  out.labels = exemplar_labels_.canonical();
  exemplars_.push_back(std::move(out));
  return AnyValueFault::kNone;
}

AnyValueFault PointSink::number(std::string_view point) {
  namespace field = otlp::number_data_point;
  begin_point();
  uint64_t time = 0, flags = 0;
  std::optional<double> value;
  ProtoReader in(point);
  while (in.next()) {
    auto fault = AnyValueFault::kNone;
    switch (in.tag()) {
      case field::kTimeUnixNano:
        time = in.fixed64();
        break;
      case field::kAsDouble:
        value = in.real();
        break;
      case field::kAsInt:
        value = static_cast<double>(static_cast<int64_t>(in.fixed64()));
        break;
      case field::kFlags:
        flags = in.varint();
        break;
      case field::kAttributes:
        fault = attribute(in.bytes(), attributes_);
        break;
      case field::kExemplars:
        fault = exemplar(in.bytes());
        break;
      default:
        in.skip();
    }
    if (fault != AnyValueFault::kNone) return fault;
  }
  if (!in.ok()) return AnyValueFault::kMalformed;
  if (flags & kNoRecordedValue) value = model::stale_marker();
  if (!value) {
    reject("a data point has no value");
    return AnyValueFault::kNone;
  }
  time_ms_ = time_ms(time);
  add_attributes(attributes_, "");
  const uint32_t set = sample(name_, *value);
  for (const Exemplar& e : exemplars_) attach(set, e);
  end_point();
  return AnyValueFault::kNone;
}

AnyValueFault PointSink::histogram(std::string_view point) {
  namespace field = otlp::histogram_data_point;
  begin_point();
  counts_.clear();
  bounds_.clear();
  uint64_t time = 0, flags = 0, count = 0;
  std::optional<double> sum;
  bool packed_ok = true;
  ProtoReader in(point);
  while (in.next()) {
    auto fault = AnyValueFault::kNone;
    switch (in.tag()) {
      case field::kTimeUnixNano:
        time = in.fixed64();
        break;
      case field::kCount:
        count = in.fixed64();
        break;
      case field::kSum:
        sum = in.real();
        break;
      case field::kFlags:
        flags = in.varint();
        break;
      case field::kBucketCounts:
        append_packed(in.bytes(), counts_, packed_ok);
        break;
      case field::kBucketCounts - 1:
        counts_.push_back(in.fixed64());
        break;
      case field::kExplicitBounds:
        append_packed(in.bytes(), bounds_, packed_ok);
        break;
      case field::kExplicitBounds - 1:
        bounds_.push_back(in.real());
        break;
      case field::kAttributes:
        fault = attribute(in.bytes(), attributes_);
        break;
      case field::kExemplars:
        fault = exemplar(in.bytes());
        break;
      default:
        in.skip();
    }
    if (fault != AnyValueFault::kNone) return fault;
  }
  if (!in.ok() || !packed_ok) return AnyValueFault::kMalformed;
  if (!counts_.empty() && counts_.size() != bounds_.size() + 1) {
    reject("a histogram must have one more bucket than it has bounds");
    return AnyValueFault::kNone;
  }
  if (!std::is_sorted(bounds_.begin(), bounds_.end())) {
    reject("the bounds of a histogram must ascend");
    return AnyValueFault::kNone;
  }
  const bool stale = flags & kNoRecordedValue;
  const auto value = [stale](double v) { return stale ? model::stale_marker() : v; };
  time_ms_ = time_ms(time);
  add_attributes(attributes_, "");

  std::vector<bool> attached(exemplars_.size());
  const auto bucket = [&](double bound, double cumulative) {
    const uint32_t set = sample_with(bucket_, "le", bound, value(cumulative));
    for (size_t i = 0; i < exemplars_.size(); ++i) {
      if (attached[i] || !(exemplars_[i].value <= bound)) continue;
      attached[i] = true;
      attach(set, exemplars_[i]);
    }
  };
  double cumulative = 0;
  for (size_t i = 0; i < bounds_.size() && !full_; ++i) {
    if (i < counts_.size()) cumulative += static_cast<double>(counts_[i]);
    bucket(bounds_[i], cumulative);
  }
  if (bounds_.empty() || bounds_.back() != HUGE_VAL) bucket(HUGE_VAL, static_cast<double>(count));
  if (sum || stale) sample(sum_, value(sum.value_or(0)));
  sample(count_, value(static_cast<double>(count)));
  end_point();
  return AnyValueFault::kNone;
}

AnyValueFault PointSink::summary(std::string_view point) {
  namespace field = otlp::summary_data_point;
  begin_point();
  uint64_t time = 0, flags = 0, count = 0;
  double sum = 0;
  std::vector<std::pair<double, double>> quantiles;
  ProtoReader in(point);
  while (in.next()) {
    auto fault = AnyValueFault::kNone;
    switch (in.tag()) {
      case field::kTimeUnixNano:
        time = in.fixed64();
        break;
      case field::kCount:
        count = in.fixed64();
        break;
      case field::kSum:
        sum = in.real();
        break;
      case field::kFlags:
        flags = in.varint();
        break;
      case field::kAttributes:
        fault = attribute(in.bytes(), attributes_);
        break;
      case field::kQuantileValues: {
        auto& [quantile, value] = quantiles.emplace_back();
        ProtoReader pair(in.bytes());
        while (pair.next()) {
          switch (pair.tag()) {
            case otlp::value_at_quantile::kQuantile:
              quantile = pair.real();
              break;
            case otlp::value_at_quantile::kValue:
              value = pair.real();
              break;
            default:
              pair.skip();
          }
        }
        if (!pair.ok()) return AnyValueFault::kMalformed;
        break;
      }
      default:
        in.skip();
    }
    if (fault != AnyValueFault::kNone) return fault;
  }
  if (!in.ok()) return AnyValueFault::kMalformed;
  const bool stale = flags & kNoRecordedValue;
  const auto value = [stale](double v) { return stale ? model::stale_marker() : v; };
  time_ms_ = time_ms(time);
  add_attributes(attributes_, "");
  for (const auto& [quantile, v] : quantiles) sample_with(name_, "quantile", quantile, value(v));
  sample(sum_, value(sum));
  sample(count_, value(static_cast<double>(count)));
  end_point();
  return AnyValueFault::kNone;
}

}  // namespace vedette::wire
