#include "wire/otlp_envelope.h"

namespace vedette::wire {

Error otlp_body_error(AnyValueFault fault, std::string_view request, const DecodeOptions& options) {
  std::string message = "the body is not a valid " + std::string(request);
  if (fault == AnyValueFault::kTooDeep) {
    message += ": an attribute value is nested deeper than " + std::to_string(options.nesting_max) +
               " levels";
  } else {
    message += ": it is cut short or corrupt";
  }
  return {Code::kInvalidArgument, std::move(message)};
}

AnyValueFault EnvelopeDecoder::resource(std::string_view bytes, model::Resource& out) {
  ProtoReader in(bytes);
  while (in.next()) {
    if (in.tag() != otlp::resource::kAttributes) {
      in.skip();
    } else if (const auto fault = attribute(in.bytes(), out.attributes);
               fault != AnyValueFault::kNone) {
      return fault;
    }
  }
  if (const auto service = out.attributes.get(text_.intern("service.name"))) {
    out.service = service->has_text() ? service->text_id() : 0;
  }
  return in.ok() ? AnyValueFault::kNone : AnyValueFault::kMalformed;
}

AnyValueFault EnvelopeDecoder::scope(std::string_view bytes, model::Scope& out) {
  ProtoReader in(bytes);
  while (in.next()) {
    switch (in.tag()) {
      case otlp::instrumentation_scope::kName:
        out.name = text_.intern(in.bytes());
        break;
      case otlp::instrumentation_scope::kVersion:
        out.version = text_.intern(in.bytes());
        break;
      case otlp::instrumentation_scope::kAttributes:
        if (const auto fault = attribute(in.bytes(), out.attributes);
            fault != AnyValueFault::kNone) {
          return fault;
        }
        break;
      default:
        in.skip();
    }
  }
  return in.ok() ? AnyValueFault::kNone : AnyValueFault::kMalformed;
}

AnyValueFault EnvelopeDecoder::attribute(std::string_view bytes, model::AttributeList& out) {
  std::string_view key, any;
  ProtoReader in(bytes);
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
  if (key.empty() || out.items.size() == options_.attributes_max) {
    ++text_.report().dropped_attributes;
    return AnyValueFault::kNone;
  }
  model::Value value;
  const auto fault = decode_any_value(any, options_.nesting_max, text_, value);
  if (fault != AnyValueFault::kNone) return fault;
  const base::StringId id = text_.intern(key);
  for (auto& item : out.items) {
    if (item.key == id) {
      item.value = value;
      return fault;
    }
  }
  out.items.push_back({id, value});
  return fault;
}

}  // namespace vedette::wire
