#include "sdk/metric_sharing.h"

#include <set>
#include <unordered_map>

#include "sdk/diagnostic.h"

namespace vedette::sdk {
namespace {

struct State {
  std::recursive_mutex mutex;
  std::set<Metric*> metrics;
  std::unordered_map<std::string, Metric*> claims;  // by identity
  std::shared_ptr<MetricArena> arena;
  bool decided = false;  // whether this process is a worker has been asked
  bool refused = false;  // there is no place for an arena, or no slot in it
};

std::atomic<bool> shared{false};

State& state() {
  static auto* instance = new State;
  return *instance;
}

/// Joins the arena of the service, and takes what was counted along.
void join(State& here, const ProcessId& leader, bool create) {
  if (here.arena || here.refused) return;
  here.arena = MetricArena::open(leader, create);
  if (!here.arena) {
    here.refused = create;
    if (create) {
      complain(
          "metrics are not shared with the other processes of this service: no folder that is only "
          "this user's can be had; VEDETTE_DIR names one (mode 0700)");
    }
    return;
  }
  shared.store(true, std::memory_order_relaxed);
  for (Metric* metric : here.metrics) {
    if (metric->claims()) metric->share_all();
  }
}

void decide(State& here) {
  if (here.decided) return;
  here.decided = true;
  const ProcessId leader = service_leader();
  if (!(leader == this_process())) join(here, leader, true);
}

}  // namespace

std::unique_lock<std::recursive_mutex> Sharing::lock() {
  return std::unique_lock(state().mutex);
}

bool Sharing::has_others() {
  return shared.load(std::memory_order_relaxed);
}

bool Sharing::add(Metric* metric) {
  const auto held = lock();
  State& here = state();
  here.metrics.insert(metric);
  return here.claims.emplace(metric->identity(), metric).second;
}

void Sharing::remove(Metric* metric) {
  State& here = state();
  here.metrics.erase(metric);
  if (metric->claims()) here.claims.erase(metric->identity());
}

MetricArena* Sharing::arena() {
  State& here = state();
  decide(here);
  if (!here.arena || here.refused) return nullptr;
  if (here.arena->tenancy() || here.arena->take_slot()) return here.arena.get();
  here.refused = true;
  complain("all places for sharing metrics are taken; this process's are seen by itself alone");
  return nullptr;
}

void Sharing::before_fork() {
  const auto held = lock();
  State& here = state();
  if (here.metrics.empty()) return;
  decide(here);
  if (!here.arena && !here.refused) join(here, service_leader(), true);
}

void Sharing::after_fork_in_child() {
  const auto held = lock();
  State& here = state();
  if (here.metrics.empty() && !here.arena) {
    here.decided = false;
    return;
  }
  // Without an arena the parent's counts stay: whoever forks in C alone, below Python, comes here
  // with a parent that has not shared.
  if (here.refused && !here.arena) return;
  for (Metric* metric : here.metrics) metric->forget_values();
  if (here.arena) here.arena->forget_slot();
  here.refused = false;
  here.decided = here.arena != nullptr;
}

std::shared_ptr<MetricArena> Sharing::before_scrape() {
  const auto held = lock();
  State& here = state();
  decide(here);
  if (!here.arena && !here.refused) join(here, this_process(), false);
  return here.refused ? nullptr : here.arena;
}

}  // namespace vedette::sdk
