#include "bench/load/shop.h"

#include <array>
#include <cmath>
#include <cstdio>

#include "bench/load/proto.h"

namespace vedette::bench {
namespace {

constexpr size_t kRecordsPerRequest = 512;
constexpr int64_t kHalfHour = 1800ll * 1'000'000'000;

enum Kind { kInternal = 1, kServer = 2, kClient = 3 };

/// One process: its spans and logs wait here until a request is full, by scope.
struct Pod {
  std::string resource;
  std::array<std::string, 6> span_scopes;  // ScopeSpans without the scope, by scope
  std::array<std::string, 6> log_scopes;
  size_t spans = 0;
  size_t logs = 0;
};

constexpr std::array<const char*, 6> kScopes = {"vedette.fastapi", "vedette.sqlalchemy",
                                                "vedette.httpx",   "vedette.redis",
                                                "order-service",   "shop.logger"};

class Shop {
 public:
  Shop(int64_t end_ns, uint64_t seed) : random_(seed), end_ns_(end_ns) {
    for (const char* service : {"shop", "shop", "shop", "payments", "payments"}) {
      Pod& pod = pods_.emplace_back();
      const std::string name = std::string(service) + "-7d9f4c6b8-" + std::to_string(pods_.size());
      attribute(pod.resource, 1, "service.name", service);
      attribute(pod.resource, 1, "service.version", "1.14.2");
      attribute(pod.resource, 1, "service.instance.id", name);
      attribute(pod.resource, 1, "k8s.pod.name", name);
      attribute(pod.resource, 1, "deployment.environment.name", "production");
      attribute(pod.resource, 1, "telemetry.sdk.language", "python");
    }
  }

