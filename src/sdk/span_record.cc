#include "sdk/span_record.h"

#include "sdk/otlp_fields.h"

namespace vedette::sdk {
namespace {

/// Memory a record keeps between two spans.
constexpr size_t kKeptBytes = 4u << 10;
constexpr size_t kKeptItems = 64;

uint32_t narrow(size_t n) {
  return static_cast<uint32_t>(n);
}

char* write_big_endian(char* at, uint64_t v) {
  v = __builtin_bswap64(v);
  std::memcpy(at, &v, sizeof v);
  return at + sizeof v;
}

}  // namespace

bool SpanRecord::begin_attribute(const AttributeKey& key, Open* open) {
  const KeyFacts& facts = key.facts();
  const std::string_view text = key.text();
  if (facts.kind == KeyKind::kSecret) {
    set_string(key, kHidden, SpanLimits());
    return false;
  }
  if (full(text.size() + 32)) {
    ++dropped_attributes_;
    return false;
  }
  open->start = body_.size();
  open->message = body_.begin_message(otlp::Span::kAttributes);
  body_.bytes_field(otlp::KeyValue::kKey, text);
  open->key_size = narrow(text.size());
  open->key_at = narrow(body_.size() - text.size() - open->message);
  open->hash = facts.hash;
  return true;
}

void SpanRecord::end_attribute(const Open& open, const SpanLimits& limits) {
  if (body_.failed() || body_.size() > kSpanBytesMax) {
    body_.truncate(open.start);
    ++dropped_attributes_;
    return;
  }
  const size_t length = body_.size() - open.message;
  body_.end_message(open.message);
  const size_t message = body_.size() - length;
  settle_attribute({narrow(open.start), narrow(message), narrow(body_.size()),
                    narrow(message + open.key_at), open.key_size, kAttribute, open.hash},
                   limits);
}

/// Writes all but the value, whose `value_size` bytes belong where this points to; null: dropped.
char* SpanRecord::begin_scalar(const AttributeKey& key, size_t value_size, Item* item) {
  const std::string_view text = key.text();
  const size_t size =
      1 + varint_size(text.size()) + text.size() + 1 + varint_size(value_size) + value_size;
  char* at = full(size) ? nullptr : body_.room(size + 6);
  if (!at) {
    ++dropped_attributes_;
    return nullptr;
  }
  const char* const begin = body_.data();
  item->start = narrow(body_.size());
  at = write_varint(at, tag(otlp::Span::kAttributes, WireType::kBytes));
  at = write_varint(at, size);
  item->message = narrow(static_cast<size_t>(at - begin));
  item->end = narrow(item->message + size);
  at = write_bytes_field(at, otlp::KeyValue::kKey, text);
  item->key_at = narrow(static_cast<size_t>(at - begin) - text.size());
  item->key_size = narrow(text.size());
  item->kind = kAttribute;
  item->hash = key.facts().hash;
  body_.advance_to(begin + item->end);
  at = write_varint(at, tag(otlp::KeyValue::kValue, WireType::kBytes));
  return write_varint(at, value_size);
}

void SpanRecord::set_string(const AttributeKey& key, std::string_view value,
                            const SpanLimits& limits) {
  std::string kept;
  if (key.facts().masks) value = masked_text(key.facts().kind, value, kept);
  Item item;
  if (char* at = begin_scalar(key, 1 + varint_size(value.size()) + value.size(), &item)) {
    write_bytes_field(at, otlp::AnyValue::kString, value);
    settle_attribute(item, limits);
  }
}

void SpanRecord::set_int(const AttributeKey& key, int64_t value, const SpanLimits& limits) {
  if (key.facts().kind == KeyKind::kSecret) return set_string(key, kHidden, limits);
  const auto bits = static_cast<uint64_t>(value);
  Item item;
  if (char* at = begin_scalar(key, 1 + varint_size(bits), &item)) {
    write_varint_field(at, otlp::AnyValue::kInt, bits);
    settle_attribute(item, limits);
  }
}

void SpanRecord::set_double(const AttributeKey& key, double value, const SpanLimits& limits) {
  Item item;
  if (char* at = begin_scalar(key, 9, &item)) {
    write_fixed64_field(at, otlp::AnyValue::kDouble, std::bit_cast<uint64_t>(value));
    settle_attribute(item, limits);
  }
}

void SpanRecord::set_bool(const AttributeKey& key, bool value, const SpanLimits& limits) {
  Item item;
  if (char* at = begin_scalar(key, 2, &item)) {
    write_varint_field(at, otlp::AnyValue::kBool, value);
    settle_attribute(item, limits);
  }
}

bool SpanRecord::copy(const SpanRecord& prepared, const SpanLimits& limits) {
  if (body_.size() || prepared.attributes_ > limits.attributes ||
      limits.span_attribute_length != kUnlimited) {
    return false;
  }
  body_.raw(prepared.body_.view());
  if (body_.failed()) return false;
  items_.assign(prepared.items_.begin(), prepared.items_.end());
  dead_bytes_ = prepared.dead_bytes_;
  seen_ = prepared.seen_;
  attributes_ = prepared.attributes_;
  return true;
}

/// Takes the former value of the same key away, if there is one.
bool SpanRecord::replace(const Item& item) {
  const uint64_t bit = uint64_t{1} << (item.hash & 63);
  if (!(seen_ & bit)) {
    seen_ |= bit;
    return false;
  }
  const char* key = body_.data() + item.key_at;
  for (Item& other : items_) {
    if (other.kind == kAttribute && other.hash == item.hash && other.key_size == item.key_size &&
        std::memcmp(body_.data() + other.key_at, key, item.key_size) == 0) {
      kill(other);
      return true;
    }
  }
  return false;
}

void SpanRecord::settle_attribute(const Item& item, const SpanLimits& limits) {
  if (!replace(item)) {
    if (limits.attributes == 0) {
      body_.truncate(item.start);
      ++dropped_attributes_;
      return;
    }
    if (attributes_ >= limits.attributes) {
      kill_oldest(kAttribute);
      ++dropped_attributes_;
    } else {
      ++attributes_;
    }
  }
  add(item);
}

void SpanRecord::add(const Item& item) {
  items_.push_back(item);
  if (dead_bytes_ > kKeptBytes && dead_bytes_ > body_.size() / 2) compact();
}

// An attribute set over and over must not fill the span with its former values.
void SpanRecord::compact() {
  size_t to = 0;
  size_t kept = 0;
  for (Item item : items_) {
    if (item.kind == kDead) continue;
    const uint32_t shift = item.start - narrow(to);
    std::memmove(body_.data() + to, body_.data() + item.start, item.end - item.start);
    to += item.end - item.start;
    item.start -= shift;
    item.message -= shift;
    item.end -= shift;
    item.key_at -= shift;
    items_[kept++] = item;
  }
  items_.resize(kept);
  body_.truncate(to);
  dead_bytes_ = 0;
}

void SpanRecord::kill(Item& item) {
  dead_bytes_ += item.end - item.start;
  item.kind = kDead;
}

void SpanRecord::kill_oldest(ItemKind kind) {
  for (Item& item : items_) {
    if (item.kind != kind) continue;
    kill(item);
    return;
  }
}

void SpanRecord::add_item(uint32_t field, std::string_view message, ItemKind kind, uint32_t limit,
                          uint32_t* count, uint32_t* dropped) {
  if (limit == 0 || full(message.size() + 16)) {
    ++*dropped;
    return;
  }
  if (*count >= limit) {
    kill_oldest(kind);
    ++*dropped;
  } else {
    ++*count;
  }
  const size_t start = body_.size();
  body_.bytes_field(field, message);
  add({narrow(start), narrow(body_.size() - message.size()), narrow(body_.size()), 0, 0, kind, 0});
}

void SpanRecord::add_event(std::string_view message, const SpanLimits& limits) {
  add_item(otlp::Span::kEvents, message, kEvent, limits.events, &events_, &dropped_events_);
}

void SpanRecord::add_link(std::string_view message, const SpanLimits& limits) {
  add_item(otlp::Span::kLinks, message, kLink, limits.links, &links_, &dropped_links_);
}

size_t SpanRecord::encoded_size(const SpanHead& head, std::string_view name,
                                std::string_view trace_state,
                                std::string_view status_message) const {
  size_t size = 2 + 16 + 2 + 8;  // ids
  if (head.parent_id) size += 2 + 8;
  size += 1 + varint_size(name.size()) + name.size() + 2 + 9 + 9;  // name, kind, times
  if (!trace_state.empty()) size += 1 + varint_size(trace_state.size()) + trace_state.size();
  size += body_.size() - dead_bytes_;
  for (uint32_t dropped : {dropped_attributes_, dropped_events_, dropped_links_}) {
    if (dropped) size += 1 + varint_size(dropped);
  }
  size_t status = head.status ? 2 : 0;
  if (!status_message.empty()) {
    status += 1 + varint_size(status_message.size()) + status_message.size();
  }
  if (status) size += 1 + varint_size(status) + status;
  return size + 2 + 4;  // flags: field 16 needs a two-byte tag
}

void SpanRecord::encode(char* at, const SpanHead& head, std::string_view name,
                        std::string_view trace_state, std::string_view status_message) const {
  using F = otlp::Span;
  at = write_varint(at, tag(F::kTraceId, WireType::kBytes));
  *at++ = 16;
  at = write_big_endian(at, head.trace_id.high);
  at = write_big_endian(at, head.trace_id.low);
  at = write_varint(at, tag(F::kSpanId, WireType::kBytes));
  *at++ = 8;
  at = write_big_endian(at, head.span_id);
  if (head.parent_id) {
    at = write_varint(at, tag(F::kParentSpanId, WireType::kBytes));
    *at++ = 8;
    at = write_big_endian(at, head.parent_id);
  }
  if (!trace_state.empty()) at = write_bytes_field(at, F::kTraceState, trace_state);
  at = write_bytes_field(at, F::kName, name);
  at = write_varint_field(at, F::kKind, head.kind);
  at = write_fixed64_field(at, F::kStart, static_cast<uint64_t>(head.start_ns));
  at = write_fixed64_field(at, F::kEnd, static_cast<uint64_t>(head.end_ns));

  if (dead_bytes_ == 0) {
    at = write_raw(at, body_.view());
  } else {
    for (const Item& item : items_) {
      if (item.kind == kDead) continue;
      at = write_raw(at, body_.view().substr(item.start, item.end - item.start));
    }
  }
  if (dropped_attributes_) at = write_varint_field(at, F::kDroppedAttributes, dropped_attributes_);
  if (dropped_events_) at = write_varint_field(at, F::kDroppedEvents, dropped_events_);
  if (dropped_links_) at = write_varint_field(at, F::kDroppedLinks, dropped_links_);

  size_t status = head.status ? 2 : 0;
  if (!status_message.empty()) {
    status += 1 + varint_size(status_message.size()) + status_message.size();
  }
  if (status) {
    at = write_varint(at, tag(F::kStatus, WireType::kBytes));
    at = write_varint(at, status);
    if (!status_message.empty()) at = write_bytes_field(at, otlp::Status::kMessage, status_message);
    if (head.status) at = write_varint_field(at, otlp::Status::kCode, head.status);
  }
  // SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK and SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK.
  const uint32_t flags = head.trace_flags | 0x100u | (head.parent_remote ? 0x200u : 0u);
  write_fixed32_field(at, F::kFlags, flags);
}

void SpanRecord::reset() {
  body_.clear();
  body_.shrink(kKeptBytes);
  items_.clear();
  if (items_.capacity() > kKeptItems) std::vector<Item>().swap(items_);
  dead_bytes_ = 0;
  seen_ = 0;
  attributes_ = events_ = links_ = 0;
  dropped_attributes_ = dropped_events_ = dropped_links_ = 0;
}

}  // namespace vedette::sdk
