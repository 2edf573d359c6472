// For tests: a shop's spans and logs, and an engine on a simulated disk and clock.
#pragma once

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>

#include "base/sim_fs.h"
#include "store/engine/engine.h"

namespace vedette::store::engine {

inline constexpr int64_t kTestStart = 1'790'000'000'000'000'000;  // in 2026
inline constexpr int64_t kDedupeWindow = 600'000'000'000;

/// The id of the trace with this number.
inline model::TraceId test_trace(uint64_t number) {
  return {(number + 1) * 0x9e3779b97f4a7c15ull, (number + 1) * 0xbf58476d1ce4e5b9ull};
}

/// Seven spans a trace, one trace a second. Every tenth trace fails.
inline std::shared_ptr<const model::SpanBatch> shop_spans(int traces, uint64_t first,
                                                          int64_t start = kTestStart) {
  using model::Value;
  auto out = std::make_shared<model::SpanBatch>();
  model::SpanBatch& b = *out;
  const auto text = [&](std::string_view s) { return b.strings.intern(s); };
  for (const char* service : {"shop", "payments"}) {
    model::Resource r;
    r.service = text(service);
    r.attributes.items = {{text("service.name"), Value::string(text(service))},
                          {text("host.name"), Value::string(text("pod-7"))}};
    b.resources.push_back(r);
  }
  b.scopes.push_back({text("vedette"), text("1"), 0, {}});
  const char* names[] = {"POST /orders", "validate_inventory", "SELECT", "charge_payment",
                         "POST",         "POST /charge",       "send"};
  const int parents[] = {-1, 0, 1, 0, 3, 4, 0};
  for (int t = 0; t < traces; ++t) {
    const uint64_t number = first + static_cast<uint64_t>(t);
    const bool fails = number % 10 == 9;
    for (int s = 0; s < 7; ++s) {
      const auto row = static_cast<uint32_t>(b.size());
      b.trace_id.push_back(test_trace(number));
      b.span_id.push_back(number * 16 + static_cast<uint64_t>(s) + 1);
      b.parent_span_id.push_back(
          parents[s] < 0 ? 0 : number * 16 + static_cast<uint64_t>(parents[s]) + 1);
      b.start_ns.push_back(start + static_cast<int64_t>(number) * 1'000'000'000 + s * 1'234'567);
      b.duration_ns.push_back(90'000'000 - s * 10'000'000 +
                              static_cast<int64_t>(number % 977) * 1013);
      b.name.push_back(text(names[s]));
      b.kind.push_back(s == 0 || s == 5 ? model::SpanKind::kServer : model::SpanKind::kInternal);
      b.status.push_back(fails && s == 5 ? model::SpanStatus::kError : model::SpanStatus::kUnset);
      b.status_message.push_back(fails && s == 5 ? text("card declined") : 0);
      b.trace_state.push_back(0);
      b.flags.push_back(1);
      b.resource.push_back(s == 5 ? 1 : 0);
      b.scope.push_back(0);
      b.dropped_attributes.push_back(0);
      b.dropped_events.push_back(0);
      b.dropped_links.push_back(s == 6 ? 1 : 0);
      if (s == 0) {
        b.attributes.add(row, text("http.route"), Value::string(text("/orders")));
        b.attributes.add(row, text("http.response.status_code"), Value::integer(fails ? 502 : 200));
        b.attributes.add(row, text("user.id"),
                         Value::string(text("user-" + std::to_string(number * 37 % 1000))));
        b.attributes.add(row, text("order.id"),
                         Value::string(text("ord-" + std::to_string(1'000'000 + number))));
        b.attributes.add(row, text("order.total"),
                         Value::real(static_cast<double>(number % 500) + 0.99));
      }
      if (s == 2)
        b.attributes.add(row, text("db.rows"), Value::integer(static_cast<int64_t>(number % 40)));
      if (fails && s == 5) {
        const auto event = static_cast<uint32_t>(b.events.size());
        b.events.span_row.push_back(row);
        b.events.time_ns.push_back(b.start_ns.back() + 5);
        b.events.name.push_back(text("exception"));
        b.events.dropped_attributes.push_back(0);
        b.events.attributes.add(event, text("exception.type"), Value::string(text("Declined")));
      }
      if (s == 6) {
        b.links.span_row.push_back(row);
        b.links.trace_id.push_back(test_trace(number + 1'000'000));
        b.links.span_id.push_back(77);
        b.links.trace_state.push_back(0);
        b.links.flags.push_back(0);
        b.links.dropped_attributes.push_back(0);
      }
    }
  }
  return out;
}

/// Five records a trace; the last has no trace.
inline std::shared_ptr<const model::LogBatch> shop_logs(int traces, uint64_t first,
                                                        int64_t start = kTestStart) {
  using model::Value;
  auto out = std::make_shared<model::LogBatch>();
  model::LogBatch& b = *out;
  const auto text = [&](std::string_view s) { return b.strings.intern(s); };
  model::Resource r;
  r.service = text("shop");
  r.attributes.items = {{text("service.name"), Value::string(text("shop"))}};
  b.resources.push_back(r);
  b.scopes.push_back({text("structlog"), 0, 0, {}});
  for (int t = 0; t < traces; ++t) {
    const uint64_t number = first + static_cast<uint64_t>(t);
    const bool fails = number % 10 == 9;
    for (int l = 0; l < 5; ++l) {
      const auto row = static_cast<uint32_t>(b.size());
      const std::string order = std::to_string(1'000'000 + number);
      const std::string bodies[] = {
          "order " + order + " received", "inventory checked for order " + order,
          fails ? "payment declined for order " + order : "payment charged",
          "request finished in " + std::to_string(number % 311) + " ms", "tick"};
      b.time_ns.push_back(start + static_cast<int64_t>(number) * 1'000'000'000 + l * 2'345'678);
      b.observed_ns.push_back(b.time_ns.back() + 1000);
      b.severity.push_back(fails && l == 2 ? 17 : 9);
      b.severity_text.push_back(text(fails && l == 2 ? "error" : "info"));
      b.body.push_back(Value::string(text(bodies[l])));
      b.event_name.push_back(0);
      b.trace_id.push_back(l == 4 ? model::TraceId{} : test_trace(number));
      b.span_id.push_back(l == 4 ? 0 : number * 16 + 1);
      b.flags.push_back(l == 4 ? 0 : 1);
      b.resource.push_back(0);
      b.scope.push_back(0);
      b.dropped_attributes.push_back(0);
      if (l < 3) b.attributes.add(row, text("order_id"), Value::string(text("ord-" + order)));
      if (l == 3)
        b.attributes.add(row, text("duration_us"),
                         Value::integer(static_cast<int64_t>(number % 311) * 1000));
    }
  }
  return out;
}

/// One sample and one exemplar a trace, of a series for each ten of them.
inline std::shared_ptr<const model::SampleBatch> shop_samples(uint64_t traces, uint64_t first) {
  auto batch = std::make_shared<model::SampleBatch>();
  for (uint64_t t = first; t < first + traces; ++t) {
    const auto set = model::Labels::of({{"__name__", "up"}, {"tens", std::to_string(t / 10)}});
    const uint32_t number = batch->add_label_set(set.canonical());
    const auto time_ms = kTestStart / 1'000'000 + static_cast<int64_t>(t) * 1000;
    batch->add(number, time_ms, static_cast<double>(t));
    batch->add_exemplar(number, time_ms, 1, test_trace(t), 1, "");
  }
  return batch;
}

/// Everything a row holds, as text: equal texts, equal rows.
std::string row_text(const model::SpanBatch& batch, uint32_t row);
std::string row_text(const model::LogBatch& batch, uint32_t row);
/// The rows of a trace, sorted.
template <typename Batch>
std::string trace_text(const Batch& batch, uint64_t trace) {
  std::vector<std::string> rows;
  for (uint32_t r = 0; r < batch.size(); ++r) {
    if (batch.trace_id[r] == test_trace(trace)) rows.push_back(row_text(batch, r));
  }
  std::sort(rows.begin(), rows.end());
  std::string all;
  for (const std::string& row : rows) all += row + "\n";
  return all;
}

/// An engine that does background work only when told.
struct Bench {
  base::SimFs fs;
  base::SimClock clock{kTestStart + 3'600'000'000'000};
  Options options;
  std::unique_ptr<Engine> engine;

  enum NotOpened { kNotOpened };
  explicit Bench(NotOpened) {
    options.path = "/data";
    options.manual_background = true;
  }
  Bench() : Bench(kNotOpened) { reopen(); }
  ~Bench() { engine.reset(); }

  /// As after a kill.
  void reopen() { EXPECT_TRUE(try_reopen().ok()); }
  Status try_reopen() {
    engine.reset();
    fs.restart();
    return try_open();
  }
  Status try_open() {
    auto opened = Engine::open(options, fs, clock);
    if (!opened.ok()) return opened.status();
    engine = *std::move(opened);
    return {};
  }

  Result<WriteOutcome> write(Write write) {
    std::promise<Result<WriteOutcome>> answer;
    engine->append(std::move(write),
                   [&](Result<WriteOutcome> r) { answer.set_value(std::move(r)); });
    return answer.get_future().get();
  }
  Result<WriteOutcome> write(std::shared_ptr<const model::SpanBatch> spans) {
    Write w;
    w.spans = std::move(spans);
    return write(std::move(w));
  }
  Result<WriteOutcome> write(std::shared_ptr<const model::LogBatch> logs) {
    Write w;
    w.logs = std::move(logs);
    return write(std::move(w));
  }

  size_t span_count(std::vector<Predicate> where = {}, TimeRange range = {}) {
    size_t n = 0;
    const Status status =
        engine->scan_spans({range, std::move(where), {}, Order::kAny}, {}, [&](const auto& block) {
          n += block.rows.size();
          return true;
        });
    return status.ok() ? n : SIZE_MAX;
  }
  size_t log_count(std::vector<Predicate> where = {}, TimeRange range = {}) {
    size_t n = 0;
    const Status status =
        engine->scan_logs({range, std::move(where), {}, Order::kAny}, {}, [&](const auto& block) {
          n += block.rows.size();
          return true;
        });
    return status.ok() ? n : SIZE_MAX;
  }
  std::vector<Series> series() { return *engine->series({}, {}, {}); }
  size_t sample_count() {
    std::vector<SeriesId> ids;
    for (const Series& s : series()) ids.push_back(s.id);
    size_t n = 0;
    EXPECT_TRUE(engine
                    ->samples(ids, {}, {},
                              [&](size_t, auto times, auto) {
                                n += times.size();
                                return true;
                              })
                    .ok());
    return n;
  }
  /// The rows of a trace as they are stored, sorted.
  std::string trace_text(uint64_t trace) { return rows_of(trace, &Engine::scan_spans); }
  std::string trace_log_text(uint64_t trace) { return rows_of(trace, &Engine::scan_logs); }

 private:
  template <typename Batch>
  std::string rows_of(uint64_t trace, Status (Store::*scan)(const RowQuery&, const ReadContext&,
                                                            const Visitor<Batch>&)) {
    RowQuery query;
    query.columns = Columns::everything();
    Predicate of_trace;
    of_trace.field = Field::kTraceId;
    of_trace.trace_ids = {test_trace(trace)};
    query.where.push_back(of_trace);
    std::vector<std::string> rows;
    (void)((*engine).*scan)(query, {}, [&](const Block<Batch>& block) {
      for (const uint32_t r : block.rows) rows.push_back(row_text(block.batch, r));
      return true;
    });
    std::sort(rows.begin(), rows.end());
    std::string all;
    for (const std::string& row : rows) all += row + "\n";
    return all;
  }
};

inline Predicate where_text(Field field, std::string key, Op op, std::string text) {
  Predicate p;
  p.field = field;
  p.key = std::move(key);
  p.op = op;
  p.text = std::move(text);
  return p;
}

inline Predicate where_trace(uint64_t trace) {
  Predicate p;
  p.field = Field::kTraceId;
  p.trace_ids = {test_trace(trace)};
  return p;
}

inline Predicate where_number(Field field, std::string key, Op op, double number) {
  Predicate p;
  p.field = field;
  p.key = std::move(key);
  p.op = op;
  p.number = number;
  return p;
}

}  // namespace vedette::store::engine
