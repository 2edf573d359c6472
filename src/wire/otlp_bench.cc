// What it costs to decode OTLP: ns per span and per log record, of requests as instrumented FastAPI
// services send them (512 records, 8 to 10 attributes, ids and addresses that differ).
#include <benchmark/benchmark.h>

#include <random>

#include "wire/otlp_decode.h"
#include "wire/otlp_fields.h"
#include "wire/remote_write.h"
#include "wire/test_proto.h"

namespace {

using namespace vedette::wire;

constexpr int kRecords = 512;

Proto text(std::string_view key, std::string_view value) {
  return Proto()
      .bytes(otlp::key_value::kKey, key)
      .message(otlp::key_value::kValue, Proto().bytes(otlp::any_value::kStringValue, value));
}

Proto number(std::string_view key, uint64_t value) {
  return Proto()
      .bytes(otlp::key_value::kKey, key)
      .message(otlp::key_value::kValue, Proto().varint(otlp::any_value::kIntValue, value));
}

class Random {
 public:
  std::string bytes(size_t n) {
    std::string out(n, '\0');
    for (char& c : out) c = static_cast<char>(engine_() | 1);
    return out;
  }
  uint64_t below(uint64_t n) { return engine_() % n; }

 private:
  std::mt19937_64 engine_{1};
};

std::vector<Proto> attributes_of(int i, Random& random) {
  const std::string id = std::to_string(random.below(1'000'000));
  switch (i % 3) {
    case 0:
      return {text("http.request.method", "GET"),
              text("url.path", "/orders/" + id),
              text("http.route", "/orders/{order_id}"),
              number("http.response.status_code", 200),
              text("server.address", "shop"),
              number("server.port", 8000),
              text("client.address", "10.0." + std::to_string(random.below(256)) + ".7"),
              text("user_agent.original", "python-httpx/0.28.1"),
              text("user.id", "u-" + id),
              text("network.protocol.version", "1.1")};
    case 1:
      return {text("db.system.name", "postgresql"),
              text("db.namespace", "orders"),
              text("db.operation.name", "SELECT"),
              text("db.query.text", "SELECT * FROM orders WHERE id = $1"),
              text("server.address", "db"),
              number("server.port", 5432),
              text("db.collection.name", "orders"),
              number("db.response.returned_rows", 1)};
    default:
      return {
          text("db.system.name", "redis"),        text("db.operation.name", "GET"),
          text("server.address", "cache"),        number("server.port", 6379),
          text("cache.key", "order:" + id),       text("code.function.name", "validate_inventory"),
          number("order.items", random.below(9)), text("order.id", id)};
  }
}

Proto resource() {
  return Proto()
      .message(otlp::resource::kAttributes, text("service.name", "shop"))
      .message(otlp::resource::kAttributes, text("service.instance.id", "shop-7f9c"))
      .message(otlp::resource::kAttributes, text("host.name", "node-3"));
}

std::string envelope(const Proto& scope) {
  return Proto()
      .message(otlp::export_trace_service_request::kResourceSpans,
               Proto()
                   .message(otlp::resource_spans::kResource, resource())
                   .message(otlp::resource_spans::kScopeSpans, scope))
      .str();
}

std::string trace_request() {
  Random random;
  Proto scope;
  std::string trace_id;
  constexpr const char* kNames[] = {"GET /orders/{order_id}", "SELECT orders", "GET"};
  for (int i = 0; i < kRecords; ++i) {
    if (i % 7 == 0) trace_id = random.bytes(16);
    Proto span;
    span.bytes(otlp::span::kTraceId, trace_id)
        .bytes(otlp::span::kSpanId, random.bytes(8))
        .bytes(otlp::span::kParentSpanId, random.bytes(8))
        .bytes(otlp::span::kName, kNames[i % 3])
        .varint(otlp::span::kKind, i % 3 == 0 ? 2 : 3)
        .fixed(otlp::span::kStartTimeUnixNano,
               1'700'000'000'000'000'000 + random.below(1'000'000'000))
        .fixed(otlp::span::kEndTimeUnixNano,
               1'700'000'001'000'000'000 + random.below(1'000'000'000));
    for (const Proto& a : attributes_of(i, random)) span.message(otlp::span::kAttributes, a);
    span.message(otlp::span::kStatus, Proto()).fixed<uint32_t>(otlp::span::kFlags, 0x101);
    scope.message(otlp::scope_spans::kSpans, span);
  }
  return envelope(scope);
}

std::string log_request() {
  Random random;
  Proto scope;
  for (int i = 0; i < kRecords; ++i) {
    Proto record;
    record
        .fixed(otlp::log_record::kTimeUnixNano,
               1'700'000'000'000'000'000 + random.below(1'000'000'000))
        .varint(otlp::log_record::kSeverityNumber, 9)
        .bytes(otlp::log_record::kSeverityText, "INFO")
        .message(otlp::log_record::kBody,
                 Proto().bytes(otlp::any_value::kStringValue,
                               "order " + std::to_string(random.below(1'000'000)) + " accepted"));
    for (const Proto& a : attributes_of(i, random))
      record.message(otlp::log_record::kAttributes, a);
    record.bytes(otlp::log_record::kTraceId, random.bytes(16))
        .bytes(otlp::log_record::kSpanId, random.bytes(8))
        .fixed(otlp::log_record::kObservedTimeUnixNano, uint64_t{1'700'000'000'000'000'000});
    scope.message(otlp::scope_logs::kLogRecords, record);
  }
  return envelope(scope);
}

std::string write_request() {
  Proto out;
  for (int i = 0; i < 2500; ++i) {
    Proto series;
    const std::pair<std::string, std::string> labels[] = {
        {"__name__", "http_request_duration_seconds_bucket"},
        {"endpoint", "/orders/" + std::to_string(i % 40)},
        {"instance", "10.0.0.7:8000"},
        {"job", "shop"},
        {"le", "0.25"},
        {"method", "GET"},
        {"pod", "shop-" + std::to_string(i)},
        {"status", "200"}};
    for (const auto& [name, value] : labels) {
      series.message(bytes_tag(1), Proto().bytes(bytes_tag(1), name).bytes(bytes_tag(2), value));
    }
    series.message(
        bytes_tag(2),
        Proto().fixed(fixed64_tag(1), 12.5 * i).varint(varint_tag(2), 1'700'000'000'000));
    out.message(bytes_tag(1), series);
  }
  return out.str();
}

template <typename Decode>
void run(benchmark::State& state, const std::string& body, int64_t records, Decode decode) {
  for (auto _ : state) benchmark::DoNotOptimize(decode(body));
  state.counters["ns_each"] =
      benchmark::Counter(static_cast<double>(state.iterations() * records) / 1e9,
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * body.size()));
}

void spans(benchmark::State& state) {
  run(state, trace_request(), kRecords,
      [](const std::string& body) { return decode_otlp_traces(body, {}); });
}
void log_records(benchmark::State& state) {
  run(state, log_request(), kRecords,
      [](const std::string& body) { return decode_otlp_logs(body, {}); });
}
void remote_write_samples(benchmark::State& state) {
  run(state, write_request(), 2500,
      [](const std::string& body) { return decode_write_request(body, {}); });
}
BENCHMARK(spans);
BENCHMARK(log_records);
BENCHMARK(remote_write_samples);

}  // namespace
