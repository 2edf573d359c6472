#include "wire/otlp_decode.h"
#include "wire/otlp_envelope.h"
#include "wire/otlp_points.h"

namespace vedette::wire {
namespace {

constexpr std::string_view kRequest = "ExportMetricsServiceRequest";

enum Temporality : uint64_t { kUnspecified = 0, kDelta = 1, kCumulative = 2 };

// Walks metrics; PointSink makes series of their points.
class MetricsDecoder {
 public:
  MetricsDecoder(Decoded<model::SampleBatch>& out, const DecodeOptions& options)
      : report_(out.report), sink_(out, options) {}

  AnyValueFault decode(std::string_view body) {
    ProtoReader in(body);
    while (in.next()) {
      if (in.tag() != otlp::export_metrics_service_request::kResourceMetrics) {
        in.skip();
      } else if (const auto fault = resource(in.bytes()); fault != AnyValueFault::kNone) {
        return fault;
      }
    }
    return in.ok() ? AnyValueFault::kNone : AnyValueFault::kMalformed;
  }

 private:
  // Resource and scope are labels of every series below them, so they are read first wherever they
  // stand.
  AnyValueFault resource(std::string_view bytes) {
    std::string_view resource;
    for (ProtoReader in(bytes); in.next();) {
      if (in.tag() == otlp::resource_metrics::kResource)
        resource = in.bytes();
      else
        in.skip();
    }
    if (const auto fault = sink_.begin_resource(resource); fault != AnyValueFault::kNone)
      return fault;
    ProtoReader in(bytes);
    while (in.next()) {
      if (in.tag() != otlp::resource_metrics::kScopeMetrics) {
        in.skip();
      } else if (const auto fault = scope(in.bytes()); fault != AnyValueFault::kNone) {
        return fault;
      }
    }
    sink_.end_resource();
    return in.ok() ? AnyValueFault::kNone : AnyValueFault::kMalformed;
  }

  AnyValueFault scope(std::string_view bytes) {
    std::string_view scope, schema_url;
    for (ProtoReader in(bytes); in.next();) {
      if (in.tag() == otlp::scope_metrics::kScope)
        scope = in.bytes();
      else if (in.tag() == otlp::scope_metrics::kSchemaUrl)
        schema_url = in.bytes();
      else
        in.skip();
    }
    if (const auto fault = sink_.begin_scope(scope, schema_url); fault != AnyValueFault::kNone) {
      return fault;
    }
    ProtoReader in(bytes);
    while (in.next()) {
      if (in.tag() != otlp::scope_metrics::kMetrics) {
        in.skip();
      } else if (const auto fault = metric(in.bytes()); fault != AnyValueFault::kNone) {
        return fault;
      }
    }
    return in.ok() ? AnyValueFault::kNone : AnyValueFault::kMalformed;
  }

  AnyValueFault metric(std::string_view bytes) {
    MetricHeader header;
    std::string_view data;
    uint32_t kind = 0;
    ProtoReader in(bytes);
    while (in.next()) {
      switch (in.tag()) {
        case otlp::metric::kName:
          header.name = in.bytes();
          break;
        case otlp::metric::kDescription:
          header.description = in.bytes();
          break;
        case otlp::metric::kUnit:
          header.unit = in.bytes();
          break;
        case otlp::metric::kGauge:
        case otlp::metric::kSum:
        case otlp::metric::kHistogram:
        case otlp::metric::kExponentialHistogram:
        case otlp::metric::kSummary:
          kind = in.tag();
          data = in.bytes();
          break;
        default:
          in.skip();
      }
    }
    if (!in.ok()) return AnyValueFault::kMalformed;
    switch (kind) {
      case otlp::metric::kGauge:
        return gauge(header, data);
      case otlp::metric::kSum:
        return sum(header, data);
      case otlp::metric::kHistogram:
        return histogram(header, data);
      case otlp::metric::kSummary:
        return summary(header, data);
      case otlp::metric::kExponentialHistogram:
        return refuse(
            header, data,
            "is an exponential histogram, which is not supported yet: use explicit buckets");
      default:
        return AnyValueFault::kNone;  // a metric without points
    }
  }

