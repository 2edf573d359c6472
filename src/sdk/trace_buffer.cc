#include "sdk/trace_buffer.h"

#include <pthread.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "sdk/otlp_fields.h"
#include "sdk/probability.h"
#include "sdk/proto_buffer.h"
#include "sdk/span_bytes.h"

namespace vedette::sdk {
namespace {

constexpr size_t kBuckets = 1024;
constexpr size_t kFreeMax = 64;

/// A span that waits: one piece of memory, so that shedding one frees exactly that.
struct Waiting {
  Waiting* next;
  uint64_t span_id;
  uint64_t parent_id;
  uint32_t source;
  uint32_t size;
  bool stripped;

  char* data() { return reinterpret_cast<char*>(this + 1); }
  std::string_view bytes() { return {data(), size}; }
};

/// What it takes, the allocator's own share included.
size_t cost_of(size_t size) {
  return sizeof(Waiting) + size + 16;
}

/// With the bytes in it, all else not yet set; null when memory is short.
Waiting* allocate(std::string_view bytes) {
  auto* made = static_cast<Waiting*>(std::malloc(sizeof(Waiting) + bytes.size()));
  if (!made) return nullptr;
  made->size = static_cast<uint32_t>(bytes.size());
  std::memcpy(made->data(), bytes.data(), bytes.size());
  return made;
}

struct OpenSpan {
  uint64_t span_id;
  uint64_t parent_id;
};

std::vector<TraceBuffer*>& all_buffers() {
  static auto* all = new std::vector<TraceBuffer*>;
  return *all;
}
std::mutex& all_mutex() {
  static auto* mutex = new std::mutex;
  return *mutex;
}

bool contains(const std::vector<uint64_t>& ids, uint64_t id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

}  // namespace

struct LocalTrace {
  enum State : uint8_t { kWaits, kIsSent, kIsDropped };

  TraceId id;
  uint64_t root_id = 0;
  State state = kWaits;
  bool sampled = false;
  bool failed = false;
  bool root_open = false;
  uint32_t holders = 0;  // spans that were started and not yet released
  int64_t since = 0;     // when what waits began to wait, or the failure
  std::string trace_state;
  std::string more;  // the encoded trace_state field; made with the first span that is sent
  std::shared_ptr<SpanSink> sink;
  std::vector<OpenSpan> open;
  Waiting* first = nullptr;
  Waiting* last = nullptr;
  void* list = nullptr;
  LocalTrace* previous = nullptr;
  LocalTrace* next = nullptr;
  LocalTrace* chain = nullptr;  // of the bucket

