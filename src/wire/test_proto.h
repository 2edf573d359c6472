// For tests: protobuf messages written field by field.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "wire/proto_reader.h"

namespace vedette::wire {

/// Proto().bytes(otlp::span::kName, "GET /").fixed64(…).take()
class Proto {
 public:
  Proto& bytes(uint32_t tag, std::string_view value) {
    base::ByteWriter w(out_);
    w.varint(tag);
    w.bytes(value);
    return *this;
  }
  Proto& message(uint32_t tag, const Proto& value) { return bytes(tag, value.out_); }
  Proto& varint(uint32_t tag, uint64_t value) {
    base::ByteWriter w(out_);
    w.varint(tag);
    w.varint(value);
    return *this;
  }
  template <typename T>
  Proto& fixed(uint32_t tag, T value) {
    base::ByteWriter w(out_);
    w.varint(tag);
    w.fixed(value);
    return *this;
  }
  const std::string& str() const { return out_; }

 private:
  std::string out_;
};

}  // namespace vedette::wire
