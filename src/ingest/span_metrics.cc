#include "ingest/span_metrics.h"

#include <algorithm>
#include <cmath>

#include "wire/label_builder.h"
#include "wire/prometheus_names.h"

namespace vedette::ingest {
namespace {

constexpr std::string_view kCalls = "traces_span_metrics_calls_total";
constexpr std::string_view kDuration = "traces_span_metrics_duration_seconds";
constexpr std::string_view kBucket = "traces_span_metrics_duration_seconds_bucket";
constexpr std::string_view kSum = "traces_span_metrics_duration_seconds_sum";
constexpr std::string_view kCount = "traces_span_metrics_duration_seconds_count";

constexpr uint64_t kOverflowKey = 0;
constexpr size_t kLabelBytesMax = 1024;
constexpr int64_t kNanosPerMilli = 1'000'000;

struct Dimension {
  std::string_view label;
  std::string_view key;        // attribute, by the semantic conventions of today
  std::string_view older_key;  // and before they became stable
};
constexpr Dimension kDimensions[] = {
    {"http_request_method", "http.request.method", "http.method"},
    {"http_route", "http.route", ""},
    {"http_response_status_code", "http.response.status_code", "http.status_code"},
    {"db_system_name", "db.system.name", "db.system"},
    {"db_operation_name", "db.operation.name", "db.operation"},
    {"server_address", "server.address", "net.peer.name"},
    {"error_type", "error.type", ""},
};

std::string_view kind_label(model::SpanKind kind) {
  switch (kind) {
    case model::SpanKind::kUnspecified:
      return "SPAN_KIND_UNSPECIFIED";
    case model::SpanKind::kInternal:
      return "SPAN_KIND_INTERNAL";
    case model::SpanKind::kServer:
      return "SPAN_KIND_SERVER";
    case model::SpanKind::kClient:
      return "SPAN_KIND_CLIENT";
    case model::SpanKind::kProducer:
      return "SPAN_KIND_PRODUCER";
    case model::SpanKind::kConsumer:
      return "SPAN_KIND_CONSUMER";
  }
  return "SPAN_KIND_UNSPECIFIED";
}

std::string_view status_label(model::SpanStatus status) {
  switch (status) {
    case model::SpanStatus::kUnset:
      return "STATUS_CODE_UNSET";
    case model::SpanStatus::kOk:
      return "STATUS_CODE_OK";
    case model::SpanStatus::kError:
      return "STATUS_CODE_ERROR";
  }
  return "STATUS_CODE_UNSET";
}

uint64_t mix(uint64_t a, uint64_t b) {
  const auto product = static_cast<unsigned __int128>(a ^ 0x9e3779b97f4a7c15ull) * (b | 1);
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

const model::AttributeColumn* column_of(const model::SpanBatch& batch, std::string_view key) {
  const auto id = key.empty() ? std::nullopt : batch.strings.find(key);
  return id ? batch.attributes.find(*id) : nullptr;
}

// Mixes one dimension into the keys of the rows that have it. Hashes of texts are in the string
// table, so nothing is hashed twice; a number counts as its text, whose hash is kept for the next
// row.
void mix_dimension(const model::SpanBatch& batch, const model::AttributeColumn& column,
                   uint64_t salt, std::vector<uint64_t>& keys) {
  uint64_t last_bits = 0, last_hash = 0;
  bool have_last = false;
  for (size_t i = 0; i < column.size(); ++i) {
    const model::Value value = column.value(i);
    uint64_t hash;
    if (value.type == model::ValueType::kString) {
      if (value.text_id() == 0) continue;  // an empty label is none
      hash = batch.strings.hash(value.text_id());
    } else {
      if (!have_last || last_bits != value.bits) {
        last_hash = base::hash_string(value.to_string(batch.strings));
        last_bits = value.bits;
        have_last = true;
      }
      hash = last_hash;
    }
    uint64_t& key = keys[column.rows[i]];
    key = mix(key, hash ^ salt);
  }
}

std::vector<uint64_t> keys_of(const model::SpanBatch& batch) {
  std::vector<uint64_t> keys(batch.size());
  for (size_t row = 0; row < keys.size(); ++row) {
    const uint64_t service = batch.strings.hash(batch.resources[batch.resource[row]].service);
    const uint64_t flags =
        static_cast<uint64_t>(batch.kind[row]) << 8 | static_cast<uint64_t>(batch.status[row]);
    keys[row] = mix(mix(service, batch.strings.hash(batch.name[row])), flags + 1);
  }
  uint64_t salt = 0;
  for (const Dimension& dimension : kDimensions) {
    salt += 0xd6e8feb86659fd93ull;
    const auto* column = column_of(batch, dimension.key);
    if (!column) column = column_of(batch, dimension.older_key);
    if (column) mix_dimension(batch, *column, salt, keys);
  }
  return keys;
}

size_t bucket_of(double seconds) {
  return static_cast<size_t>(
      std::lower_bound(kDurationBounds.begin(), kDurationBounds.end(), seconds) -
      kDurationBounds.begin());
}

double seconds_of(int64_t nanos) {
  return static_cast<double>(nanos) / 1e9;
}

// Numbers groups by key: open addressing, as large as the batch needs.
class GroupIndex {
 public:
  explicit GroupIndex(size_t rows) {
    size_t slots = 64;
    while (slots < rows * 2) slots *= 2;
    slots_.resize(slots, 0);
  }
  SpanMetrics::Group& at(uint64_t key, uint32_t row, SpanMetrics::Sums& groups) {
    const size_t mask = slots_.size() - 1;
    for (size_t slot = key & mask;; slot = (slot + 1) & mask) {
      if (slots_[slot] == 0) {
        groups.emplace_back();
        groups.back().key = key;
        groups.back().row = groups.back().slowest = row;
        slots_[slot] = static_cast<uint32_t>(groups.size());
        return groups.back();
      }
      SpanMetrics::Group& group = groups[slots_[slot] - 1];
      if (group.key == key) return group;
    }
  }

 private:
  std::vector<uint32_t> slots_;  // 1 + number of the group
};

std::string cut(std::string text) {
  if (text.size() <= kLabelBytesMax) return text;
  size_t end = kLabelBytesMax;
  while (end > 0 && (text[end] & 0xc0) == 0x80) --end;
  text.resize(end);
  return text;
}

}  // namespace

double sampling_weight(std::string_view trace_state) {
  // ot=th:c;rv:…  among other members
  size_t at = 0;
  while (at < trace_state.size()) {
    const size_t end = std::min(trace_state.find(',', at), trace_state.size());
    std::string_view member = trace_state.substr(at, end - at);
    at = end + 1;
    while (!member.empty() && (member.front() == ' ' || member.front() == '\t')) {
      member.remove_prefix(1);
    }
    if (!member.starts_with("ot=")) continue;
    member.remove_prefix(3);
    while (!member.empty() && !member.starts_with("th:")) {
      const size_t semicolon = member.find(';');
      member.remove_prefix(semicolon == member.npos ? member.size() : semicolon + 1);
    }
    if (member.empty()) return 1;
    member = member.substr(3, member.find(';') - 3);
    if (member.empty() || member.size() > 14) return 1;
    double rejected = 0, digit_weight = 1;
    for (char c : member) {
      digit_weight /= 16;
      if (c >= '0' && c <= '9') {
        rejected += digit_weight * (c - '0');
      } else if (c >= 'a' && c <= 'f') {
        rejected += digit_weight * (c - 'a' + 10);
      } else {
        return 1;
      }
    }
    return 1 / (1 - rejected);
  }
  return 1;
}

SpanMetrics::Sums SpanMetrics::sum_up(const model::SpanBatch& batch) {
  Sums groups;
  const std::vector<uint64_t> keys = keys_of(batch);
  GroupIndex index(keys.size());
  model::StringId last_state = 0;
  double weight = 1;
  for (uint32_t row = 0; row < keys.size(); ++row) {
    if (batch.trace_state[row] != last_state) {
      last_state = batch.trace_state[row];
      weight = sampling_weight(batch.strings[last_state]);
    }
    Group& group = index.at(keys[row], row, groups);
    const double seconds = seconds_of(batch.duration_ns[row]);
    group.calls += weight;
    group.nanos += static_cast<double>(batch.duration_ns[row]) * weight;
    group.buckets[bucket_of(seconds)] += weight;
    if (batch.duration_ns[row] > batch.duration_ns[group.slowest]) group.slowest = row;
  }
  return groups;
}

SpanMetrics::Combination& SpanMetrics::find(const Group& group, const model::SpanBatch& batch) {
  const auto known = combinations_.find(group.key);
  if (known != combinations_.end()) return known->second;

  // `le` stands between these labels in the order of names.
  wire::LabelBuilder before, behind;
  if (combinations_.size() >= options_.combinations_max) {
    const auto [it, added] = combinations_.try_emplace(kOverflowKey);
    if (added) {
      behind.set("otel_metric_overflow", "true");
      it->second.behind_le = behind.canonical();
    }
    return it->second;
  }
  const auto add = [&](std::string_view name, std::string text) {
    (name < "le" ? before : behind).set(name, cut(std::move(text)));
  };
  add("service_name", std::string(batch.service(group.row)));
  add("span_name", std::string(batch.strings[batch.name[group.row]]));
  add("span_kind", std::string(kind_label(batch.kind[group.row])));
  add("status_code", std::string(status_label(batch.status[group.row])));
  for (const Dimension& dimension : kDimensions) {
    const auto* column = column_of(batch, dimension.key);
    if (!column) column = column_of(batch, dimension.older_key);
    if (!column) continue;
    if (const auto value = column->find(group.row)) {
      add(dimension.label, value->to_string(batch.strings));
    }
  }
  Combination& fresh = combinations_[group.key];
  fresh.before_le = before.canonical();
  fresh.behind_le = behind.canonical();
  return fresh;
}

void SpanMetrics::add(const Sums& sums, const model::SpanBatch& batch, int64_t now_ns) {
  const std::lock_guard lock(mutex_);
  for (const Group& group : sums) {
    Combination& c = find(group, batch);
    c.calls += group.calls;
    c.nanos += group.nanos;
    for (size_t i = 0; i < c.buckets.size(); ++i) c.buckets[i] += group.buckets[i];
    c.seen_ns = now_ns;
    const double slowest = seconds_of(batch.duration_ns[group.slowest]);
    if (slowest > c.exemplar_seconds) {
      c.exemplar_seconds = slowest;
      c.exemplar_ns = batch.start_ns[group.slowest] + batch.duration_ns[group.slowest];
      c.trace_id = batch.trace_id[group.slowest];
      c.span_id = batch.span_id[group.slowest];
    }
  }
}

void SpanMetrics::append(model::SampleBatch& out, const Combination& c, int64_t time_ms, bool zero,
                         bool stale) {
  std::string labels;
  const auto sample = [&](std::string_view name, std::string_view le, double value) {
    labels.clear();
    wire::append_label(labels, model::kMetricName, name);
    labels += c.before_le;
    if (!le.empty()) wire::append_label(labels, "le", le);
    labels += c.behind_le;
    if (zero) value = 0;
    if (stale) value = model::stale_marker();
    const uint32_t set = out.add_label_set(labels);
    out.add(set, time_ms, value);
    return set;
  };
  sample(kCalls, "", c.calls);
  const bool exemplar = !zero && !stale && c.exemplar_seconds >= 0;
  const size_t exemplar_bucket = exemplar ? bucket_of(c.exemplar_seconds) : 0;
  double cumulative = 0;
  for (size_t i = 0; i < c.buckets.size(); ++i) {
    cumulative += c.buckets[i];
    const double bound = i < kDurationBounds.size() ? kDurationBounds[i] : HUGE_VAL;
    const uint32_t set = sample(kBucket, wire::format_label_number(bound), cumulative);
    if (!exemplar || i != exemplar_bucket) continue;
    std::string exemplar_labels;
    wire::append_label(exemplar_labels, "span_id", model::span_id_hex(c.span_id));
    wire::append_label(exemplar_labels, "trace_id", c.trace_id.hex());
    out.add_exemplar(set, c.exemplar_ns / kNanosPerMilli, c.exemplar_seconds, c.trace_id, c.span_id,
                     std::move(exemplar_labels));
  }
  sample(kSum, "", c.nanos / 1e9);
  sample(kCount, "", cumulative);
}

model::SampleBatch SpanMetrics::flush(int64_t now_ns) {
  model::SampleBatch out;
  const std::lock_guard lock(mutex_);
  const int64_t now_ms = now_ns / kNanosPerMilli;
  const int64_t last_ms = std::min(last_flush_ns_ / kNanosPerMilli, now_ms - 1);
  for (auto it = combinations_.begin(); it != combinations_.end();) {
    Combination& c = it->second;
    const bool ends = now_ns - c.seen_ns > options_.idle_ns;
    if (c.fresh) append(out, c, last_ms, true, false);
    append(out, c, now_ms, false, ends);
    c.fresh = false;
    c.exemplar_seconds = -1;
    it = ends ? combinations_.erase(it) : std::next(it);
  }
  last_flush_ns_ = now_ns;
  if (!out.label_set.empty()) {
    out.metadata.push_back({std::string(kCalls), model::MetricType::kCounter, "Spans.", ""});
    out.metadata.push_back(
        {std::string(kDuration), model::MetricType::kHistogram, "How long spans took.", "seconds"});
  }
  return out;
}

size_t SpanMetrics::combinations() const {
  const std::lock_guard lock(mutex_);
  return combinations_.size();
}

}  // namespace vedette::ingest
