#include "ingest/retry.h"

#include "net/http.h"

namespace vedette::ingest {

std::optional<std::chrono::seconds> retry_after(Code code) {
  switch (code) {
    case Code::kResourceExhausted:
      return std::chrono::seconds(1);
    case Code::kUnavailable:
      return std::chrono::seconds(5);
    case Code::kIo:
      return std::chrono::seconds(10);
    default:
      return std::nullopt;
  }
}

int write_error_status(Code code) {
  // A disk that fails now may work again: the data is good, so the sender should keep it.
  return code == Code::kIo ? 503 : net::http_status(code);
}

}  // namespace vedette::ingest
