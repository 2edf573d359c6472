#include "wire/attribute_sink.h"
#include "wire/otlp_decode.h"
#include "wire/otlp_envelope.h"

namespace vedette::wire {
namespace {

constexpr std::string_view kRequest = "ExportLogsServiceRequest";
constexpr uint64_t kSeverityMax = 24;

class LogDecoder {
 public:
  LogDecoder(Decoded<model::LogBatch>& out, const DecodeOptions& options)
      : batch_(out.batch),
        report_(out.report),
        options_(options),
        text_(batch_.strings, options.text_bytes_max, report_),
        attributes_(batch_.attributes, text_, options) {}

  AnyValueFault decode(std::string_view body) {
    EnvelopeDecoder envelope(batch_.resources, batch_.scopes, text_, options_);
    return envelope.walk(body, *this);
  }

  // Called by the envelope.
  size_t rows() const { return batch_.size(); }
  void expect(size_t records) {
    const size_t n = std::min(batch_.size() + records, options_.rows_max);
    if (records <= batch_.size()) return;  // else many small scopes would grow it bit by bit
    attributes_.expect(records);
    batch_.time_ns.reserve(n);
    batch_.observed_ns.reserve(n);
    batch_.severity.reserve(n);
    batch_.severity_text.reserve(n);
    batch_.body.reserve(n);
    batch_.event_name.reserve(n);
    batch_.trace_id.reserve(n);
    batch_.span_id.reserve(n);
    batch_.flags.reserve(n);
    batch_.resource.reserve(n);
    batch_.scope.reserve(n);
    batch_.dropped_attributes.reserve(n);
  }
  AnyValueFault record(std::string_view bytes, uint32_t resource, uint32_t scope) {
    if (batch_.size() == options_.rows_max) {
      report_.reject(
          1, "more than " + std::to_string(options_.rows_max) + " log records in one request");
      return AnyValueFault::kNone;
    }
    Fields f;
    begun_ = false;
    ProtoReader in(bytes);
    while (in.next()) {
      if (const auto fault = field(in, f); fault != AnyValueFault::kNone) return fault;
    }
    if (!in.ok()) return AnyValueFault::kMalformed;
    if (!begun_) attributes_.begin(static_cast<uint32_t>(batch_.size()), 0);
    if (!commit(f, resource, scope)) attributes_.rollback();
    return AnyValueFault::kNone;
  }

 private:
  struct Fields {
    std::string_view severity_text, event_name, trace_id, span_id;
    uint64_t time = 0, observed = 0, severity = 0, kind = 0;
    uint32_t flags = 0, dropped_attributes = 0;
    model::Value body;
  };

  AnyValueFault field(ProtoReader& in, Fields& f) {
    namespace log_record = otlp::log_record;
    switch (in.tag()) {
      case log_record::kTimeUnixNano:
        f.time = in.fixed64();
        break;
      case log_record::kObservedTimeUnixNano:
        f.observed = in.fixed64();
        break;
      case log_record::kSeverityNumber:
        f.severity = in.varint();
        break;
      case log_record::kSeverityText:
        f.severity_text = in.bytes();
        break;
      case log_record::kBody: {
        const auto body = in.bytes();
        f.kind = kind_of_text(body.substr(std::min<size_t>(body.size(), 2)));
        return decode_any_value(body, options_.nesting_max, text_, f.body);
      }
      case log_record::kAttributes:
        if (!begun_) {
          // Lines of one statement look alike: how the text begins, which comes first, foretells
          // the keys.
          attributes_.begin(static_cast<uint32_t>(batch_.size()), f.kind);
          begun_ = true;
        }
        return attributes_.add(in.bytes());
      case log_record::kDroppedAttributesCount:
        f.dropped_attributes = static_cast<uint32_t>(in.varint());
        break;
      case log_record::kFlags:
        f.flags = in.fixed32();
        break;
      case log_record::kTraceId:
        f.trace_id = in.bytes();
        break;
      case log_record::kSpanId:
        f.span_id = in.bytes();
        break;
      case log_record::kEventName:
        f.event_name = in.bytes();
        break;
      default:
        in.skip();
    }
    return AnyValueFault::kNone;
  }

  bool commit(const Fields& f, uint32_t resource, uint32_t scope) {
    int64_t time = 0, observed = 0;
    if (!otlp_time(f.time, time) || !otlp_time(f.observed, observed)) {
      report_.reject(1, "a log record's time is after the year 2262");
      return false;
    }
    if (observed == 0) observed = options_.received_ns;
    // Ids that are none are no reason to lose a log line.
    model::TraceId trace_id;
    model::SpanId span_id = 0;
    if (!otlp_trace_id(f.trace_id, trace_id)) trace_id = {};
    if (!otlp_span_id(f.span_id, span_id)) span_id = 0;

    batch_.time_ns.push_back(time != 0 ? time : observed);
    batch_.observed_ns.push_back(observed);
    batch_.severity.push_back(f.severity <= kSeverityMax ? static_cast<uint8_t>(f.severity) : 0);
    batch_.severity_text.push_back(text_.intern(f.severity_text));
    batch_.body.push_back(f.body);
    batch_.event_name.push_back(text_.intern(f.event_name));
    batch_.trace_id.push_back(trace_id);
    batch_.span_id.push_back(span_id);
    batch_.flags.push_back(f.flags);
    batch_.resource.push_back(resource);
    batch_.scope.push_back(scope);
    batch_.dropped_attributes.push_back(f.dropped_attributes + attributes_.dropped());
    return true;
  }

  model::LogBatch& batch_;
  DecodeReport& report_;
  const DecodeOptions& options_;
  BatchText text_;
  AttributeSink attributes_;
  bool begun_ = false;  // attributes of the record being read have been started
};

}  // namespace

Result<Decoded<model::LogBatch>> decode_otlp_logs(std::string_view body,
                                                  const DecodeOptions& options) {
  Decoded<model::LogBatch> out;
  const auto fault = LogDecoder(out, options).decode(body);
  if (fault != AnyValueFault::kNone) return otlp_body_error(fault, kRequest, options);
  return out;
}

}  // namespace vedette::wire
