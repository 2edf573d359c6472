#include "store/engine/exemplar_codec.h"

#include "base/bytes.h"

namespace vedette::store::engine {
namespace {

constexpr int64_t kMsPerHour = 3'600'000;
constexpr size_t kRowBytesMin = 1 + 8 + 24 + 1;

}  // namespace

void encode_exemplars(std::span<const ExemplarRow> rows, std::string& out) {
  base::ByteWriter w(out);
  w.varint(rows.size());
  uint64_t last = 0;
  for (const ExemplarRow& row : rows) {
    w.signed_varint(static_cast<int64_t>(static_cast<uint64_t>(row.time_ms) - last));
    last = static_cast<uint64_t>(row.time_ms);
    w.fixed(row.value);
    w.fixed(row.trace_id.hi);
    w.fixed(row.trace_id.lo);
    w.fixed(row.span_id);
    w.bytes(row.labels);
  }
}

bool decode_exemplars(std::string_view bytes, std::vector<ExemplarRow>& out) {
  base::ByteReader in(bytes);
  const uint64_t count = in.varint();
  if (count > in.left() / kRowBytesMin) return false;
  uint64_t last = 0;
  for (uint64_t i = 0; i < count; ++i) {
    ExemplarRow row;
    last += static_cast<uint64_t>(in.signed_varint());
    row.time_ms = static_cast<int64_t>(last);
    row.value = in.fixed<double>();
    row.trace_id.hi = in.fixed<uint64_t>();
    row.trace_id.lo = in.fixed<uint64_t>();
    row.span_id = in.fixed<uint64_t>();
    row.labels = in.bytes();
    if (!in.ok()) return false;
    out.push_back(std::move(row));
  }
  return in.ok();
}

void thin_exemplars(std::vector<ExemplarRow>& rows) {
  std::vector<ExemplarRow> kept;
  int64_t hour = 0;
  size_t in_hour = 0;
  for (auto row = rows.rbegin(); row != rows.rend(); ++row) {
    if (in_hour == 0 || row->time_ms / kMsPerHour != hour) {
      hour = row->time_ms / kMsPerHour;
      in_hour = 0;
    }
    if (++in_hour <= kExemplarsPerSeries) kept.push_back(std::move(*row));
  }
  rows.assign(std::make_move_iterator(kept.rbegin()), std::make_move_iterator(kept.rend()));
}

}  // namespace vedette::store::engine
