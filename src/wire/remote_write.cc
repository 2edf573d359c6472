#include "wire/remote_write.h"

#include <snappy.h>

#include <memory>

#include "base/utf8.h"
#include "wire/exemplar_labels.h"
#include "wire/label_builder.h"
#include "wire/proto_reader.h"

namespace vedette::wire {
namespace {

// prometheus/prompb/remote.proto and types.proto
namespace write_request {
constexpr uint32_t kTimeseries = bytes_tag(1);
constexpr uint32_t kMetadata = bytes_tag(3);
}  // namespace write_request
namespace time_series {
constexpr uint32_t kLabels = bytes_tag(1);
constexpr uint32_t kSamples = bytes_tag(2);
constexpr uint32_t kExemplars = bytes_tag(3);
constexpr uint32_t kHistograms = bytes_tag(4);
}  // namespace time_series
namespace label {
constexpr uint32_t kName = bytes_tag(1);
constexpr uint32_t kValue = bytes_tag(2);
}  // namespace label
namespace sample {
constexpr uint32_t kValue = fixed64_tag(1);
constexpr uint32_t kTimestamp = varint_tag(2);
}  // namespace sample
namespace exemplar {
constexpr uint32_t kLabels = bytes_tag(1);
constexpr uint32_t kValue = fixed64_tag(2);
constexpr uint32_t kTimestamp = varint_tag(3);
}  // namespace exemplar
namespace metadata {
constexpr uint32_t kType = varint_tag(1);
constexpr uint32_t kFamily = bytes_tag(2);
constexpr uint32_t kHelp = bytes_tag(4);
constexpr uint32_t kUnit = bytes_tag(5);
}  // namespace metadata

constexpr size_t kMetadataMax = 100'000;   // entries of one request
constexpr size_t kExemplarsMax = 200'000;  // likewise

Error malformed() {
  return {Code::kInvalidArgument,
          "the body is not a valid remote write 1.0 WriteRequest: it is cut short or corrupt"};
}

bool is_ascii(std::string_view text) {
  uint64_t seen = 0;
  size_t i = 0;
  for (; i + 8 <= text.size(); i += 8) {
    uint64_t word;
    std::memcpy(&word, text.data() + i, 8);
    seen |= word;
  }
  for (; i < text.size(); ++i) seen |= static_cast<unsigned char>(text[i]);
  return (seen & 0x8080808080808080ull) == 0;
}

// Where the label block at the start of a TimeSeries ends, if the block is canonical
// (model/labels.h), names a metric and is all ASCII; 0 otherwise. Nearly every series of a
// well-behaved sender is; the others take the long way.
size_t canonical_prefix(std::string_view in) {
  std::string_view previous;
  bool named = false;
  size_t at = 0;
  while (at + 6 <= in.size() && in[at] == static_cast<char>(time_series::kLabels)) {
    const auto byte = [&](size_t i) -> size_t { return static_cast<unsigned char>(in[i]); };
    const size_t length = byte(at + 1);
    const size_t end = at + 2 + length;
    if (length >= 0x80 || end > in.size() || in[at + 2] != static_cast<char>(label::kName)) {
      return 0;
    }
    const size_t name_size = byte(at + 3);
    const size_t value_at = at + 4 + name_size;
    if (value_at + 2 > end || in[value_at] != static_cast<char>(label::kValue)) return 0;
    const size_t value_size = byte(value_at + 1);
    if (name_size == 0 || value_size == 0 || value_at + 2 + value_size != end) return 0;
    const std::string_view name = in.substr(at + 4, name_size);
    if (name <= previous) return 0;
    named |= name == model::kMetricName;
    previous = name;
    at = end;
  }
  return named && is_ascii(in.substr(0, at)) ? at : 0;
}

class WriteDecoder {
 public:
  WriteDecoder(Decoded<model::SampleBatch>& out, const DecodeOptions& options)
      : batch_(out.batch), report_(out.report), options_(options) {}

