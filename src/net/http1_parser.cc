#include "net/http1_parser.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

namespace vedette::net {
namespace {

namespace http = boost::beast::http;
using boost::beast::error_code;
using boost::beast::string_view;

constexpr size_t kFieldsMax = 256;
constexpr size_t kLastChunkBytes = 5;

std::string lower(string_view text) {
  std::string out(text.data(), text.size());
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

template <bool kIsRequest>
class BeastParser final : public MessageParser, private http::basic_parser<kIsRequest> {
  using Base = http::basic_parser<kIsRequest>;

 public:
  explicit BeastParser(ParserLimits limits) : limits_(limits) {
    Base::header_limit(
        static_cast<uint32_t>(std::min<size_t>(limits.header_bytes_max, UINT32_MAX)));
    Base::body_limit(limits.body_bytes_max);
    headers.reserve(8);
  }

  size_t parse(std::string_view bytes) override {
    const bool in_header = !Base::is_header_done();
    // Beast asserts that the end of the last chunk, "0 CR LF CR LF", comes in no smaller pieces.
    const bool at_chunk = !in_header && Base::chunked() && chunk_left_ == 0;
    if (at_chunk && bytes.size() < kLastChunkBytes) return 0;
    error_code ec;
    const size_t used = Base::put(boost::asio::const_buffer(bytes.data(), bytes.size()), ec);
    if (in_header && used > 0) check_lines(bytes.substr(0, used));
    if (ec && ec != http::error::need_more) fail(ec);
    // A chunk's extension or the trailers, growing without end.
    if (bytes.size() - used > limits_.header_bytes_max && ec == http::error::need_more) {
      refuse(431, "the header or a chunk's extension is too long");
    }
    return used;
  }

  void end_of_stream() override {
    error_code ec = http::error::partial_message;
    if (Base::got_some()) Base::put_eof(ec);
    if (ec) fail(ec);
  }

  bool header_done() const override { return Base::is_header_done(); }
  bool done() const override { return Base::is_done(); }
  bool keep_alive() const override { return Base::keep_alive(); }
  bool has_body() const override { return Base::chunked() || content_length > 0; }
  void skip_body() override { Base::skip(true); }

 private:
  void refuse(int status_code, std::string message) {
    if (failure.status == 0) failure = {status_code, std::move(message)};
  }
  void refuse(error_code& ec, int status_code, std::string message) {
    refuse(status_code, std::move(message));
    ec = http::error::bad_value;
  }

  void fail(error_code ec) {
    if (ec == http::error::header_limit) {
      refuse(431,
             "the header is larger than " + std::to_string(limits_.header_bytes_max) + " bytes");
    } else if (ec == http::error::body_limit) {
      refuse(413, "the body is larger than " + std::to_string(limits_.body_bytes_max) + " bytes");
    } else if (ec == http::error::bad_version) {
      refuse(400, "this is not HTTP/1.0 or HTTP/1.1");
    } else {
      refuse(400, "malformed HTTP: " + ec.message());
    }
  }

  /// Beast joins folded lines and tolerates a CR elsewhere; we do neither.
  void check_lines(std::string_view text) {
    for (size_t at = text.find('\n'); at != text.npos; at = text.find('\n', at + 1)) {
      const bool bare = at == 0 || text[at - 1] != '\r';
      const bool folded = at + 1 < text.size() && (text[at + 1] == ' ' || text[at + 1] == '\t');
      if (bare || folded)
        return refuse(400, "malformed HTTP: a header line is folded or ends without CR");
    }
  }

  void on_request_impl(http::verb, string_view method_text, string_view target_text, int v,
                       error_code&) override {
    method.assign(method_text.data(), method_text.size());
    target.assign(target_text.data(), target_text.size());
    version = v;
  }

  void on_response_impl(int code, string_view, int v, error_code&) override {
    status = code;
    version = v;
  }

  void on_field_impl(http::field f, string_view name, string_view value, error_code& ec) override {
    header_bytes_ += name.size() + value.size() + 4;
    if (header_bytes_ > limits_.header_bytes_max || ++fields_ > kFieldsMax) {
      return refuse(ec, 431, "the header has too many or too long fields");
    }
    if (in_trailer_) return;  // nothing we want is said there
    if (f == http::field::content_length && ++content_lengths_ > 1) {
      return refuse(ec, 400, "Content-Length is given twice");
    }
    if (f == http::field::content_length && value.find(',') != string_view::npos) {
      return refuse(ec, 400, "Content-Length is a list");
    }
    if (f == http::field::transfer_encoding && (lower(value) != "chunked" || version < 11)) {
      return refuse(ec, 501, "this Transfer-Encoding is not supported: send chunked or none");
    }
    if (f == http::field::host) ++hosts_;
    if (value.find('\r') != string_view::npos || value.find('\0') != string_view::npos) {
      return refuse(ec, 400, "a header value has control characters");
    }
    headers.emplace_back(lower(name), std::string(value.data(), value.size()));
  }

  void on_header_impl(error_code& ec) override {
    in_trailer_ = true;
    if (kIsRequest && (hosts_ > 1 || (hosts_ == 0 && version >= 11))) {
      return refuse(ec, 400, "the request needs exactly one Host header");
    }
    if (const auto length = Base::content_length()) content_length = *length;
  }

  void on_body_init_impl(const boost::optional<uint64_t>&, error_code&) override {}

  size_t on_body_impl(string_view piece, error_code& ec) override { return append(piece, ec); }
  size_t on_chunk_body_impl(uint64_t, string_view piece, error_code& ec) override {
    const size_t used = append(piece, ec);
    chunk_left_ -= used;
    return used;
  }
  size_t append(string_view piece, error_code& ec) {
    if (body.size() + piece.size() > limits_.body_bytes_max) {
      ec = http::error::body_limit;
      return 0;
    }
    body.append(piece.data(), piece.size());
    return piece.size();
  }

  void on_chunk_header_impl(uint64_t size, string_view, error_code&) override {
    chunk_left_ = size;
  }
  void on_finish_impl(error_code&) override {}

  const ParserLimits limits_;
  size_t header_bytes_ = 0;
  size_t fields_ = 0;
  uint64_t chunk_left_ = 0;
  int content_lengths_ = 0;
  int hosts_ = 0;
  bool in_trailer_ = false;
};

}  // namespace

std::unique_ptr<MessageParser> MessageParser::create(Kind kind, ParserLimits limits) {
  if (kind == Kind::kRequest) return std::make_unique<BeastParser<true>>(limits);
  return std::make_unique<BeastParser<false>>(limits);
}

}  // namespace vedette::net