  AnyValueFault gauge(MetricHeader& header, std::string_view data) {
    header.type = model::MetricType::kGauge;
    return points(header, data, [this](std::string_view point) { return sink_.number(point); });
  }

  AnyValueFault sum(MetricHeader& header, std::string_view data) {
    uint64_t temporality = kUnspecified;
    bool monotonic = false;
    for (ProtoReader in(data); in.next();) {
      switch (in.tag()) {
        case otlp::sum::kAggregationTemporality:
          temporality = in.varint();
          break;
        case otlp::sum::kIsMonotonic:
          monotonic = in.varint() != 0;
          break;
        default:
          in.skip();
      }
    }
    if (temporality != kCumulative) return refuse(header, data, temporality_message(temporality));
    header.type = monotonic ? model::MetricType::kCounter : model::MetricType::kGauge;
    return points(header, data, [this](std::string_view point) { return sink_.number(point); });
  }

  AnyValueFault histogram(MetricHeader& header, std::string_view data) {
    uint64_t temporality = kUnspecified;
    for (ProtoReader in(data); in.next();) {
      if (in.tag() == otlp::histogram::kAggregationTemporality)
        temporality = in.varint();
      else
        in.skip();
    }
    if (temporality != kCumulative) return refuse(header, data, temporality_message(temporality));
    header.type = model::MetricType::kHistogram;
    return points(header, data, [this](std::string_view point) { return sink_.histogram(point); });
  }

  AnyValueFault summary(MetricHeader& header, std::string_view data) {
    header.type = model::MetricType::kSummary;
    return points(header, data, [this](std::string_view point) { return sink_.summary(point); });
  }

  static std::string_view temporality_message(uint64_t temporality) {
    return temporality == kDelta
               ? "has delta temporality, and Vedette keeps cumulative series: set "
                 "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=cumulative"
               : "does not say its aggregation temporality";
  }

  // Data points are field 1 of all five kinds of metric.
  template <typename Point>
  AnyValueFault points(const MetricHeader& header, std::string_view data, Point&& point) {
    if (!sink_.begin_metric(header)) {
      return refuse(header, data, "has no character that a metric's name may have");
    }
    ProtoReader in(data);
    while (in.next()) {
      if (in.tag() != otlp::gauge::kDataPoints) {
        in.skip();
      } else if (const auto fault = point(in.bytes()); fault != AnyValueFault::kNone) {
        return fault;
      }
    }
    return in.ok() ? AnyValueFault::kNone : AnyValueFault::kMalformed;
  }

  AnyValueFault refuse(const MetricHeader& header, std::string_view data, std::string_view why) {
    uint64_t count = 0;
    ProtoReader in(data);
    for (; in.next(); in.skip()) count += in.tag() == otlp::gauge::kDataPoints;
    if (count > 0) {
      report_.reject(
          count, "metric \"" + std::string(header.name.substr(0, 200)) + "\" " + std::string(why));
    }
    return in.ok() ? AnyValueFault::kNone : AnyValueFault::kMalformed;
  }

  DecodeReport& report_;
  PointSink sink_;
};

static_assert(otlp::gauge::kDataPoints == otlp::sum::kDataPoints &&
              otlp::gauge::kDataPoints == otlp::histogram::kDataPoints &&
              otlp::gauge::kDataPoints == otlp::exponential_histogram::kDataPoints &&
              otlp::gauge::kDataPoints == otlp::summary::kDataPoints);

}  // namespace

Result<Decoded<model::SampleBatch>> decode_otlp_metrics(std::string_view body,
                                                        const DecodeOptions& options) {
  Decoded<model::SampleBatch> out;
  const auto fault = MetricsDecoder(out, options).decode(body);
  if (fault != AnyValueFault::kNone) return otlp_body_error(fault, kRequest, options);
  return out;
}

}  // namespace vedette::wire
