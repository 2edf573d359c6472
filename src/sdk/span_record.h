// A span while it is recorded: its attributes, events and links are OTLP bytes from the moment they
// are set, so ending it is little more than a copy into the queue.
//
// Limits as opentelemetry-sdk has them: over the limit the oldest goes, and is counted; a key set
// again replaces its value. Owned by one thread at a time.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "sdk/proto_buffer.h"
#include "sdk/secrets.h"

namespace vedette::sdk {

constexpr uint32_t kUnlimited = ~0u;

struct SpanLimits {
  uint32_t attributes = 128;
  uint32_t events = 128;
  uint32_t links = 128;
  uint32_t event_attributes = 128;
  uint32_t link_attributes = 128;
  uint32_t attribute_length = kUnlimited;       // in events and links, code points
  uint32_t span_attribute_length = kUnlimited;  // code points
};

/// A value longer than this is cut, whatever the limits say: 50 values of 10 MB must not cost 500
/// MB.
constexpr size_t kValueBytesMax = 256u << 10;
/// What a span may hold; attributes, events and links beyond it are counted as dropped.
constexpr size_t kSpanBytesMax = 1u << 20;

struct TraceId {
  uint64_t high = 0;
  uint64_t low = 0;
  bool valid() const { return high || low; }
};

/// What a span has besides its attributes, events and links.
struct SpanHead {
  TraceId trace_id;
  uint64_t span_id = 0;
  uint64_t parent_id = 0;  // 0: a root
  int64_t start_ns = 0;
  int64_t end_ns = 0;
  uint8_t kind = 1;    // OTLP: 1 internal, 2 server, 3 client, 4 producer, 5 consumer
  uint8_t status = 0;  // OTLP: 0 unset, 1 ok, 2 error
  uint8_t trace_flags = 0;
  bool parent_remote = false;
};

class SpanRecord {
 public:
  /// Where the next attribute, event or link is to be written, as a field of the Span message.
  ProtoBuffer& body() { return body_; }

  /// Writes a field's head (tag 9, key) and leaves the value to the caller, who ends with
  /// end_attribute(). False when there is nothing to write: the span is full, or the key names a
  /// secret, whose value is hidden (sdk/secrets.h).
  struct Open {
    size_t start;
    size_t message;
    uint32_t key_at;
    uint32_t key_size;
    uint8_t hash;
  };
  bool begin_attribute(const AttributeKey& key, Open* open);
  void end_attribute(const Open& open, const SpanLimits& limits);
  void drop_attribute() { ++dropped_attributes_; }

  /// Scalars in one step.
  void set_string(const AttributeKey& key, std::string_view value, const SpanLimits& limits);
  void set_int(const AttributeKey& key, int64_t value, const SpanLimits& limits);
  void set_double(const AttributeKey& key, double value, const SpanLimits& limits);
  void set_bool(const AttributeKey& key, bool value, const SpanLimits& limits);

  /// Takes over what `prepared` holds. False, and nothing done, when this record is not empty or
  /// `limits` might not let all of it in.
  bool copy(const SpanRecord& prepared, const SpanLimits& limits);

  /// Adds an encoded Event or Link message.
  void add_event(std::string_view message, const SpanLimits& limits);
  void add_link(std::string_view message, const SpanLimits& limits);

  /// Size of the whole Span message, then the message itself into exactly that many bytes.
  size_t encoded_size(const SpanHead& head, std::string_view name, std::string_view trace_state,
                      std::string_view status_message) const;
  void encode(char* out, const SpanHead& head, std::string_view name, std::string_view trace_state,
              std::string_view status_message) const;

  uint32_t dropped_attributes() const { return dropped_attributes_; }
  uint32_t dropped_events() const { return dropped_events_; }
  uint32_t dropped_links() const { return dropped_links_; }
  /// What was dropped before this record was made, of a span that comes from elsewhere.
  void add_dropped(uint32_t attributes, uint32_t events, uint32_t links) {
    dropped_attributes_ += attributes;
    dropped_events_ += events;
    dropped_links_ += links;
  }

  /// Empty again, with its memory kept as long as that is small.
  void reset();

  /// Visits the attributes (encoded KeyValue messages) that count, in order.
  template <typename Visit>
  void each_attribute(Visit visit) const {
    each(kAttribute, visit);
  }
  template <typename Visit>
  void each_event(Visit visit) const {
    each(kEvent, visit);
  }
  template <typename Visit>
  void each_link(Visit visit) const {
    each(kLink, visit);
  }

 private:
  enum ItemKind : uint8_t { kDead, kAttribute, kEvent, kLink };
  struct Item {
    uint32_t start;
    uint32_t message;  // where the KeyValue, Event or Link message starts
    uint32_t end;
    uint32_t key_at;
    uint32_t key_size;
    ItemKind kind;
    uint8_t hash;  // of an attribute's key
  };

  template <typename Visit>
  void each(ItemKind kind, Visit visit) const {
    for (const Item& item : items_) {
      if (item.kind == kind) {
        visit(std::string_view(body_.data() + item.message, item.end - item.message));
      }
    }
  }

  bool full(size_t more) const { return body_.size() + more > kSpanBytesMax || body_.failed(); }
  char* begin_scalar(const AttributeKey& key, size_t value_size, Item* item);
  void add_item(uint32_t field, std::string_view message, ItemKind kind, uint32_t limit,
                uint32_t* count, uint32_t* dropped);
  void settle_attribute(const Item& item, const SpanLimits& limits);
  bool replace(const Item& item);
  void kill(Item& item);
  void kill_oldest(ItemKind kind);
  void add(const Item& item);
  void compact();

  ProtoBuffer body_;
  std::vector<Item> items_;
  size_t dead_bytes_ = 0;
  uint64_t seen_ = 0;  // a bit for each key there may be, by its hash
  uint32_t attributes_ = 0;
  uint32_t events_ = 0;
  uint32_t links_ = 0;
  uint32_t dropped_attributes_ = 0;
  uint32_t dropped_events_ = 0;
  uint32_t dropped_links_ = 0;
};

}  // namespace vedette::sdk