  void trace(double progress) {
    for (int i = 0; i < 2; ++i) trace_[i] = random_.next();
    now_ = end_ns_ - kHalfHour + static_cast<int64_t>(progress * kHalfHour);
    pod_ = &pods_[random_.below(3)];
    user_ = 1'000'000 + static_cast<int64_t>(random_.below(400'000));
    failed_ = random_.chance(0.02);
    switch (random_.below(10)) {
      case 0:
      case 1:
      case 2:
      case 3:
        create_order();
        break;
      case 4:
      case 5:
      case 6:
      case 7:
        list_products();
        break;
      default:
        get_order();
        break;
    }
  }

  ShopLoads take() {
    for (Pod& pod : pods_) {
      send_spans(pod);
      send_logs(pod);
    }
    return std::move(out_);
  }

 private:
  // A span under way: its body, ready but for its times.
  struct Span {
    uint64_t id;
    int64_t start;
    std::string body;
  };

  Span open(uint64_t parent, const char* name, Kind kind) {
    Span s{random_.next() | 1, now_, {}};
    bytes(s.body, 1, {reinterpret_cast<const char*>(trace_), 16});
    bytes(s.body, 2, {reinterpret_cast<const char*>(&s.id), 8});
    if (parent) bytes(s.body, 4, {reinterpret_cast<const char*>(&parent), 8});
    bytes(s.body, 5, name);
    number(s.body, 6, kind);
    fixed<uint64_t>(s.body, 7, static_cast<uint64_t>(s.start));
    return s;
  }

  void close(Pod& pod, int scope, Span& s, bool error = false) {
    fixed<uint64_t>(s.body, 8, static_cast<uint64_t>(now_));
    if (error) {
      std::string status;
      number(status, 3, 2);
      bytes(s.body, 15, status);
    }
    fixed<uint32_t>(s.body, 16, 0x101);
    bytes(pod.span_scopes[scope], 2, s.body);
    ++out_.spans.records;
    if (++pod.spans == kRecordsPerRequest) send_spans(pod);
  }

  void pass(double mean_us) {
    now_ += static_cast<int64_t>(-std::log(1 - random_.unit()) * mean_us * 1000) + 700;
  }

  void log(Pod& pod, const Span& span, int severity, const std::string& body,
           std::initializer_list<std::pair<const char*, int64_t>> numbers = {}) {
    std::string record, value;
    fixed<uint64_t>(record, 1, static_cast<uint64_t>(now_));
    number(record, 2, static_cast<uint64_t>(severity));
    bytes(record, 3, severity == 9 ? "info" : severity == 13 ? "warning" : "error");
    bytes(value, 1, body);
    bytes(record, 5, value);
    attribute(record, 6, "logger", "shop.orders");
    attribute(record, 6, "user_id", user_);
    attribute(record, 6, "client_ip", client_);
    for (const auto& [key, v] : numbers) attribute(record, 6, key, v);
    fixed<uint32_t>(record, 8, 1);
    bytes(record, 9, {reinterpret_cast<const char*>(trace_), 16});
    bytes(record, 10, {reinterpret_cast<const char*>(&span.id), 8});
    fixed<uint64_t>(record, 11, static_cast<uint64_t>(now_ + 1500));
    bytes(pod.log_scopes[5], 2, record);
    ++out_.logs.records;
    if (++pod.logs == kRecordsPerRequest) send_logs(pod);
  }

  Span request(Pod& pod, uint64_t parent, const char* method, const char* route,
               const std::string& path) {
    const std::string name = std::string(method) + " " + route;
    char ip[32];
    std::snprintf(ip, sizeof ip, "10.%d.%d.%d", static_cast<int>(random_.below(200)),
                  static_cast<int>(random_.below(250)), static_cast<int>(random_.below(250)));
    client_ = ip;
    Span s = open(parent, name.c_str(), kServer);
    attribute(s.body, 9, "http.request.method", method);
    attribute(s.body, 9, "http.route", route);
    attribute(s.body, 9, "url.path", path);
    attribute(s.body, 9, "url.scheme", "http");
    attribute(s.body, 9, "client.address", client_);
    attribute(s.body, 9, "server.address", &pod == pod_ ? "shop.internal" : "payments.internal");
    attribute(s.body, 9, "user_agent.original", kAgents[random_.below(kAgents.size())]);
    attribute(s.body, 9, "network.protocol.version", "1.1");
    pass(300);
    return s;
  }

  void respond(Pod& pod, Span& s, int status) {
    pass(150);
    attribute(s.body, 9, "http.response.status_code", static_cast<int64_t>(status));
    log(pod, s, status >= 500 ? 17 : 9,
        "request finished status=" + std::to_string(status) +
            " duration_us=" + std::to_string((now_ - s.start) / 1000),
        {{"duration_us", (now_ - s.start) / 1000}, {"status_code", status}});
    close(pod, 0, s, status >= 500);
  }

  void statement(uint64_t parent, const char* operation, const char* table, const char* text) {
    const std::string name = std::string(operation) + " " + table;
    Span s = open(parent, name.c_str(), kClient);
    attribute(s.body, 9, "db.system.name", "postgresql");
    attribute(s.body, 9, "db.namespace", "shop");
    attribute(s.body, 9, "db.operation.name", operation);
    attribute(s.body, 9, "db.collection.name", table);
    attribute(s.body, 9, "db.query.text", text);
    attribute(s.body, 9, "server.address", "postgres.internal");
    attribute(s.body, 9, "server.port", int64_t{5432});
    pass(900);
    close(*pod_, 1, s);
  }

  void cached(uint64_t parent, const char* command) {
    Span s = open(parent, command, kClient);
    attribute(s.body, 9, "db.system.name", "redis");
    attribute(s.body, 9, "db.operation.name", command);
    attribute(s.body, 9, "server.address", "redis.internal");
    attribute(s.body, 9, "server.port", int64_t{6379});
    pass(250);
    close(*pod_, 3, s);
  }

  void create_order() {
    const auto order = static_cast<int64_t>(++orders_);
    Span root = request(*pod_, 0, "POST", "/orders", "/orders");
    log(*pod_, root, 9, "order creation started user_id=" + std::to_string(user_),
        {{"items", 1 + static_cast<int64_t>(random_.below(5))}});
    Span process = open(root.id, "process_order", kInternal);
    attribute(process.body, 9, "order.id", order);
    attribute(process.body, 9, "user.id", user_);
    Span inventory = open(process.id, "validate_inventory", kInternal);
    cached(inventory.id, "GET");
    statement(inventory.id, "SELECT", "products",
              "SELECT products.sku, products.price FROM products WHERE products.sku = %s");
    log(*pod_, inventory, 9, "inventory checked rows=" + std::to_string(1 + random_.below(20)),
        {{"rows", static_cast<int64_t>(1 + random_.below(20))}});
    close(*pod_, 4, inventory);
    statement(process.id, "INSERT", "orders",
              "INSERT INTO orders (user_id, total_cents) VALUES (%s, %s) RETURNING orders.id");
    Span charge = open(process.id, "charge_payment", kInternal);
    attribute(charge.body, 9, "payment.provider", "acme-pay");
    attribute(charge.body, 9, "payment.transaction_id", hex(16));
    pay(charge.id, order);
    close(*pod_, 4, charge, failed_);
    statement(process.id, "UPDATE", "orders", "UPDATE orders SET status=%s WHERE orders.id = %s");
    if (!failed_) {
      Span mail = open(process.id, "send_confirmation", kInternal);
      pass(2000);
      log(*pod_, mail, 9, "confirmation sent for order " + std::to_string(order),
          {{"order_id", order}});
      close(*pod_, 4, mail);
    } else {
      exception(process);
    }
    close(*pod_, 4, process, failed_);
    log(*pod_, root, failed_ ? 17 : 9,
        (failed_ ? "order failed order_id=" : "order created order_id=") + std::to_string(order),
        {{"order_id", order}});
    respond(*pod_, root, failed_ ? 503 : 201);
  }

  void pay(uint64_t parent, int64_t order) {
    Span call = open(parent, "POST", kClient);
    attribute(call.body, 9, "http.request.method", "POST");
    attribute(call.body, 9, "url.full", "http://payments.internal/charge");
    attribute(call.body, 9, "server.address", "payments.internal");
    attribute(call.body, 9, "server.port", int64_t{80});
    Pod& payments = pods_[3 + random_.below(2)];
    Span charge = request(payments, call.id, "POST", "/charge", "/charge");
    pass(12'000);
    log(payments, charge, failed_ ? 13 : 9,
        failed_ ? "payment declined for order " + std::to_string(order)
                : "payment charged for order " + std::to_string(order),
        {{"order_id", order}});
    respond(payments, charge, failed_ ? 503 : 200);
    attribute(call.body, 9, "http.response.status_code", int64_t{failed_ ? 503 : 200});
    close(*pod_, 2, call, failed_);
  }

  void list_products() {
    const auto product = std::to_string(random_.below(5000));
    Span root = request(*pod_, 0, "GET", "/products/{product_id}", "/products/" + product);
    cached(root.id, "GET");
    log(*pod_, root, 9, "cache miss key=product:" + product,
        {{"bytes", static_cast<int64_t>(200 + random_.below(4000))}});
    statement(root.id, "SELECT", "products",
              "SELECT products.id, products.name FROM products WHERE products.id = %s");
    statement(
        root.id, "SELECT", "reviews",
        "SELECT reviews.id, reviews.text FROM reviews WHERE reviews.product_id = %s LIMIT 10");
    cached(root.id, "SET");
    log(*pod_, root, 9, "product loaded rows=" + std::to_string(1 + random_.below(10)));
    log(*pod_, root, 9, "cache filled key=product:" + product);
    respond(*pod_, root, failed_ ? 500 : 200);
  }

  void get_order() {
    const auto order = std::to_string(1 + random_.below(orders_ + 1));
    Span root = request(*pod_, 0, "GET", "/orders/{order_id}", "/orders/" + order);
    statement(root.id, "SELECT", "orders",
              "SELECT orders.id, orders.total_cents FROM orders WHERE orders.id = %s");
    log(*pod_, root, 9, "order loaded order_id=" + order);
    statement(root.id, "SELECT", "order_items",
              "SELECT order_items.sku, order_items.quantity FROM order_items WHERE order_id = %s");
    cached(root.id, "GET");
    log(*pod_, root, 9, "order rendered rows=" + std::to_string(1 + random_.below(6)));
    respond(*pod_, root, failed_ ? 500 : 200);
  }

  void exception(Span& span) {
    std::string event;
    fixed<uint64_t>(event, 1, static_cast<uint64_t>(now_));
    bytes(event, 2, "exception");
    attribute(event, 3, "exception.type", "PaymentError");
    attribute(event, 3, "exception.message",
              "payment failed: provider answered 503 after " + std::to_string(random_.below(9000)) +
                  " us");
    std::string stack = "Traceback (most recent call last):\n";
    for (int i = 0; i < 6; ++i) {
      stack += "  File \"shop/orders.py\", line " + std::to_string(40 + 17 * i) +
               ", in charge_payment\n    result = await payments.post(\"/charge\", json=body)\n";
    }
    attribute(event, 3, "exception.stacktrace", stack);
    bytes(span.body, 11, event);
  }

  std::string hex(int digits) {
    std::string out;
    while (digits-- > 0) out += "0123456789abcdef"[random_.below(16)];
    return out;
  }

  /// One Export request of what a pod has collected.
  template <size_t N>
  static std::string wrap(const std::string& resource, std::array<std::string, N>& scopes) {
    std::string group, request;
    bytes(group, 1, resource);
    for (size_t i = 0; i < N; ++i) {
      if (scopes[i].empty()) continue;
      std::string scope, with_scope;
      bytes(scope, 1, kScopes[i]);
      bytes(scope, 2, "0.1.0");
      bytes(with_scope, 1, scope);
      with_scope += scopes[i];
      bytes(group, 2, with_scope);
      scopes[i].clear();
    }
    bytes(request, 1, group);
    return request;
  }

  void send_spans(Pod& pod) {
    if (pod.spans == 0) return;
    out_.spans.requests.push_back(wrap(pod.resource, pod.span_scopes));
    out_.spans.raw_bytes += out_.spans.requests.back().size();
    pod.spans = 0;
  }
  void send_logs(Pod& pod) {
    if (pod.logs == 0) return;
    out_.logs.requests.push_back(wrap(pod.resource, pod.log_scopes));
    out_.logs.raw_bytes += out_.logs.requests.back().size();
    pod.logs = 0;
  }

  static constexpr std::array<const char*, 4> kAgents = {
      "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
      "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
      "Gecko)",
      "python-httpx/0.28.1", "okhttp/5.3.0"};

  Random random_;
  int64_t end_ns_;
  std::vector<Pod> pods_;
  Pod* pod_ = nullptr;
  uint64_t trace_[2] = {};
  int64_t now_ = 0;
  int64_t user_ = 0;
  uint64_t orders_ = 0;
  std::string client_;
  bool failed_ = false;
  ShopLoads out_;
};

}  // namespace

ShopLoads make_shop(uint64_t traces, int64_t end_ns, uint64_t seed) {
  Shop shop(end_ns, seed);
  for (uint64_t i = 0; i < traces; ++i)
    shop.trace(static_cast<double>(i) / static_cast<double>(traces));
  return shop.take();
}

}  // namespace vedette::bench
