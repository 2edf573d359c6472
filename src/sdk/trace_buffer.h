// Sampling when the outcome is known: the spans of a local trace wait here until its local root
// ends.
//
// A local trace is a local root (no parent, or one in another process) and what descends from it in
// this process. A failure (status ERROR, an exception, HTTP 5xx) sends all of it, at once and to
// its end; so does a root that took `slow_ns`. Otherwise the decision made from the trace id at its
// start holds. What is sent for its failure says "th:0" in tracestate, since all such spans are
// sent.
//
// At most `bytes_max` wait. When there is no room, in this order: traces that are to be sent anyway
// go early; of the others spans are shed, the oldest traces first, but none that an open span
// descends from; then those lose their attributes, events and links; what then still finds no room
// is sent. A trace that waits longer than `window_ns` is decided by what is known, and begins anew:
// a root that never ends holds nothing for long.
//
// Any thread; one mutex, never held over I/O. A forked child starts empty.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "sdk/span_record.h"

namespace vedette::sdk {

/// Where spans go once they are to be sent.
class SpanSink {
 public:
  virtual ~SpanSink() = default;
  /// Queues the Span message that is `span` followed by `more`. `precious`: it is of a failed
  /// trace. False: there is no room.
  virtual bool send(uint32_t source, std::string_view span, std::string_view more,
                    bool precious) = 0;
};

struct TraceBufferOptions {
  int64_t slow_ns = INT64_MAX;
  size_t bytes_max = 8u << 20;
  int64_t window_ns = 60'000'000'000;
};

/// Spans: ended = sampled + failed + unsampled + shed + refused + waiting.
struct TraceBufferStats {
  uint64_t ended = 0;
  uint64_t sampled = 0;    // sent, as the trace id decided
  uint64_t failed = 0;     // sent, for a failure or a slow root
  uint64_t unsampled = 0;  // dropped: their trace went well, and the trace id decided against it
  uint64_t shed = 0;       // dropped before that was known, for want of room
  uint64_t refused = 0;    // the queue behind had no room
  uint64_t waiting = 0;
  uint64_t stripped = 0;  // lost their detail while they waited
  uint64_t bytes = 0;     // what waits now
};

struct LocalTrace;

/// A span that has ended. `bytes`: its Span message without trace_state.
struct EndedSpan {
  uint64_t span_id = 0;
  uint64_t parent_id = 0;
  uint32_t source = 0;
  int64_t duration_ns = 0;
  bool failed = false;
  std::string_view bytes;
};

class TraceBuffer {
 public:
  explicit TraceBuffer(TraceBufferOptions options);
  ~TraceBuffer();
  TraceBuffer(const TraceBuffer&) = delete;
  TraceBuffer& operator=(const TraceBuffer&) = delete;

  /// A local root has started. `sampled`: the decision from the trace id, or of the parent
  /// elsewhere.
  LocalTrace* start_root(const TraceId& id, uint64_t span_id, bool sampled,
                         std::string_view trace_state, std::shared_ptr<SpanSink> sink);
  /// A descendant has started; its parent's local trace is known.
  void start_child(LocalTrace* trace, uint64_t span_id, uint64_t parent_id);
  /// The same for one whose parent is known by its ids alone. Null: no such trace is here.
  LocalTrace* join(const TraceId& id, uint64_t span_id, uint64_t parent_id);
  bool is_sampled(const LocalTrace* trace) const;

  /// Each started span ends at most once, and is released exactly once, ended or not. `now`:
  /// monotonic.
  void end(LocalTrace* trace, const EndedSpan& span, int64_t now);
  void release(LocalTrace* trace, uint64_t span_id);

  /// Sends what the trace ids decided for, without waiting for the outcome.
  void flush();
  /// Decides everything by what is known.
  void close();

  TraceBufferStats stats() const;

 private:
  struct List {
    LocalTrace* first = nullptr;
    LocalTrace* last = nullptr;
  };
  void link(List& list, LocalTrace* trace);
  void unlink(LocalTrace* trace);
  void close_span(LocalTrace* trace, uint64_t span_id);
  void decide(LocalTrace* trace);
  void send_waiting(LocalTrace* trace);
  void send(LocalTrace* trace, uint32_t source, std::string_view bytes);
  void drop_waiting(LocalTrace* trace, uint64_t* count);
  void store(LocalTrace* trace, const EndedSpan& span, int64_t now);
  bool make_room(size_t needed);
  void shed(LocalTrace* trace);
  void strip(LocalTrace* trace);
  void sweep(int64_t now);
  void free_waiting(LocalTrace* trace);
  void recycle(LocalTrace* trace);
  static void reset_in_child();

  const TraceBufferOptions options_;
  mutable std::unique_ptr<std::mutex> mutex_ = std::make_unique<std::mutex>();
  List sampled_;                      // traces with waiting spans that will be sent
  List healthy_;                      // … that will be dropped unless something fails
  List bare_;                         // … of which only what open spans descend from is left
  List stripped_;                     // … without its detail
  std::vector<LocalTrace*> buckets_;  // by trace id
  std::vector<LocalTrace*> free_;
  size_t bytes_ = 0;
  TraceBufferStats stats_;
};

}  // namespace vedette::sdk
