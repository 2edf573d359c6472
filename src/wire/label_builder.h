// Puts label sets together in canonical form (model/labels.h), many of them with few allocations.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace vedette::wire {

/// Single-threaded. Text is copied in; what canonical() gives is valid until the next call.
class LabelBuilder {
 public:
  void clear() { truncate({}); }

  /// Adds a label; empty names and values are no labels.
  void add(std::string_view name, std::string_view value) { put(name, value, false); }
  /// The same, for labels that replace others of their name.
  void set(std::string_view name, std::string_view value) { put(name, value, true); }

  struct Mark {
    size_t items = 0;
    size_t text = 0;
  };
  /// What is there now, to come back to with truncate().
  Mark mark() const { return {items_.size(), text_.size()}; }
  void truncate(Mark mark) {
    items_.resize(mark.items);
    text_.resize(mark.text);
  }

  /// Sorted. Of a name given twice: a label that was set wins; else the values are joined with ";",
  /// in the order they were added, as OpenTelemetry wants it where two keys become one name.
  std::string_view canonical();
  /// True if the last canonical() met a name twice.
  bool had_duplicates() const { return had_duplicates_; }

 private:
  struct Item {
    uint32_t name, name_size, value, value_size;  // offsets into text_
    bool replaces;
  };
  void put(std::string_view name, std::string_view value, bool replaces);
  std::string_view name(const Item& i) const { return {text_.data() + i.name, i.name_size}; }
  std::string_view value(const Item& i) const { return {text_.data() + i.value, i.value_size}; }
  void append(std::string_view name, std::string_view value);

  std::string text_;
  std::vector<Item> items_;
  std::vector<Item> sorted_;
  std::string out_;
  std::string joined_;
  bool had_duplicates_ = false;
};

/// One label in canonical form, behind what `out` holds.
void append_label(std::string& out, std::string_view name, std::string_view value);

}  // namespace vedette::wire
