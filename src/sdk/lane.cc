#include <atomic>
#include <map>

#include "sdk/backoff.h"
#include "sdk/diagnostic.h"
#include "sdk/export_thread.h"
#include "sdk/ids.h"
#include "sdk/lane_batch.h"
#include "sdk/notices.h"
#include "sdk/transport.h"

namespace vedette::sdk {
namespace {

constexpr int64_t kMillisecond = 1'000'000;
constexpr int64_t kSecond = 1000 * kMillisecond;
constexpr int64_t kGiveUpAfter = 300 * kSecond;
/// A request is closed before it grows beyond this, whatever the number of its items.
constexpr size_t kRequestBytesMax = 8u << 20;
/// What a request has besides its records: an item's tag and length; resource and scope.
constexpr size_t kItemOverhead = 6;
constexpr size_t kRequestOverhead = 1024;

const char* noun(Signal signal) {
  switch (signal) {
    case Signal::kTraces:
      return "spans";
    case Signal::kMetrics:
      return "points of metrics";
    case Signal::kLogs:
      break;
  }
  return "log records";
}

}  // namespace

struct Lane::Work {
  explicit Work(const Endpoint& endpoint) : transport(Transport::make(endpoint)) {}

  std::unique_ptr<Transport> transport;
  std::string batch;  // an encoded request not yet taken by the server
  uint64_t batch_items = 0;
  int64_t first_attempt = 0;
  int64_t retry_at = 0;
  Backoff backoff;
  int64_t due = 0;  // when what is pending must go; 0: not set
  bool unreachable = false;
  std::string cause;  // of the last failure; empty: the last attempt was good
  Notices notices;
  uint64_t full_said = 0;
};

Lane::Lane(BatchOptions options, Endpoint endpoint, WaitLimits* limits)
    : options_(options),
      endpoint_(std::move(endpoint)),
      limits_(limits),
      ring_(std::make_unique<Ring>(options.queue_bytes)),
      work_(std::make_unique<Work>(endpoint_)) {
  work_->transport->obey(limits_);
}

Lane::~Lane() = default;

char* Lane::reserve(size_t size, uint32_t source, uint64_t items) {
  const bool room = !shut_.load(std::memory_order_relaxed) &&
                    (options_.queue_items == 0 ||
                     pending_.load(std::memory_order_relaxed) < options_.queue_items);
  char* record = room ? ring_->reserve(size, source) : nullptr;
  if (!record) dropped_full_.fetch_add(items, std::memory_order_relaxed);
  return record;
}

bool Lane::commit(char* record, uint64_t items) {
  Ring::commit(record);
  queued_.fetch_add(items, std::memory_order_relaxed);
  const uint64_t pending = pending_.fetch_add(1, std::memory_order_acq_rel) + 1;
  return pending == 1 || pending == options_.batch_items;
}

LaneStats Lane::stats() const {
  return {pending_.load(),      queued_.load(),         sent_.load(),
          dropped_full_.load(), dropped_failed_.load(), rejected_.load()};
}

bool Lane::crowded() const {
  return ring_->bytes_used() > ring_->capacity() / 4 * 3 ||
         (options_.queue_items &&
          pending_.load(std::memory_order_relaxed) > options_.queue_items / 4 * 3);
}

bool Lane::idle() const {
  return work_->batch.empty() && pending_.load() == 0;
}

bool Lane::unreachable() const {
  return !work_->batch.empty() && work_->unreachable;
}

/// Does what is due, at most one request; returns when to come again (INT64_MAX: when nudged).
int64_t Lane::step(int64_t now, bool urgent) {
  Work& work = *work_;
  if (!work.batch.empty()) {
    if (now < work.retry_at) return work.retry_at;
    attempt(now);
    return work.batch.empty() ? now : work.retry_at;
  }
  const uint64_t pending = pending_.load(std::memory_order_acquire);
  if (dropped_full_.load(std::memory_order_relaxed) != work.full_said) report_full(now);
  if (pending == 0) {
    work.due = 0;
    return INT64_MAX;
  }
  if (work.due == 0) work.due = now + options_.delay.count() * kMillisecond;
  if (!urgent && pending < options_.batch_items && now < work.due) return work.due;
  build_batch();
  work.due = 0;
  // A record that is being written right now: a moment later it is there.
  if (work.batch.empty()) return now + kMillisecond;
  work.first_attempt = now;
  attempt(now);
  return work.batch.empty() ? now : work.retry_at;
}

void Lane::build_batch() {
  Work& work = *work_;
  std::map<uint32_t, std::string> items;  // by source
  size_t bytes = 0;
  Ring::Record record;
  uint64_t taken = 0;
  while (taken < options_.batch_items && ring_->peek(&record)) {
    const uint64_t here = items_in(record.bytes);
    const size_t size = record.bytes.size() + kItemOverhead;
    const bool alone_too_large = size + kRequestOverhead > request_bytes_max();
    if (!alone_too_large && bytes + size + kRequestOverhead > request_bytes_max()) break;
    if (alone_too_large) {
      drop_too_large(size, here);
    } else {
      append_item(items[record.source], record.bytes);
      bytes += size;
      work.batch_items += here;
    }
    ++taken;
    ring_->pop();
  }
  pending_.fetch_sub(taken, std::memory_order_acq_rel);
  work.batch = encode_request(items);
}

uint64_t Lane::items_in(std::string_view record) const {
  return endpoint_.signal == Signal::kMetrics ? points_of_metric(record) : 1;
}

size_t Lane::request_bytes_max() const {
  const size_t wished = options_.request_bytes_max;
  return wished ? std::min(wished, kRequestBytesMax) : kRequestBytesMax;
}

void Lane::drop_too_large(size_t size, uint64_t items) {
  dropped_failed_.fetch_add(items, std::memory_order_relaxed);
  const std::string why =
      "larger than a request may be (" + std::to_string(request_bytes_max()) + " bytes)";
  work_->notices.say(why, monotonic_now(),
                     "one of the " + std::string(noun(endpoint_.signal)) + " for " +
                         endpoint_.url() + " lost: with " + std::to_string(size) + " bytes it is " +
                         why);
}

void Lane::attempt(int64_t now) {
  Work& work = *work_;
  const SendResult result =
      work.transport->send(work.batch, now + endpoint_.timeout.count() * kMillisecond);
  if (keep_operations_.load(std::memory_order_relaxed)) {
    keep_operation(monotonic_now() - now, result);
  }
  if (result.kind != SendResult::Kind::kSent) return attempt_failed(result, now);
  const uint64_t rejected = std::min(result.rejected, work.batch_items);
  sent_.fetch_add(work.batch_items - rejected, std::memory_order_relaxed);
  if (rejected || !result.message.empty()) {
    rejected_.fetch_add(rejected, std::memory_order_relaxed);
    work.notices.say("rejected", now,
                     endpoint_.url() + " rejected " + std::to_string(rejected) + " " +
                         noun(endpoint_.signal) + ": " + result.message);
  }
  if (!work.cause.empty()) {
    work.notices.say("again", now,
                     std::string(noun(endpoint_.signal)) + " reach " + endpoint_.url() + " again");
    work.cause.clear();
  }
  work.batch.clear();
  if (work.batch.capacity() > (1u << 20)) work.batch.shrink_to_fit();
  work.batch_items = 0;
  work.backoff.reset();
  work.unreachable = false;
}

void Lane::keep_operation(int64_t ns, const SendResult& result) {
  constexpr size_t kKept = 1000;
  const std::string error(result.kind == SendResult::Kind::kSent ? "" : kind_of(result.message));
  const std::lock_guard lock(operations_mutex_);
  if (operations_.size() == kKept) operations_.erase(operations_.begin());
  operations_.push_back({static_cast<double>(ns) / kSecond, error});
}

std::vector<Operation> Lane::take_operations() {
  keep_operations_ = true;
  const std::lock_guard lock(operations_mutex_);
  return std::exchange(operations_, {});
}

void Lane::attempt_failed(const SendResult& result, int64_t began) {
  Work& work = *work_;
  const int64_t now = monotonic_now();
  work.cause = result.message;
  if (result.kind == SendResult::Kind::kRefused) {
    return give_up(result.message + ", which a retry would not change", now);
  }
  if (now - work.first_attempt > kGiveUpAfter) {
    return give_up(result.message + ", for 5 minutes", now);
  }
  work.unreachable = !result.connected;
  work.notices.say(result.message, now,
                   "cannot send " + std::string(noun(endpoint_.signal)) + " to " + endpoint_.url() +
                       ": " + result.message + "; keeping up to " +
                       std::to_string(ring_->capacity() >> 20) + " MiB and trying again");
  const int64_t wished = result.retry_after.count() * kMillisecond;
  work.retry_at = work.backoff.next(began, now, wished, random_id());
}

void Lane::retry_now() {
  work_->retry_at = 0;
  work_->backoff.reset();
}

void Lane::give_up(std::string_view why, int64_t now) {
  Work& work = *work_;
  dropped_failed_.fetch_add(work.batch_items, std::memory_order_relaxed);
  work.notices.say("lost by " + work.cause, now,
                   std::to_string(work.batch_items) + " " + noun(endpoint_.signal) + " for " +
                       endpoint_.url() + " lost: " + std::string(why));
  work.batch.clear();
  work.batch_items = 0;
  work.backoff.reset();
}

void Lane::report_full(int64_t now) {
  if (shut_.load()) return;
  const uint64_t dropped = dropped_full_.load(std::memory_order_relaxed);
  const std::string text = "the queue for " + endpoint_.url() + " is full: newest dropped, " +
                           std::to_string(dropped) + " " + noun(endpoint_.signal) + " so far";
  if (work_->notices.say("full", now, text)) work_->full_said = dropped;
}

/// At the end: what did not get through is lost, and said.
void Lane::drop_rest() {
  Work& work = *work_;
  work.transport->close();
  uint64_t lost = work.batch_items;
  Ring::Record record;
  while (ring_->peek(&record)) {
    lost += items_in(record.bytes);
    ring_->pop();
    pending_.fetch_sub(1, std::memory_order_acq_rel);
  }
  work.batch.clear();
  work.batch_items = 0;
  if (lost == 0) return;
  dropped_failed_.fetch_add(lost, std::memory_order_relaxed);
  complain("stopping: " + std::to_string(lost) + " " + noun(endpoint_.signal) + " for " +
           endpoint_.url() + " lost" + (work.cause.empty() ? "" : ": " + work.cause));
}

void Lane::reset_in_child() {
  work_->transport->abandon();
  // The parent's export thread may have been in the midst of it: leave it as it is.
  [[maybe_unused]] auto* left = work_.release();
  work_ = std::make_unique<Work>(endpoint_);
  work_->transport->obey(limits_);
  ring_ = std::make_unique<Ring>(options_.queue_bytes);
  new (&operations_mutex_) std::mutex;
  new (&operations_) std::vector<Operation>;
  for (auto* count : {&pending_, &queued_, &sent_, &dropped_full_, &dropped_failed_, &rejected_}) {
    count->store(0);
  }
}

}  // namespace vedette::sdk