  size_t bucket() const { return (id.low ^ id.high) % kBuckets; }
  bool has_open_child(uint64_t span_id) const {
    return std::any_of(open.begin(), open.end(),
                       [&](const OpenSpan& one) { return one.parent_id == span_id; });
  }
  /// The waiting spans that open ones descend from.
  std::vector<uint64_t> ancestors() const {
    std::vector<uint64_t> wanted;
    for (const OpenSpan& one : open) wanted.push_back(one.parent_id);
    std::vector<uint64_t> found;
    for (bool more_found = true; more_found;) {
      more_found = false;
      for (Waiting* span = first; span; span = span->next) {
        if (!contains(wanted, span->span_id) || contains(found, span->span_id)) continue;
        found.push_back(span->span_id);
        wanted.push_back(span->parent_id);
        more_found = true;
      }
    }
    return found;
  }
};

TraceBuffer::TraceBuffer(TraceBufferOptions options) : options_(options), buckets_(kBuckets) {
  const std::lock_guard lock(all_mutex());
  static const int hooked =
      pthread_atfork([] { all_mutex().lock(); }, [] { all_mutex().unlock(); }, reset_in_child);
  static_cast<void>(hooked);
  all_buffers().push_back(this);
}

TraceBuffer::~TraceBuffer() {
  {
    const std::lock_guard lock(all_mutex());
    std::erase(all_buffers(), this);
  }
  for (LocalTrace* trace : buckets_) {
    while (trace) {
      LocalTrace* after = trace->chain;
      free_waiting(trace);
      delete trace;
      trace = after;
    }
  }
  for (LocalTrace* trace : free_) delete trace;
}

// What waited belongs to the parent, which sends it. Spans that are open now may end here as well.
void TraceBuffer::reset_in_child() {
  for (TraceBuffer* buffer : all_buffers()) {
    [[maybe_unused]] auto* left = buffer->mutex_.release();  // another thread may have held it
    buffer->mutex_ = std::make_unique<std::mutex>();
    for (LocalTrace* trace : buffer->buckets_) {
      for (; trace; trace = trace->chain) buffer->free_waiting(trace);
    }
    buffer->stats_ = {};
  }
  all_mutex().unlock();
}

// ---- traces

LocalTrace* TraceBuffer::start_root(const TraceId& id, uint64_t span_id, bool sampled,
                                    std::string_view trace_state, std::shared_ptr<SpanSink> sink) {
  const std::lock_guard lock(*mutex_);
  LocalTrace* trace = nullptr;
  if (free_.empty()) {
    trace = new LocalTrace;
  } else {
    trace = free_.back();
    free_.pop_back();
  }
  trace->id = id;
  trace->root_id = span_id;
  trace->state = LocalTrace::kWaits;
  trace->sampled = sampled;
  trace->failed = false;
  trace->root_open = true;
  trace->holders = 1;
  trace->trace_state = trace_state;
  trace->sink = std::move(sink);
  trace->open.push_back({span_id, 0});
  LocalTrace*& bucket = buckets_[trace->bucket()];
  trace->chain = bucket;
  bucket = trace;
  return trace;
}

void TraceBuffer::start_child(LocalTrace* trace, uint64_t span_id, uint64_t parent_id) {
  const std::lock_guard lock(*mutex_);
  ++trace->holders;
  trace->open.push_back({span_id, parent_id});
}

LocalTrace* TraceBuffer::join(const TraceId& id, uint64_t span_id, uint64_t parent_id) {
  const std::lock_guard lock(*mutex_);
  LocalTrace* trace = buckets_[(id.low ^ id.high) % kBuckets];
  while (trace && (trace->id.low != id.low || trace->id.high != id.high)) trace = trace->chain;
  if (!trace) return nullptr;
  ++trace->holders;
  trace->open.push_back({span_id, parent_id});
  return trace;
}

bool TraceBuffer::is_sampled(const LocalTrace* trace) const {
  return trace->sampled;  // fixed from its start
}

void TraceBuffer::close_span(LocalTrace* trace, uint64_t span_id) {
  for (size_t i = trace->open.size(); i-- > 0;) {  // most often the newest
    if (trace->open[i].span_id != span_id) continue;
    trace->open[i] = trace->open.back();
    trace->open.pop_back();
    return;
  }
}

void TraceBuffer::end(LocalTrace* trace, const EndedSpan& span, int64_t now) {
  const std::lock_guard lock(*mutex_);
  sweep(now);
  ++stats_.ended;
  const bool is_root = span.span_id == trace->root_id;
  if (trace->state == LocalTrace::kIsSent && trace->root_open &&
      now - trace->since > options_.window_ns) {
    // A root that never ends begins anew: one failure must not send its spans for ever.
    trace->state = LocalTrace::kWaits;
    trace->failed = false;
    trace->more.clear();
  }
  if (span.failed || (is_root && span.duration_ns >= options_.slow_ns)) {
    trace->failed = true;
    if (trace->state != LocalTrace::kIsSent) {
      trace->since = now;
      trace->state = LocalTrace::kIsSent;
      trace->more.clear();
      send_waiting(trace);
    }
  }
  if (is_root) {
    trace->root_open = false;
    if (trace->state == LocalTrace::kWaits) decide(trace);
  }
  if (trace->state == LocalTrace::kWaits) {
    store(trace, span, now);
  } else if (trace->state == LocalTrace::kIsSent) {
    send(trace, span.source, span.bytes);
  } else {
    ++stats_.unsampled;
  }
  close_span(trace, span.span_id);  // until here what it descends from is not shed
}

void TraceBuffer::release(LocalTrace* trace, uint64_t span_id) {
  const std::lock_guard lock(*mutex_);
  close_span(trace, span_id);
  if (span_id == trace->root_id && trace->root_open) {  // thrown away without an end
    trace->root_open = false;
    if (trace->state == LocalTrace::kWaits) decide(trace);
  }
  if (--trace->holders == 0) recycle(trace);
}

void TraceBuffer::decide(LocalTrace* trace) {
  if (trace->sampled) {
    trace->state = LocalTrace::kIsSent;
    send_waiting(trace);
  } else {
    trace->state = LocalTrace::kIsDropped;
    drop_waiting(trace, &stats_.unsampled);
  }
}

void TraceBuffer::recycle(LocalTrace* trace) {
  if (trace->state == LocalTrace::kWaits) decide(trace);
  LocalTrace** at = &buckets_[trace->bucket()];
  while (*at != trace) at = &(*at)->chain;
  *at = trace->chain;
  trace->chain = nullptr;
  trace->sink.reset();
  trace->open.clear();
  trace->more.clear();
  if (free_.size() < kFreeMax) {
    free_.push_back(trace);
  } else {
    delete trace;
  }
}

void TraceBuffer::flush() {
  const std::lock_guard lock(*mutex_);
  while (LocalTrace* trace = sampled_.first) {
    trace->state = LocalTrace::kIsSent;
    send_waiting(trace);
  }
}

void TraceBuffer::close() {
  flush();
  const std::lock_guard lock(*mutex_);
  for (const List* list : {&healthy_, &bare_, &stripped_}) {
    while (LocalTrace* trace = list->first) drop_waiting(trace, &stats_.unsampled);
  }
}

TraceBufferStats TraceBuffer::stats() const {
  const std::lock_guard lock(*mutex_);
  TraceBufferStats now = stats_;
  now.bytes = bytes_;
  return now;
}

// ---- spans

void TraceBuffer::send(LocalTrace* trace, uint32_t source, std::string_view bytes) {
  if (trace->more.empty()) {
    const std::string state =
        trace->failed ? with_threshold(trace->trace_state, 0) : trace->trace_state;
    if (!state.empty()) {
      trace->more.resize(state.size() + 8);
      char* end = write_bytes_field(trace->more.data(), otlp::Span::kTraceState, state);
      trace->more.resize(static_cast<size_t>(end - trace->more.data()));
    }
  }
  if (!trace->sink->send(source, bytes, trace->more, trace->failed)) {
    ++stats_.refused;
  } else {
    ++(trace->failed ? stats_.failed : stats_.sampled);
  }
}

void TraceBuffer::send_waiting(LocalTrace* trace) {
  for (Waiting* span = trace->first; span; span = span->next) {
    send(trace, span->source, span->bytes());
  }
  free_waiting(trace);
}

void TraceBuffer::drop_waiting(LocalTrace* trace, uint64_t* count) {
  for (Waiting* span = trace->first; span; span = span->next) ++*count;
  free_waiting(trace);
}

void TraceBuffer::free_waiting(LocalTrace* trace) {
  unlink(trace);
  for (Waiting* span = trace->first; span;) {
    Waiting* after = span->next;
    bytes_ -= cost_of(span->size);
    --stats_.waiting;
    std::free(span);
    span = after;
  }
  trace->first = trace->last = nullptr;
}

void TraceBuffer::store(LocalTrace* trace, const EndedSpan& span, int64_t now) {
  std::string stripped;
  std::string_view bytes = span.bytes;
  bool room = make_room(cost_of(bytes.size()));
  const bool is_ancestor = !room && trace->has_open_child(span.span_id);
  if (is_ancestor) {
    stripped = without_detail(bytes);
    bytes = stripped;
    room = make_room(cost_of(bytes.size()));
  }
  // Making room may have sent this very trace.
  if (trace->state == LocalTrace::kIsSent) return send(trace, span.source, bytes);
  Waiting* made = room ? allocate(bytes) : nullptr;
  if (!made) {
    if (is_ancestor) return send(trace, span.source, bytes);
    ++stats_.shed;
    return;
  }
  made->next = nullptr;
  made->span_id = span.span_id;
  made->parent_id = span.parent_id;
  made->source = span.source;
  made->stripped = !stripped.empty();
  bytes_ += cost_of(bytes.size());
  ++stats_.waiting;
  if (!stripped.empty()) ++stats_.stripped;
  if (trace->last) {
    trace->last->next = made;
  } else {
    trace->first = made;
    trace->since = now;
  }
  trace->last = made;
  List& list = trace->sampled ? sampled_ : healthy_;
  if (trace->list == &list) return;
  unlink(trace);
  link(list, trace);
}

// Each step gives memory back or moves a trace one list further, so this ends.
bool TraceBuffer::make_room(size_t needed) {
  while (bytes_ + needed > options_.bytes_max) {
    if (LocalTrace* trace = sampled_.first) {
      trace->state = LocalTrace::kIsSent;
      send_waiting(trace);
    } else if (LocalTrace* oldest = healthy_.first) {
      shed(oldest);
    } else if (bare_.first) {
      strip(bare_.first);
    } else {
      return false;
    }
  }
  return true;
}

void TraceBuffer::shed(LocalTrace* trace) {
  const std::vector<uint64_t> kept = trace->ancestors();
  Waiting** at = &trace->first;
  trace->last = nullptr;
  while (Waiting* span = *at) {
    if (contains(kept, span->span_id)) {
      trace->last = span;
      at = &span->next;
      continue;
    }
    *at = span->next;
    bytes_ -= cost_of(span->size);
    --stats_.waiting;
    ++stats_.shed;
    std::free(span);
  }
  unlink(trace);
  if (trace->first) link(bare_, trace);
}

void TraceBuffer::strip(LocalTrace* trace) {
  for (Waiting** at = &trace->first; *at; at = &(*at)->next) {
    Waiting* span = *at;
    if (span->stripped) continue;
    span->stripped = true;
    ++stats_.stripped;
    const std::string less = without_detail(span->bytes());
    Waiting* smaller = less.size() < span->size ? allocate(less) : nullptr;
    if (!smaller) continue;
    bytes_ -= span->size - less.size();
    const uint32_t size = smaller->size;
    std::memcpy(smaller, span, sizeof *span);
    smaller->size = size;
    if (trace->last == span) trace->last = smaller;
    *at = smaller;
    std::free(span);
  }
  unlink(trace);
  link(stripped_, trace);
}

void TraceBuffer::sweep(int64_t now) {
  while (sampled_.first && now - sampled_.first->since > options_.window_ns) {
    send_waiting(sampled_.first);
  }
  for (const List* list : {&healthy_, &bare_, &stripped_}) {
    while (list->first && now - list->first->since > options_.window_ns) {
      drop_waiting(list->first, &stats_.unsampled);
    }
  }
}

// ---- lists

void TraceBuffer::link(List& list, LocalTrace* trace) {
  trace->list = &list;
  trace->previous = list.last;
  trace->next = nullptr;
  (list.last ? list.last->next : list.first) = trace;
  list.last = trace;
}

void TraceBuffer::unlink(LocalTrace* trace) {
  if (!trace->list) return;
  auto* list = static_cast<List*>(trace->list);
  (trace->previous ? trace->previous->next : list->first) = trace->next;
  (trace->next ? trace->next->previous : list->last) = trace->previous;
  trace->list = nullptr;
  trace->previous = trace->next = nullptr;
}

}  // namespace vedette::sdk
