// Which metrics of this process share their values with the other processes of its service, and
// when. A process alone keeps its values to itself; it joins the arena (metric_arena.h) when it is
// a worker, when it is about to fork, or when a worker of it has made one.
//
// Of several metrics that look the same (those of registries made for a moment) the first shares.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "sdk/metric_arena.h"

namespace vedette::sdk {

class Sharing {
 public:
  /// Guards everything here and the arena. Taken before a metric's own lock.
  static std::unique_lock<std::recursive_mutex> lock();

  /// Whether the metric is the one of its identity that shares.
  static bool add(Metric* metric);
  static void remove(Metric* metric);
  /// Where new series go; null: this process keeps them. Under the lock.
  static MetricArena* arena();

  /// Whether other processes see these metrics; costs nothing to ask.
  static bool has_others();

  // All under the GIL.

  /// Before fork(): what is counted so far goes where children find it.
  static void before_fork();
  /// In the child: it starts from nothing.
  static void after_fork_in_child();
  /// Before a scrape: joins the processes that are there by now. Null: there are none.
  static std::shared_ptr<MetricArena> before_scrape();
};

}  // namespace vedette::sdk
