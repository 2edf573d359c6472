#include "ingest/scrape_target.h"

#include <algorithm>

#include "base/string_table.h"
#include "wire/exemplar_labels.h"

namespace vedette::ingest {
namespace {

using Parser = wire::ExpositionParser;

bool has_label(const Parser& parser, std::string_view name) {
  return std::any_of(parser.labels().begin(), parser.labels().end(),
                     [name](const wire::ExpositionLabel& label) { return label.name == name; });
}

void add_exemplar(const wire::ExpositionExemplar& exemplar, uint32_t set, int64_t scrape_ms,
                  model::SampleBatch& out) {
  model::TraceId trace_id;
  model::SpanId span_id = 0;
  wire::LabelBuilder labels;
  for (const auto& [name, value] : exemplar.labels) {
    labels.add(name, value);
    wire::note_exemplar_label(name, value, trace_id, span_id);
  }
  out.add_exemplar(set, exemplar.time_ms.value_or(scrape_ms), exemplar.value, trace_id, span_id,
                   std::string(labels.canonical()));
}

}  // namespace

// The page's labels and the target's; the latter win unless labels are honored.
std::string_view ScrapeTarget::final_labels(const Parser& parser) {
  builder_.clear();
  const auto is_targets = [this](std::string_view name) {
    return std::any_of(options_.labels.begin(), options_.labels.end(),
                       [name](const auto& label) { return label.first == name; });
  };
  for (const auto& [name, value] : parser.labels()) {
    if (options_.honor_labels || !is_targets(name) || value.empty()) {
      builder_.set(name, value);
      continue;
    }
    std::string exported = "exported_" + std::string(name);
    while (is_targets(exported) || has_label(parser, exported)) exported.insert(0, "exported_");
    builder_.set(exported, value);
  }
  for (const auto& [name, value] : options_.labels) {
    // An empty value of the page's counts as given: it says that the label should not be there.
    if (options_.honor_labels && has_label(parser, name)) continue;
    builder_.set(name, value);
  }
  return builder_.canonical();
}

ScrapeTarget::Series& ScrapeTarget::series_of(const Parser& parser, bool& fresh) {
  const auto [it, added] = series_.try_emplace(base::hash_string(parser.series()));
  fresh = added;
  if (added) it->second.labels = final_labels(parser);
  return it->second;
}

void ScrapeTarget::add_metadata(const Parser& parser, Parser::Entry entry,
                                std::vector<model::MetricMetadata>& out) const {
  auto it = std::find_if(out.rbegin(), out.rend(), [&](const model::MetricMetadata& m) {
    return m.family == parser.family();
  });
  if (it == out.rend()) {
    out.emplace_back().family = parser.family();
    it = out.rbegin();
  }
  if (entry == Parser::Entry::kType) it->type = parser.type();
  if (entry == Parser::Entry::kHelp) it->help = parser.metadata_text();
  if (entry == Parser::Entry::kUnit) it->unit = parser.metadata_text();
}

void ScrapeTarget::keep_changed(std::vector<model::MetricMetadata> metadata,
                                model::SampleBatch& out) {
  for (model::MetricMetadata& m : metadata) {
    const uint64_t hash = base::hash_string(std::string(model::metric_type_name(m.type)) + '\0' +
                                            m.unit + '\0' + m.help);
    uint64_t& sent = metadata_[m.family];
    if (sent == hash) continue;
    sent = hash;
    out.metadata.push_back(std::move(m));
  }
}

Result<ScrapeTarget::Page> ScrapeTarget::page(std::string_view text, wire::ExpositionFormat format,
                                              int64_t time_ms) {
  constexpr size_t kFamiliesMax = 10'000;
  Page out;
  const uint64_t number = ++pages_;
  std::vector<model::MetricMetadata> metadata;
  Parser parser(text, format);
  while (true) {
    ASSIGN_OR_RETURN(const Parser::Entry entry, parser.next());
    if (entry == Parser::Entry::kEnd) break;
    if (entry != Parser::Entry::kSample) {
      if (metadata.size() < kFamiliesMax) add_metadata(parser, entry, metadata);
      continue;
    }
    ++out.scraped;
    if (options_.sample_limit > 0 && out.scraped > options_.sample_limit) {
      return Error{Code::kTooLarge, "the page has more samples than sample_limit, which is " +
                                        std::to_string(options_.sample_limit)};
    }
    bool fresh = false;
    Series& series = series_of(parser, fresh);
    if (series.seen == number) continue;  // twice on a page: the first counts
    series.seen = number;
    out.added += fresh;
    series.timed = options_.honor_timestamps && parser.time_ms().has_value();
    const uint32_t set = out.batch.add_label_set(series.labels);
    out.batch.add(set, series.timed ? *parser.time_ms() : time_ms, parser.value());
    if (parser.exemplar()) add_exemplar(*parser.exemplar(), set, time_ms, out.batch);
  }
  for (auto it = series_.begin(); it != series_.end();) {
    if (it->second.seen == number) {
      it->second.kept = true;
      ++it;
      continue;
    }
    if (!it->second.timed) {
      out.batch.add(out.batch.add_label_set(it->second.labels), time_ms, model::stale_marker());
    }
    it = series_.erase(it);
  }
  keep_changed(std::move(metadata), out.batch);
  return out;
}

model::SampleBatch ScrapeTarget::failed(int64_t time_ms) {
  model::SampleBatch out;
  for (const auto& [hash, series] : series_) {
    if (series.kept && !series.timed) {
      out.add(out.add_label_set(series.labels), time_ms, model::stale_marker());
    }
  }
  series_.clear();
  return out;
}

void ScrapeTarget::report(const ScrapeReport& report, int64_t time_ms, model::SampleBatch& out) {
  const auto add = [&](std::string_view name, double value) {
    builder_.clear();
    builder_.set(model::kMetricName, name);
    for (const auto& [label, text] : options_.labels) builder_.set(label, text);
    out.add(out.add_label_set(builder_.canonical()), time_ms, value);
  };
  add("up", report.up ? 1 : 0);
  add("scrape_duration_seconds", report.duration_seconds);
  add("scrape_samples_scraped", static_cast<double>(report.scraped));
  add("scrape_samples_post_metric_relabeling", static_cast<double>(report.kept));
  add("scrape_series_added", static_cast<double>(report.added));
}

}  // namespace vedette::ingest
