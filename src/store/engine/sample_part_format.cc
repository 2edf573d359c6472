#include "store/engine/sample_part_format.h"

#include <cstring>

#include "base/bytes.h"
#include "base/string_table.h"
#include "store/engine/sample_codec.h"

namespace vedette::store::engine {
namespace {

Error malformed(const char* what) {
  return {Code::kCorruption, std::string(what) + " is malformed"};
}

/// A column of numbers, each as its difference from the one before.
template <typename T, typename Get>
void write_deltas(base::ByteWriter& w, const std::vector<T>& rows, Get get) {
  int64_t last = 0;
  for (const T& row : rows) {
    const auto value = static_cast<int64_t>(get(row));
    w.signed_varint(value - last);
    last = value;
  }
}

template <typename T, typename Set>
void read_deltas(base::ByteReader& in, std::vector<T>& rows, Set set) {
  uint64_t value = 0;
  for (T& row : rows) {
    value += static_cast<uint64_t>(in.signed_varint());
    set(row, static_cast<int64_t>(value));
  }
}

/// A count that `in` can hold when each row takes `bytes_each` at least.
bool read_count(base::ByteReader& in, size_t bytes_each, size_t& out) {
  const uint64_t count = in.varint();
  if (!in.ok() || count > in.left() / bytes_each) return false;
  out = count;
  return true;
}

}  // namespace

std::string SamplePartFooter::encode() const {
  std::string out;
  base::ByteWriter w(out);
  w.fixed(kSamplePartVersion);
  for (const PageRef& section : sections) {
    w.fixed(section.offset);
    w.fixed(section.stored);
    w.fixed(section.raw);
    w.fixed(section.checksum);
  }
  w.fixed(rows);
  w.fixed(exemplars);
  w.fixed(min_ms);
  w.fixed(max_ms);
  w.fixed(first_sequence);
  w.fixed(last_sequence);
  w.fixed(base::hash_string(out));
  w.raw({kSamplePartMagic, sizeof kSamplePartMagic});
  return out;
}

Result<SamplePartFooter> SamplePartFooter::decode(std::string_view bytes) {
  if (bytes.size() != kBytes || bytes.substr(kBytes - 8) != std::string_view(kSamplePartMagic, 8)) {
    return Error{Code::kCorruption, "this is no sample part, or its end is missing"};
  }
  base::ByteReader in(bytes);
  SamplePartFooter out;
  const auto version = in.fixed<uint32_t>();
  for (PageRef& section : out.sections) {
    section.offset = in.fixed<uint64_t>();
    section.stored = in.fixed<uint32_t>();
    section.raw = in.fixed<uint32_t>();
    section.checksum = in.fixed<uint64_t>();
  }
  out.rows = in.fixed<uint64_t>();
  out.exemplars = in.fixed<uint64_t>();
  out.min_ms = in.fixed<int64_t>();
  out.max_ms = in.fixed<int64_t>();
  out.first_sequence = in.fixed<uint64_t>();
  out.last_sequence = in.fixed<uint64_t>();
  if (in.fixed<uint64_t>() != base::hash_string(bytes.substr(0, kBytes - 16))) {
    return Error{Code::kCorruption, "the checksum of the part's footer is wrong"};
  }
  if (version != kSamplePartVersion) {
    return Error{Code::kCorruption, "the part has format version " + std::to_string(version) +
                                        ", this program reads version " +
                                        std::to_string(kSamplePartVersion)};
  }
  return out;
}

std::string SampleDirectory::encode() const {
  std::string out;
  base::ByteWriter w(out);
  w.varint(pages.size());
  write_deltas(w, pages, [](const PageRef& page) { return page.offset; });
  for (const PageRef& page : pages) w.varint(page.stored);
  for (const PageRef& page : pages) w.varint(page.raw);
  for (const PageRef& page : pages) w.fixed(page.checksum);
  w.varint(columns.size());
  write_deltas(w, columns, [](const TimeColumn& c) { return c.page; });
  write_deltas(w, columns, [](const TimeColumn& c) { return c.offset; });
  write_deltas(w, columns, [](const TimeColumn& c) { return c.count; });
  write_deltas(w, columns, [](const TimeColumn& c) { return c.first_ms; });
  for (const TimeColumn& c : columns)
    w.varint(static_cast<uint64_t>(c.last_ms) - static_cast<uint64_t>(c.first_ms));
  w.varint(series());
  for (size_t i = 0; i < series(); ++i) w.varint(first_block[i + 1] - first_block[i]);
  write_deltas(w, blocks, [](const SampleBlock& b) { return b.page; });
  write_deltas(w, blocks, [](const SampleBlock& b) { return b.offset; });
  write_deltas(w, blocks, [](const SampleBlock& b) { return b.column; });
  return out;
}

Result<SampleDirectory> SampleDirectory::decode(std::string_view bytes) {
  base::ByteReader in(bytes);
  SampleDirectory out;
  size_t count = 0;
  if (!read_count(in, 11, count)) return malformed("the page table");
  out.pages.resize(count);
  read_deltas(in, out.pages,
              [](PageRef& page, int64_t v) { page.offset = static_cast<uint64_t>(v); });
  for (PageRef& page : out.pages) page.stored = static_cast<uint32_t>(in.varint());
  for (PageRef& page : out.pages) page.raw = static_cast<uint32_t>(in.varint());
  for (PageRef& page : out.pages) page.checksum = in.fixed<uint64_t>();

  if (!read_count(in, 5, count)) return malformed("the table of time columns");
  out.columns.resize(count);
  read_deltas(in, out.columns, [](TimeColumn& c, int64_t v) { c.page = static_cast<uint32_t>(v); });
  read_deltas(in, out.columns,
              [](TimeColumn& c, int64_t v) { c.offset = static_cast<uint32_t>(v); });
  read_deltas(in, out.columns,
              [](TimeColumn& c, int64_t v) { c.count = static_cast<uint32_t>(v); });
  read_deltas(in, out.columns, [](TimeColumn& c, int64_t v) { c.first_ms = v; });
  for (TimeColumn& c : out.columns) {
    c.last_ms = static_cast<int64_t>(static_cast<uint64_t>(c.first_ms) + in.varint());
    if (c.page >= out.pages.size() || c.offset >= out.pages[c.page].raw || c.count == 0 ||
        c.count > kBlockSamplesMax || c.last_ms < c.first_ms) {
      return malformed("a time column");
    }
  }

  if (!read_count(in, 1, count)) return malformed("the table of series");
  out.first_block.resize(count + 1);
  uint64_t blocks = 0;
  for (size_t i = 0; i < count; ++i) {
    blocks += in.varint();
    if (blocks > in.left()) return malformed("the table of series");
    out.first_block[i + 1] = static_cast<uint32_t>(blocks);
  }
  if (blocks > in.left() / 3) return malformed("the table of blocks");
  out.blocks.resize(blocks);
  read_deltas(in, out.blocks, [](SampleBlock& b, int64_t v) { b.page = static_cast<uint32_t>(v); });
  read_deltas(in, out.blocks,
              [](SampleBlock& b, int64_t v) { b.offset = static_cast<uint32_t>(v); });
  read_deltas(in, out.blocks,
              [](SampleBlock& b, int64_t v) { b.column = static_cast<uint32_t>(v); });
  for (const SampleBlock& b : out.blocks) {
    if (b.page >= out.pages.size() || b.offset >= out.pages[b.page].raw ||
        b.column >= out.columns.size()) {
      return malformed("a block");
    }
  }
  if (!in.ok() || in.left() != 0) return malformed("the part's directory");
  return out;
}

std::string encode_exemplar_blocks(std::span<const ExemplarBlock> blocks) {
  std::string out;
  base::ByteWriter w(out);
  w.varint(blocks.size());
  ExemplarBlock last;
  for (const ExemplarBlock& b : blocks) {
    w.varint(b.series - last.series);
    w.varint(b.page - last.page);
    w.varint(b.offset);
    last = b;
  }
  return out;
}

Result<std::vector<ExemplarBlock>> decode_exemplar_blocks(std::string_view bytes,
                                                          const SampleDirectory& directory) {
  base::ByteReader in(bytes);
  size_t count = 0;
  if (!read_count(in, 3, count)) return malformed("the table of exemplars");
  std::vector<ExemplarBlock> out(count);
  ExemplarBlock last;
  for (ExemplarBlock& b : out) {
    b.series = last.series + static_cast<uint32_t>(in.varint());
    b.page = last.page + static_cast<uint32_t>(in.varint());
    b.offset = static_cast<uint32_t>(in.varint());
    if (!in.ok() || b.series < last.series || b.series >= directory.series() ||
        b.page >= directory.pages.size() || b.offset >= directory.pages[b.page].raw) {
      return malformed("the table of exemplars");
    }
    last = b;
  }
  return out;
}

struct SeriesDictionaryWriter::Pairs {
  base::StringTable table;  // of encoded pairs; number 0, the empty string, stays unused
};

SeriesDictionaryWriter::SeriesDictionaryWriter() : pairs_(std::make_unique<Pairs>()) {}
SeriesDictionaryWriter::~SeriesDictionaryWriter() = default;

void SeriesDictionaryWriter::add(std::span<const LabelView> labels) {
  base::ByteWriter w(series_);
  w.varint(labels.size());
  last_.resize(std::max(last_.size(), labels.size()));
  for (size_t i = 0; i < labels.size(); ++i) {
    const uint32_t pair = pairs_->table.intern(labels[i].field);
    w.signed_varint(static_cast<int64_t>(pair) - last_[i]);
    last_[i] = pair;
  }
  ++count_;
}

std::string SeriesDictionaryWriter::encode() const {
  std::string out;
  base::ByteWriter w(out);
  w.varint(pairs_->table.size() - 1);
  for (base::StringId id = 1; id < pairs_->table.size(); ++id) w.bytes(pairs_->table[id]);
  w.varint(count_);
  w.raw(series_);
  return out;
}

Status read_series_dictionary(
    std::string_view bytes,
    const std::function<void(std::string_view canonical, std::span<const LabelView>)>& visit) {
  base::ByteReader in(bytes);
  size_t count = 0;
  if (!read_count(in, 1, count)) return malformed("the dictionary of label pairs");
  struct Pair {
    std::string_view field, name, value;
  };
  std::vector<Pair> pairs(count + 1);
  std::vector<LabelView> labels;
  for (size_t i = 1; i <= count; ++i) {
    pairs[i].field = in.bytes();
    if (!split_canonical(pairs[i].field, labels) || labels.size() != 1)
      return malformed("a label pair");
    pairs[i].name = labels[0].name;
    pairs[i].value = labels[0].value;
  }
  if (!read_count(in, 1, count)) return malformed("the dictionary of series");
  std::string canonical;
  std::vector<uint32_t> last;
  for (size_t series = 0; series < count; ++series) {
    size_t width = 0;
    if (!read_count(in, 1, width)) return malformed("the dictionary of series");
    last.resize(std::max(last.size(), width));
    canonical.clear();
    labels.resize(width);
    for (size_t i = 0; i < width; ++i) {
      last[i] += static_cast<uint32_t>(in.signed_varint());
      if (last[i] == 0 || last[i] >= pairs.size()) return malformed("the dictionary of series");
      if (i > 0 && pairs[last[i - 1]].name >= pairs[last[i]].name)
        return malformed("the dictionary of series");
      canonical += pairs[last[i]].field;
    }
    const char* at = canonical.data();
    for (size_t i = 0; i < width; ++i) {
      const Pair& pair = pairs[last[i]];
      labels[i] = {pair.name, pair.value, {at, pair.field.size()}};
      at += pair.field.size();
    }
    visit(canonical, labels);
  }
  return in.ok() && in.left() == 0 ? Status() : malformed("the dictionary of series");
}

}  // namespace vedette::store::engine