  bool decode(std::string_view message) {
    ProtoReader in(message);
    while (in.next()) {
      switch (in.tag()) {
        case write_request::kTimeseries:
          if (!series(in.bytes())) return false;
          break;
        case write_request::kMetadata:
          if (!metadata(in.bytes())) return false;
          break;
        default:
          in.skip();
      }
    }
    return in.ok();
  }

 private:
  // Counts what a series holds, for one that can't be kept.
  bool reject(std::string_view bytes, std::string_view why) {
    uint64_t samples = 0;
    ProtoReader in(bytes);
    for (; in.next(); in.skip()) {
      samples += in.tag() == time_series::kSamples || in.tag() == time_series::kHistograms;
    }
    report_.reject(samples, why);
    return in.ok();
  }

  bool series(std::string_view bytes) {
    size_t labels_end = canonical_prefix(bytes);
    std::string_view canonical = bytes.substr(0, labels_end);
    if (labels_end == 0) {
      std::string_view why;
      if (!long_way(bytes, why)) return false;
      if (!why.empty()) return reject(bytes, why);
      canonical = labels_.canonical();
      if (labels_.had_duplicates()) return reject(bytes, "a series has a label twice");
    }
    if (batch_.label_bytes.size() + canonical.size() > options_.label_bytes_max) {
      return reject(bytes, "the request holds more label text than one request may");
    }
    const uint32_t set = batch_.add_label_set(canonical);
    const size_t first = batch_.size();
    ProtoReader in(bytes.substr(labels_end));
    while (in.next()) {
      switch (in.tag()) {
        case time_series::kSamples:
          if (!sample(in.bytes(), set)) return false;
          break;
        case time_series::kExemplars:
          if (!exemplar(in.bytes(), set, first)) return false;
          break;
        case time_series::kHistograms:
          in.skip();
          report_.reject(1, "native histograms are not supported yet: send classic buckets");
          break;
        case time_series::kLabels:
          // Behind other fields: legal, but then the block in front was not all of the labels.
          if (labels_end != 0) return false;
          in.skip();
          break;
        default:
          in.skip();
      }
    }
    return in.ok();
  }

  // Reads the labels of a series that is not canonical as it stands into labels_.
  bool long_way(std::string_view bytes, std::string_view& why) {
    labels_.clear();
    bool named = false;
    ProtoReader in(bytes);
    while (in.next()) {
      if (in.tag() != time_series::kLabels) {
        in.skip();
        continue;
      }
      std::string_view name, value;
      if (!pair(in.bytes(), name, value)) return false;
      if (name.empty()) why = "a label has no name";
      named |= name == model::kMetricName && !value.empty();
      if (!base::is_utf8(name) || !base::is_utf8(value)) why = "a label is not UTF-8";
      labels_.add(name, value);
    }
    if (!named && why.empty()) why = "a series has no metric name";
    return in.ok();
  }

  static bool pair(std::string_view bytes, std::string_view& name, std::string_view& value) {
    ProtoReader in(bytes);
    while (in.next()) {
      switch (in.tag()) {
        case label::kName:
          name = in.bytes();
          break;
        case label::kValue:
          value = in.bytes();
          break;
        default:
          in.skip();
      }
    }
    return in.ok();
  }

  bool sample(std::string_view bytes, uint32_t set) {
    double value = 0;
    uint64_t time = 0;
    ProtoReader in(bytes);
    while (in.next()) {
      switch (in.tag()) {
        case sample::kValue:
          value = in.real();
          break;
        case sample::kTimestamp:
          time = in.varint();
          break;
        default:
          in.skip();
      }
    }
    if (!in.ok()) return false;
    if (batch_.size() >= options_.samples_max) {
      report_.reject(1, "the request holds more samples than one request may");
      return true;
    }
    batch_.add(set, static_cast<int64_t>(time), value);
    return true;
  }

