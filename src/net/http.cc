#include "net/http.h"

#include "base/log.h"

namespace vedette::net {

Responder::~Responder() {
  if (!send_) return;
  (*this)({.status = 500,
           .content_type = "text/plain",
           .body = "the request was dropped unanswered\n"});
}

void Responder::operator()(HttpResponse&& response) {
  if (auto send = std::exchange(send_, nullptr)) send(std::move(response));
}

GrpcResponder::~GrpcResponder() {
  if (!send_) return;
  (*this)({.code = GrpcCode::kInternal, .error = "the request was dropped unanswered"});
}

void GrpcResponder::operator()(GrpcResponse&& response) {
  if (auto send = std::exchange(send_, nullptr)) send(std::move(response));
}

int http_status(Code code) {
  switch (code) {
    case Code::kInvalidArgument:
      return 400;
    case Code::kNotFound:
      return 404;
    case Code::kAlreadyExists:
      return 409;
    case Code::kTooLarge:
      return 413;
    case Code::kResourceExhausted:
      return 429;
    case Code::kUnavailable:
      return 503;
    case Code::kDeadlineExceeded:
      return 504;
    case Code::kCancelled:
      return 499;
    case Code::kUnimplemented:
      return 501;
    case Code::kExecution:
      return 422;
    case Code::kIo:
    case Code::kCorruption:
    case Code::kInternal:
      return 500;
  }
  return 500;
}

}  // namespace vedette::net
