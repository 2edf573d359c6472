// HTTP/1.1 messages from bytes (RFC 9112): Beast's parser, held to stricter rules where leniency
// lets requests be smuggled: no Content-Length twice or beside Transfer-Encoding, no folded or
// bare-LF lines.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "net/http.h"

namespace vedette::net {

struct ParserLimits {
  size_t header_bytes_max;
  size_t body_bytes_max;
};

/// What was wrong, and the status that says so.
struct ParseFailure {
  int status = 0;  // 0: nothing
  std::string message;
};

/// One request or response; a new parser for each. Single-threaded, never throws.
class MessageParser {
 public:
  enum class Kind { kRequest, kResponse };
  static std::unique_ptr<MessageParser> create(Kind kind, ParserLimits limits);
  virtual ~MessageParser() = default;

  /// Parses on; returns how many bytes it used. Unused ones must come again, with more behind them.
  /// Stops after the header, so that the caller can look at it before the body.
  virtual size_t parse(std::string_view bytes) = 0;
  /// A response without a length ends with its connection.
  virtual void end_of_stream() = 0;
  virtual bool header_done() const = 0;
  virtual bool done() const = 0;
  virtual bool keep_alive() const = 0;
  virtual bool has_body() const = 0;
  /// The response is to HEAD: it has no body, whatever its header says.
  virtual void skip_body() = 0;

  ParseFailure failure;
  std::string method;  // request
  std::string target;  // request
  int status = 0;      // response
  int version = 11;
  Headers headers;
  uint64_t content_length = 0;  // as announced; 0 when it was not
  std::string body;             // the caller may put a buffer here once the header is done
};

}  // namespace vedette::net
