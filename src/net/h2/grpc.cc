#include "net/h2/grpc.h"

#include "base/bytes.h"

namespace vedette::net::h2 {
namespace {

constexpr std::string_view kRetryInfoType = "type.googleapis.com/google.rpc.RetryInfo";
constexpr std::string_view kHexDigits = "0123456789ABCDEF";
constexpr std::string_view kBase64Digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// Protobuf tags of the few messages written and read by hand here.
constexpr uint8_t kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5;
constexpr uint64_t tag(uint64_t field, uint8_t type) {
  return field << 3 | type;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// Calls `visit(field, bytes, number)` for each length-delimited or varint field; false if
/// malformed.
template <typename Visit>
bool each_field(std::string_view message, Visit visit) {
  base::ByteReader in(message);
  while (in.ok() && in.left() > 0) {
    const uint64_t key = in.varint();
    switch (key & 7) {
      case kVarint: {
        const uint64_t number = in.varint();
        visit(key >> 3, std::string_view(), number);
        break;
      }
      case kFixed64:
        in.fixed<uint64_t>();
        break;
      case kBytes:
        visit(key >> 3, in.bytes(), uint64_t{0});
        break;
      case kFixed32:
        in.fixed<uint32_t>();
        break;
      default:
        return false;
    }
  }
  return in.ok();
}

std::string encode_retry_info(int retry_after_ms) {
  std::string duration;
  base::ByteWriter d(duration);
  const uint64_t ms = static_cast<uint64_t>(std::max(retry_after_ms, 0));
  if (ms >= 1000) {
    d.varint(tag(1, kVarint));
    d.varint(ms / 1000);
  }
  if (ms % 1000 != 0) {
    d.varint(tag(2, kVarint));
    d.varint(ms % 1000 * 1'000'000);
  }
  std::string info;
  base::ByteWriter i(info);
  i.varint(tag(1, kBytes));
  i.bytes(duration);
  return info;
}

}  // namespace

bool is_grpc(std::string_view content_type) {
  constexpr std::string_view kType = "application/grpc";
  if (!content_type.starts_with(kType)) return false;
  content_type.remove_prefix(kType.size());
  return content_type.empty() || content_type.front() == '+' || content_type.front() == ';';
}

std::optional<GrpcPrefix> parse_grpc_prefix(std::string_view bytes) {
  if (bytes.size() < kGrpcPrefixBytes) return std::nullopt;
  const auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<uint8_t>(bytes[i])); };
  if (byte(0) > 1) return std::nullopt;
  return GrpcPrefix{byte(0) == 1, byte(1) << 24 | byte(2) << 16 | byte(3) << 8 | byte(4)};
}

void append_grpc_prefix(std::string& out, GrpcPrefix prefix) {
  out += static_cast<char>(prefix.compressed ? 1 : 0);
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(prefix.length >> shift);
}

std::optional<std::chrono::nanoseconds> parse_grpc_timeout(std::string_view text) {
  if (text.size() < 2 || text.size() > 9) return std::nullopt;
  int64_t n = 0;
  for (char c : text.substr(0, text.size() - 1)) {
    if (c < '0' || c > '9') return std::nullopt;
    n = n * 10 + (c - '0');
  }
  using namespace std::chrono;
  switch (text.back()) {
    // Eight digits of hours overflow 64-bit nanoseconds; no one waits longer than a year.
    case 'H':
      return hours(std::min<int64_t>(n, 24 * 365));
    case 'M':
      return minutes(std::min<int64_t>(n, 60 * 24 * 365));
    case 'S':
      return seconds(n);
    case 'm':
      return milliseconds(n);
    case 'u':
      return microseconds(n);
    case 'n':
      return nanoseconds(n);
    default:
      return std::nullopt;
  }
}

std::string format_grpc_timeout(std::chrono::milliseconds timeout) {
  const int64_t ms = std::max<int64_t>(timeout.count(), 1);
  // At most eight digits are allowed.
  return ms < 100'000'000 ? std::to_string(ms) + "m"
                          : std::to_string(std::min<int64_t>(ms / 1000, 99'999'999)) + "S";
}

std::string encode_grpc_message(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (char c : text) {
    if (c >= ' ' && c <= '~' && c != '%') {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += kHexDigits[byte >> 4];
      out += kHexDigits[byte & 15];
    }
  }
  return out;
}

std::string decode_grpc_message(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && text.size() - i >= 3) {
      const int high = hex_value(text[i + 1]), low = hex_value(text[i + 2]);
      if (high >= 0 && low >= 0) {
        out += static_cast<char>(high << 4 | low);
        i += 2;
        continue;
      }
    }
    out += text[i];
  }
  return out;
}

