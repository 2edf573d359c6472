// The server about itself, and the targets it scrapes.
#include <unistd.h>
#include <fstream>

#include "api/answer.h"
#include "api/vedette_api.h"

namespace vedette::api {
namespace {

using base::JsonWriter;

uint64_t resident_bytes() {
  uint64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages >> pages;
  return pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

void write_facts(JsonWriter& json, const ServerFacts& facts) {
  json.field("version", facts.version);
  write_moment(json, "started_ns", facts.started_ns);
  json.field("data_dir", facts.data_dir).key("retention_ns");
  if (facts.retention_ns) {
    json.value(*facts.retention_ns);
  } else {
    json.null();
  }
  json.field("durability", facts.durability).key("listeners").begin_array();
  for (const auto& [serves, address] : facts.listeners) {
    json.begin_object().field("serves", serves).field("address", address).end_object();
  }
  json.end_array();
}

void write_store(JsonWriter& json, const store::StoreStats& stats) {
  json.field("read_only", stats.read_only).field("read_only_reason", stats.read_only_reason);
  json.key("tables").begin_array();
  for (const store::TableStats& table : stats.tables) {
    json.begin_object()
        .field("table", table.table)
        .field("rows", table.rows)
        .field("disk_bytes", table.disk_bytes);
    json.field("memory_bytes", table.memory_bytes).field("parts", table.parts).end_object();
  }
  json.end_array().field("series", stats.series);
}

}  // namespace

Answer list_targets(const VedetteApi& api, const net::Parameters&, const store::ReadContext&) {
  JsonWriter json;
  json.begin_object().key("targets").begin_array();
  for (const ScrapeTargetState& t : api.targets()) {
    json.begin_object()
        .field("job", t.job)
        .field("instance", t.instance)
        .field("url", t.url)
        .field("health", t.health);
    write_moment(json, "last_scrape_ns", t.last_scrape_ns);
    json.field("last_duration_ns", t.last_duration_ns)
        .field("last_error", t.last_error)
        .field("samples", t.samples);
    json.end_object();
  }
  json.end_array().end_object();
  return json.take();
}

Answer show_status(const VedetteApi& api, const net::Parameters&, const store::ReadContext&) {
  JsonWriter json;
  json.begin_object();
  write_facts(json, api.facts());
  write_moment(json, "time_ns", api.clock.now_ns());
  json.field("memory_bytes", resident_bytes());
  write_store(json, api.store.stats());
  json.end_object();
  return json.take();
}

}  // namespace vedette::api
