#include "sdk/metric_encoder.h"

#include <bit>

#include "sdk/otlp_fields.h"

namespace vedette::sdk {
namespace {

void double_field(ProtoBuffer& out, uint32_t field, double value) {
  out.fixed64_field(field, std::bit_cast<uint64_t>(value));
}

void number_field(ProtoBuffer& out, uint32_t integer, uint32_t real, Number number) {
  if (number.whole) {
    out.fixed64_field(integer, static_cast<uint64_t>(number.integer));
  } else {
    double_field(out, real, number.real);
  }
}

uint64_t zigzag(int32_t value) {
  return (static_cast<uint32_t>(value) << 1) ^ static_cast<uint32_t>(value >> 31);
}

void encode_exemplars(ProtoBuffer& out, uint32_t field,
                      const std::vector<PointExemplar>& exemplars) {
  using Field = otlp::Exemplar;
  for (const PointExemplar& exemplar : exemplars) {
    const size_t message = out.begin_message(field);
    out.fixed64_field(Field::kTime, exemplar.time);
    number_field(out, Field::kInt, Field::kDouble, exemplar.value);
    if (exemplar.trace_id.valid()) {
      const uint64_t words[3] = {__builtin_bswap64(exemplar.trace_id.high),
                                 __builtin_bswap64(exemplar.trace_id.low),
                                 __builtin_bswap64(exemplar.span_id)};
      const auto* bytes = reinterpret_cast<const char*>(words);
      out.bytes_field(Field::kSpanId, {bytes + 16, 8});
      out.bytes_field(Field::kTraceId, {bytes, 16});
    }
    out.raw(exemplar.attributes);
    out.end_message(message);
  }
}

void encode_number(ProtoBuffer& out, const Point& point) {
  using Field = otlp::NumberPoint;
  if (point.start) out.fixed64_field(Field::kStart, point.start);
  out.fixed64_field(Field::kTime, point.time);
  number_field(out, Field::kInt, Field::kDouble, point.value);
  encode_exemplars(out, Field::kExemplars, point.exemplars);
  out.raw(point.attributes);
}

void encode_histogram(ProtoBuffer& out, const MetricHead& head, const Point& point) {
  using Field = otlp::HistogramPoint;
  out.fixed64_field(Field::kStart, point.start);
  out.fixed64_field(Field::kTime, point.time);
  out.fixed64_field(Field::kCount, point.count);
  double_field(out, Field::kSum, point.value.as_double());
  out.bytes_field(Field::kBuckets, {reinterpret_cast<const char*>(point.buckets.data()),
                                    point.buckets.size() * sizeof(uint64_t)});
  out.bytes_field(Field::kBounds, {reinterpret_cast<const char*>(head.bounds.data()),
                                   head.bounds.size() * sizeof(double)});
  encode_exemplars(out, Field::kExemplars, point.exemplars);
  out.raw(point.attributes);
  if (!head.min_max || point.count == 0) return;
  double_field(out, Field::kMin, point.min.as_double());
  double_field(out, Field::kMax, point.max.as_double());
}

void encode_buckets(ProtoBuffer& out, uint32_t field, const ExponentialBuckets& buckets) {
  const size_t message = out.begin_message(field);
  out.varint_field(otlp::ExponentialBuckets::kOffset, zigzag(buckets.offset));
  const size_t counts = out.begin_message(otlp::ExponentialBuckets::kCounts);
  for (const uint64_t count : buckets.counts) {
    if (char* at = out.room(10)) out.advance_to(write_varint(at, count));
  }
  out.end_message(counts);
  out.end_message(message);
}

void encode_exponential(ProtoBuffer& out, const MetricHead& head, const Point& point) {
  using Field = otlp::ExponentialPoint;
  out.raw(point.attributes);
  out.fixed64_field(Field::kStart, point.start);
  out.fixed64_field(Field::kTime, point.time);
  out.fixed64_field(Field::kCount, point.count);
  double_field(out, Field::kSum, point.value.as_double());
  out.varint_field(Field::kScale, zigzag(point.scale));
  out.fixed64_field(Field::kZeroCount, point.zero_count);
  encode_buckets(out, Field::kPositive, point.positive);
  encode_buckets(out, Field::kNegative, point.negative);
  encode_exemplars(out, Field::kExemplars, point.exemplars);
  if (!head.min_max || point.count == 0) return;
  double_field(out, Field::kMin, point.min.as_double());
  double_field(out, Field::kMax, point.max.as_double());
}

uint32_t data_field(Aggregation aggregation) {
  switch (aggregation) {
    case Aggregation::kLastValue:
      return otlp::Metric::kGauge;
    case Aggregation::kHistogram:
      return otlp::Metric::kHistogram;
    case Aggregation::kExponential:
      return otlp::Metric::kExponentialHistogram;
    default:
      return otlp::Metric::kSum;
  }
}

}  // namespace

void encode_metric(ProtoBuffer& out, const MetricHead& head, std::span<const Point> points) {
  out.bytes_field(otlp::Metric::kName, head.name);
  if (!head.description.empty()) out.bytes_field(otlp::Metric::kDescription, head.description);
  if (!head.unit.empty()) out.bytes_field(otlp::Metric::kUnit, head.unit);
  const size_t data = out.begin_message(data_field(head.aggregation));
  for (const Point& point : points) {
    const size_t message = out.begin_message(otlp::MetricData::kPoints);
    if (head.aggregation == Aggregation::kHistogram) {
      encode_histogram(out, head, point);
    } else if (head.aggregation == Aggregation::kExponential) {
      encode_exponential(out, head, point);
    } else {
      encode_number(out, point);
    }
    out.end_message(message);
  }
  if (head.aggregation != Aggregation::kLastValue) {
    out.varint_field(otlp::MetricData::kTemporality, static_cast<uint64_t>(head.temporality));
  }
  if (head.aggregation == Aggregation::kSum && head.monotonic) {
    out.varint_field(otlp::MetricData::kMonotonic, 1);
  }
  out.end_message(data);
}

}  // namespace vedette::sdk
