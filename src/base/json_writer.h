// JSON out, piece by piece, into one growing string. Text that is not valid UTF-8 is written with
// U+FFFD in place of each bad byte, so that the output is always valid JSON.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace vedette::base {

/// Single-threaded. Keys and values must come in the order JSON wants; a key only inside an object.
class JsonWriter {
 public:
  JsonWriter();
  ~JsonWriter();
  JsonWriter(const JsonWriter&) = delete;
  JsonWriter& operator=(const JsonWriter&) = delete;

  JsonWriter& begin_object();
  JsonWriter& end_object();
  JsonWriter& begin_array();
  JsonWriter& end_array();
  JsonWriter& key(std::string_view name);
  JsonWriter& value(std::string_view text);
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(const std::string& text) { return value(std::string_view(text)); }
  JsonWriter& value(bool b);
  JsonWriter& value(int64_t n);
  JsonWriter& value(uint64_t n);
  JsonWriter& value(int n) { return value(int64_t{n}); }
  JsonWriter& value(unsigned n) { return value(uint64_t{n}); }
  /// NaN and infinities, which JSON has no numbers for, become null.
  JsonWriter& value(double n);
  JsonWriter& null();
  /// A value that is JSON already.
  JsonWriter& raw(std::string_view json);

  template <typename T>
  JsonWriter& field(std::string_view name, const T& v) {
    return key(name).value(v);
  }

  /// What was written so far; leaves the writer empty.
  std::string take();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace vedette::base
