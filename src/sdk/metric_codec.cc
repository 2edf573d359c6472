#include "sdk/metric_codec.h"

#include <cmath>
#include <cstring>

namespace vedette::sdk {

void put_text(std::string& out, std::string_view text) {
  const auto size = static_cast<uint32_t>(text.size());
  out.append(reinterpret_cast<const char*>(&size), sizeof size).append(text);
}

std::string metric_identity(const MetricOptions& options) {
  std::string out;
  out += static_cast<char>(options.type);
  out += static_cast<char>(options.mode);
  out += static_cast<char>(options.live);
  out += static_cast<char>(options.created);
  out += static_cast<char>(options.grouped);
  put_text(out, options.name);
  put_text(out, options.unit);
  put_text(out, join_values(options.labels));
  for (double bound : options.bounds) {
    out.append(reinterpret_cast<const char*>(&bound), sizeof bound);
  }
  return out;
}

std::string join_values(const std::vector<std::string>& values) {
  std::string out;
  for (const std::string& value : values) put_text(out, value);
  return out;
}

bool parse_identity(std::string_view identity, MetricOptions* out) {
  ByteReader reader{identity};
  const auto type = reader.number<uint8_t>();
  const auto mode = reader.number<uint8_t>();
  out->live = reader.number<uint8_t>() != 0;
  out->created = reader.number<uint8_t>() != 0;
  out->grouped = reader.number<uint8_t>() != 0;
  if (type > static_cast<uint8_t>(MetricType::kPlainCounter) ||
      mode > static_cast<uint8_t>(GaugeMode::kMostRecent)) {
    return false;
  }
  out->type = static_cast<MetricType>(type);
  out->mode = static_cast<GaugeMode>(mode);
  out->name = reader.text();
  out->unit = reader.text();
  ByteReader labels{reader.text()};
  while (labels.ok && !labels.rest.empty()) out->labels.emplace_back(labels.text());
  while (reader.ok && !reader.rest.empty()) out->bounds.push_back(reader.number<double>());
  return reader.ok && labels.ok;
}

void write_exemplar(Cell* cells, const Exemplar& exemplar) {
  std::string text;
  for (const auto& [name, value] : exemplar.labels) {
    put_text(text, name);
    put_text(text, value);
  }
  double words[kExemplarWords] = {};
  if (text.size() > sizeof words) return;
  std::memcpy(words, text.data(), text.size());
  const double sequence = cells[0].load(std::memory_order_relaxed);
  cells[0].store(sequence + 1, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_release);
  cells[1].store(exemplar.value, std::memory_order_relaxed);
  cells[2].store(exemplar.time, std::memory_order_relaxed);
  cells[3].store(static_cast<double>(text.size()), std::memory_order_relaxed);
  for (size_t i = 0; i < kExemplarWords; ++i) {
    cells[kExemplarHead + i].store(words[i], std::memory_order_relaxed);
  }
  cells[0].store(sequence + 2, std::memory_order_release);
}

std::shared_ptr<const Exemplar> read_exemplar(const Cell* cells) {
  constexpr int kTriesMax = 4;
  for (int tries = 0; tries < kTriesMax; ++tries) {
    double copy[kExemplarCells];
    copy[0] = cells[0].load(std::memory_order_acquire);
    for (size_t i = 1; i < kExemplarCells; ++i) copy[i] = cells[i].load(std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_acquire);
    if (cells[0].load(std::memory_order_relaxed) != copy[0]) continue;
    if (copy[0] == 0 || std::fmod(copy[0], 2) != 0) continue;
    const auto size = static_cast<size_t>(copy[3]);
    if (size > kExemplarWords * sizeof(Cell)) return nullptr;
    ByteReader reader{{reinterpret_cast<const char*>(copy + kExemplarHead), size}};
    auto exemplar = std::make_shared<Exemplar>();
    exemplar->value = copy[1];
    exemplar->time = copy[2];
    while (reader.ok && !reader.rest.empty()) {
      std::string name(reader.text());
      exemplar->labels.emplace_back(std::move(name), reader.text());
    }
    return exemplar;
  }
  return nullptr;
}

}  // namespace vedette::sdk
