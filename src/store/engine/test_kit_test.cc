#include "store/engine/test_kit.h"

namespace vedette::store::engine {
namespace {

template <typename... T>
std::string join(const T&... parts) {
  std::string out;
  const auto add = [&](const auto& part) {
    if constexpr (std::is_arithmetic_v<std::decay_t<decltype(part)>>) {
      out += std::to_string(part);
    } else {
      out += part;
    }
    out += '|';
  };
  (add(parts), ...);
  return out;
}

std::string typed(const model::Value& v, const model::StringTable& strings) {
  return std::to_string(static_cast<int>(v.type)) + ":" + v.to_string(strings);
}

std::string attributes_text(const model::AttributeColumns& attributes, uint32_t row,
                            const model::StringTable& s) {
  std::set<std::string> items;
  attributes.for_each(row, [&](auto key, const model::Value& v) {
    items.insert(std::string(s[key]) + "=" + typed(v, s));
  });
  std::string out = "{";
  for (const std::string& item : items) out += item + ",";
  return out + "}";
}

template <typename Batch>
std::string origin_text(const Batch& b, uint32_t row) {
  const model::Resource& r = b.resources[b.resource[row]];
  std::string out = join(b.strings[r.service], b.strings[r.schema_url]);
  for (const auto& item : r.attributes.items) {
    out += std::string(b.strings[item.key]) + "=" + typed(item.value, b.strings) + ",";
  }
  const model::Scope& s = b.scopes[b.scope[row]];
  out += join(b.strings[s.name], b.strings[s.version], b.strings[s.schema_url]);
  for (const auto& item : s.attributes.items) {
    out += std::string(b.strings[item.key]) + "=" + typed(item.value, b.strings) + ",";
  }
  return out;
}

}  // namespace

std::string row_text(const model::SpanBatch& b, uint32_t row) {
  const auto& s = b.strings;
  std::string out = b.trace_id[row].hex() + "|";
  out += join(b.span_id[row], b.parent_span_id[row], b.start_ns[row], b.duration_ns[row],
              s[b.name[row]], static_cast<int>(b.kind[row]), static_cast<int>(b.status[row]),
              s[b.status_message[row]], s[b.trace_state[row]], b.flags[row],
              b.dropped_attributes[row], b.dropped_events[row], b.dropped_links[row]);
  out += origin_text(b, row) + attributes_text(b.attributes, row, s);
  for (uint32_t e = 0; e < b.events.size(); ++e) {
    if (b.events.span_row[e] != row) continue;
    out += join(b.events.time_ns[e], s[b.events.name[e]], b.events.dropped_attributes[e]);
    out += attributes_text(b.events.attributes, e, s);
  }
  for (uint32_t l = 0; l < b.links.size(); ++l) {
    if (b.links.span_row[l] != row) continue;
    out += join(b.links.trace_id[l].hex(), b.links.span_id[l], s[b.links.trace_state[l]],
                b.links.flags[l], b.links.dropped_attributes[l]);
    out += attributes_text(b.links.attributes, l, s);
  }
  return out;
}

std::string row_text(const model::LogBatch& b, uint32_t row) {
  const auto& s = b.strings;
  return join(b.time_ns[row], b.observed_ns[row], b.severity[row], s[b.severity_text[row]],
              typed(b.body[row], s), s[b.event_name[row]], b.trace_id[row].hex(), b.span_id[row],
              b.flags[row], b.dropped_attributes[row]) +
         origin_text(b, row) + attributes_text(b.attributes, row, s);
}

}  // namespace vedette::store::engine
