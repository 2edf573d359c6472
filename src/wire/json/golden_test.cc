// tests/golden/wire: OTLP requests in JSON and what becomes of them, as text. A case is
//
//   === name
//   traces | logs | metrics
//   the request
//   ---
//   a line for each record, and for what was left out
//
// VEDETTE_UPDATE_GOLDEN=1 writes what the decoders give now into the files; read the difference.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "wire/json/otlp_json.h"
#include "wire/otlp_decode.h"

namespace vedette::wire {
namespace {

constexpr int64_t kReceivedNs = 1'700'000'000'000'000'000;

std::string attributes(const base::StringTable& strings, const model::AttributeColumns& columns,
                       uint32_t row) {
  std::string out;
  columns.for_each(row, [&](base::StringId key, model::Value value) {
    out += " " + std::string(strings[key]) + "=" + value.to_string(strings);
  });
  return out;
}

std::string text(const model::SpanBatch& b) {
  std::ostringstream out;
  for (uint32_t row = 0; row < b.size(); ++row) {
    out << "span " << b.trace_id[row].hex() << " " << model::span_id_hex(b.span_id[row])
        << " parent " << model::span_id_hex(b.parent_span_id[row]) << " " << b.service(row) << " \""
        << b.strings[b.name[row]] << "\" " << model::span_kind_name(b.kind[row]) << " "
        << model::span_status_name(b.status[row]) << " \"" << b.strings[b.status_message[row]]
        << "\" start " << b.start_ns[row] << " for " << b.duration_ns[row] << " scope "
        << b.strings[b.scopes[b.scope[row]].name] << attributes(b.strings, b.attributes, row)
        << "\n";
    for (uint32_t e = 0; e < b.events.size(); ++e) {
      if (b.events.span_row[e] != row) continue;
      out << "  event " << b.events.time_ns[e] << " " << b.strings[b.events.name[e]]
          << attributes(b.strings, b.events.attributes, e) << "\n";
    }
    for (uint32_t l = 0; l < b.links.size(); ++l) {
      if (b.links.span_row[l] != row) continue;
      out << "  link " << b.links.trace_id[l].hex() << " " << model::span_id_hex(b.links.span_id[l])
          << attributes(b.strings, b.links.attributes, l) << "\n";
    }
  }
  return out.str();
}

std::string text(const model::LogBatch& b) {
  std::ostringstream out;
  for (uint32_t row = 0; row < b.size(); ++row) {
    out << "log " << b.time_ns[row] << " severity " << int{b.severity[row]} << " \""
        << b.strings[b.severity_text[row]] << "\" " << b.service(row) << " \""
        << b.body[row].to_string(b.strings) << "\" trace " << b.trace_id[row].hex() << " "
        << model::span_id_hex(b.span_id[row]) << attributes(b.strings, b.attributes, row) << "\n";
  }
  return out.str();
}

std::string text(const model::SampleBatch& b) {
  std::ostringstream out;
  for (const model::MetricMetadata& m : b.metadata) {
    out << "metric " << m.family << " " << model::metric_type_name(m.type) << " \"" << m.help
        << "\" unit \"" << m.unit << "\"\n";
  }
  for (size_t i = 0; i < b.size(); ++i) {
    out << "sample " << model::Labels::parse(b.labels(b.label_set[i])).value().to_string() << " "
        << (model::is_stale(b.value[i]) ? "stale" : std::to_string(b.value[i])) << " @"
        << b.time_ms[i] << "\n";
  }
  for (size_t i = 0; i < b.exemplar_value.size(); ++i) {
    out << "exemplar of "
        << model::Labels::parse(b.labels(b.exemplar_label_set[i])).value().to_string() << " "
        << b.exemplar_value[i] << " trace " << b.exemplar_trace_id[i].hex() << "\n";
  }
  return out.str();
}

template <typename Batch>
std::string render(const Result<Decoded<Batch>>& decoded) {
  if (!decoded.ok()) return "refused: " + decoded.error().message + "\n";
  std::string out = text(decoded->batch);
  if (decoded->report.rejected > 0) {
    out += "left out " + std::to_string(decoded->report.rejected) + ": " + decoded->report.reason +
           "\n";
  }
  return out;
}

std::string decode(const std::string& signal, const std::string& json) {
  const Signal which = signal == "traces" ? Signal::kTraces
                       : signal == "logs" ? Signal::kLogs
                                          : Signal::kMetrics;
  DecodeOptions options;
  options.received_ns = kReceivedNs;
  const auto protobuf = otlp_json_to_protobuf(which, json, options.nesting_max);
  if (!protobuf.ok()) return "refused: " + protobuf.error().message + "\n";
  switch (which) {
    case Signal::kTraces:
      return render(decode_otlp_traces(*protobuf, options));
    case Signal::kLogs:
      return render(decode_otlp_logs(*protobuf, options));
    default:
      return render(decode_otlp_metrics(*protobuf, options));
  }
}

struct Case {
  std::string name, signal, request, expected;
};

std::vector<Case> read_cases(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::vector<Case> cases;
  std::string line;
  std::string Case::*into = nullptr;
  while (std::getline(in, line)) {
    if (line.starts_with("=== ")) {
      cases.push_back({line.substr(4), "", "", ""});
      std::getline(in, cases.back().signal);
      into = &Case::request;
    } else if (line == "---") {
      into = &Case::expected;
    } else if (into != nullptr) {
      cases.back().*into += line + "\n";
    }
  }
  return cases;
}

TEST(WireGolden, RequestsBecomeWhatTheFilesSay) {
  const auto folder = std::filesystem::path(VEDETTE_SOURCE_DIR) / "tests/golden/wire";
  const bool update = std::getenv("VEDETTE_UPDATE_GOLDEN") != nullptr;
  size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::string rewritten;
    for (const Case& c : read_cases(entry.path())) {
      const std::string found = decode(c.signal, c.request);
      rewritten += "=== " + c.name + "\n" + c.signal + "\n" + c.request + "---\n" + found;
      if (!update) {
        EXPECT_EQ(found, c.expected) << entry.path().filename() << ": " << c.name;
      }
      ++count;
    }
    if (update) std::ofstream(entry.path()) << rewritten;
  }
  EXPECT_GE(count, 20u);
}

}  // namespace
}  // namespace vedette::wire
