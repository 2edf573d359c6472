// What metrics are in the memory that processes share: texts with their length, what a metric is,
// exemplars. All of it may be read while another process writes, or be what is left of one that
// died: readers check.
#pragma once

#include "sdk/metrics.h"

namespace vedette::sdk {

void put_text(std::string& out, std::string_view text);

/// Reads what put_text() wrote, and numbers; `ok` turns false at the end of a short input.
struct ByteReader {
  std::string_view rest;
  bool ok = true;

  std::string_view bytes(size_t count) {
    if (count > rest.size()) ok = false;
    if (!ok) return {};
    const std::string_view found = rest.substr(0, count);
    rest.remove_prefix(count);
    return found;
  }
  template <typename T>
  T number() {
    T value{};
    const std::string_view found = bytes(sizeof value);
    if (ok) std::memcpy(&value, found.data(), sizeof value);
    return value;
  }
  std::string_view text() { return bytes(number<uint32_t>()); }
};

/// The part of the options by which processes tell metrics apart, and back.
std::string metric_identity(const MetricOptions& options);
bool parse_identity(std::string_view identity, MetricOptions* options);
/// Label values in one string; unlike a separator it cannot be forged by a value.
std::string join_values(const std::vector<std::string>& values);

// An exemplar: a sequence, odd while it is written; value, time, the length of its labels' text,
// and that text, which has room for the ids of a span.
constexpr size_t kExemplarHead = 4, kExemplarWords = 12;
constexpr size_t kExemplarCells = kExemplarHead + kExemplarWords;

/// One too large is not written. One thread of one process writes.
void write_exemplar(Cell* cells, const Exemplar& exemplar);
/// Null: there is none, or it changes all the time.
std::shared_ptr<const Exemplar> read_exemplar(const Cell* cells);

}  // namespace vedette::sdk