GrpcCode grpc_code(Code code) {
  switch (code) {
    case Code::kInvalidArgument:
      return GrpcCode::kInvalidArgument;
    case Code::kNotFound:
      return GrpcCode::kNotFound;
    case Code::kAlreadyExists:
      return GrpcCode::kAlreadyExists;
    case Code::kTooLarge:
      return GrpcCode::kResourceExhausted;
    case Code::kResourceExhausted:
      return GrpcCode::kResourceExhausted;
    case Code::kUnavailable:
      return GrpcCode::kUnavailable;
    case Code::kDeadlineExceeded:
      return GrpcCode::kDeadlineExceeded;
    case Code::kCancelled:
      return GrpcCode::kCancelled;
    case Code::kUnimplemented:
      return GrpcCode::kUnimplemented;
    case Code::kExecution:
      return GrpcCode::kFailedPrecondition;
    case Code::kIo:
      return GrpcCode::kUnavailable;
    case Code::kCorruption:
      return GrpcCode::kDataLoss;
    case Code::kInternal:
      return GrpcCode::kInternal;
  }
  return GrpcCode::kUnknown;
}

GrpcCode grpc_code_of_http(int http_status) {
  switch (http_status) {
    case 400:
      return GrpcCode::kInternal;
    case 401:
      return GrpcCode::kUnauthenticated;
    case 403:
      return GrpcCode::kPermissionDenied;
    case 404:
      return GrpcCode::kUnimplemented;
    case 429:
    case 502:
    case 503:
    case 504:
      return GrpcCode::kUnavailable;
    default:
      return GrpcCode::kUnknown;
  }
}

std::string encode_rpc_status(GrpcCode code, std::string_view message,
                              std::optional<int> retry_after_ms) {
  std::string out;
  base::ByteWriter w(out);
  w.varint(tag(1, kVarint));
  w.varint(static_cast<uint64_t>(code));
  w.varint(tag(2, kBytes));
  w.bytes(message);
  if (retry_after_ms) {
    std::string any;
    base::ByteWriter a(any);
    a.varint(tag(1, kBytes));
    a.bytes(kRetryInfoType);
    a.varint(tag(2, kBytes));
    a.bytes(encode_retry_info(*retry_after_ms));
    w.varint(tag(3, kBytes));
    w.bytes(any);
  }
  return out;
}

std::optional<std::chrono::milliseconds> decode_retry_delay(std::string_view rpc_status) {
  std::optional<std::chrono::milliseconds> delay;
  each_field(rpc_status, [&](uint64_t field, std::string_view detail, uint64_t) {
    if (field != 3) return;
    std::string_view type, info, duration;
    each_field(detail, [&](uint64_t f, std::string_view bytes, uint64_t) {
      if (f == 1) type = bytes;
      if (f == 2) info = bytes;
    });
    if (type != kRetryInfoType) return;
    each_field(info, [&](uint64_t f, std::string_view bytes, uint64_t) {
      if (f == 1) duration = bytes;
    });
    // Signed on the wire; a negative or absurd delay is no delay we would keep.
    uint64_t seconds = 0, nanos = 0;
    each_field(duration, [&](uint64_t f, std::string_view, uint64_t number) {
      if (f == 1) seconds = number;
      if (f == 2) nanos = number;
    });
    if (seconds > 86'400 || nanos >= 1'000'000'000) return;
    delay = std::chrono::milliseconds(seconds * 1000 + nanos / 1'000'000);
  });
  return delay;
}

std::string encode_base64(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() * 4 / 3 + 3);
  uint32_t bits = 0;
  int held = 0;
  for (char c : bytes) {
    bits = bits << 8 | static_cast<unsigned char>(c);
    for (held += 8; held >= 6;) {
      held -= 6;
      out += kBase64Digits[bits >> held & 63];
    }
  }
  if (held > 0) out += kBase64Digits[bits << (6 - held) & 63];
  return out;
}

std::optional<std::string> decode_base64(std::string_view text) {
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  if (text.size() % 4 == 1) return std::nullopt;
  std::string out;
  out.reserve(text.size() * 3 / 4);
  uint32_t bits = 0;
  int held = 0;
  for (char c : text) {
    const size_t digit = kBase64Digits.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    bits = bits << 6 | static_cast<uint32_t>(digit);
    held += 6;
    if (held >= 8) {
      held -= 8;
      out += static_cast<char>(bits >> held);
    }
  }
  return out;
}

}  // namespace vedette::net::h2