  bool exemplar(std::string_view bytes, uint32_t set, size_t first_sample) {
    double value = 0;
    int64_t time = 0;
    model::TraceId trace_id;
    model::SpanId span_id = 0;
    exemplar_labels_.clear();
    bool text = true;
    ProtoReader in(bytes);
    while (in.next()) {
      switch (in.tag()) {
        case exemplar::kLabels: {
          std::string_view name, content;
          if (!pair(in.bytes(), name, content)) return false;
          text = text && base::is_utf8(name) && base::is_utf8(content);
          exemplar_labels_.set(name, content);
          note_exemplar_label(name, content, trace_id, span_id);
          break;
        }
        case exemplar::kValue:
          value = in.real();
          break;
        case exemplar::kTimestamp:
          time = static_cast<int64_t>(in.varint());
          break;
        default:
          in.skip();
      }
    }
    if (!in.ok()) return false;
    // An exemplar is a hint: one that makes no sense is left out without a word.
    if (!text || batch_.exemplar_time_ms.size() >= kExemplarsMax) return true;
    if (time == 0 && batch_.size() > first_sample) time = batch_.time_ms[first_sample];
    batch_.add_exemplar(set, time, value, trace_id, span_id,
                        std::string(exemplar_labels_.canonical()));
    return true;
  }

  bool metadata(std::string_view bytes) {
    model::MetricMetadata out;
    ProtoReader in(bytes);
    while (in.next()) {
      switch (in.tag()) {
        case metadata::kType:
          out.type = type_of(in.varint());
          break;
        case metadata::kFamily:
          out.family = base::sanitize_utf8(in.bytes());
          break;
        case metadata::kHelp:
          out.help = base::sanitize_utf8(in.bytes());
          break;
        case metadata::kUnit:
          out.unit = base::sanitize_utf8(in.bytes());
          break;
        default:
          in.skip();
      }
    }
    if (!in.ok()) return false;
    if (!out.family.empty() && batch_.metadata.size() < kMetadataMax) {
      batch_.metadata.push_back(std::move(out));
    }
    return true;
  }

  static model::MetricType type_of(uint64_t number) {
    using model::MetricType;
    constexpr MetricType kTypes[] = {
        MetricType::kUnknown,   MetricType::kCounter, MetricType::kGauge,   MetricType::kHistogram,
        MetricType::kHistogram,  // gauge histogram
        MetricType::kSummary,   MetricType::kInfo,    MetricType::kStateset};
    return number < std::size(kTypes) ? kTypes[number] : MetricType::kUnknown;
  }

  model::SampleBatch& batch_;
  DecodeReport& report_;
  const DecodeOptions& options_;
  LabelBuilder labels_;
  LabelBuilder exemplar_labels_;
};

}  // namespace

Result<Decoded<model::SampleBatch>> decode_write_request(std::string_view message,
                                                         const DecodeOptions& options) {
  Decoded<model::SampleBatch> out;
  if (!WriteDecoder(out, options).decode(message)) return malformed();
  return out;
}

Result<Decoded<model::SampleBatch>> decode_remote_write(std::string_view body, size_t bytes_max,
                                                        const DecodeOptions& options) {
  size_t size = 0;
  if (!snappy::GetUncompressedLength(body.data(), body.size(), &size)) {
    return Error{Code::kInvalidArgument,
                 "the body is not a snappy block, as remote write sends it"};
  }
  if (size > bytes_max) {
    return Error{Code::kTooLarge, "the body is larger than " + std::to_string(bytes_max) +
                                      " bytes after decompression: send smaller requests"};
  }
  // Snappy never makes more than about 21 bytes of one: a short body that claims more lies.
  if (size > body.size() * 64 + 64) {
    return Error{Code::kInvalidArgument,
                 "the body is not a snappy block, as remote write sends it"};
  }
  const std::unique_ptr<char[]> message(new char[size]);
  if (!snappy::RawUncompress(body.data(), body.size(), message.get())) {
    return Error{Code::kInvalidArgument,
                 "the body is not a snappy block, as remote write sends it"};
  }
  return decode_write_request({message.get(), size}, options);
}

}  // namespace vedette::wire
