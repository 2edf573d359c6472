// Errors as values: Status and Result<T>, in the shape of std::expected.
//
// A message is written for the person who has to act on it. Exceptions of third-party libraries are
// caught in the .cc file that calls them and never cross a module.
#pragma once

#include <cassert>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace vedette::base {

/// What kind of failure it is; maps one to one to an HTTP and a gRPC status at the border.
enum class Code : uint8_t {
  kInvalidArgument,  // the caller's input is wrong; a retry will fail again
  kNotFound,
  kAlreadyExists,
  kTooLarge,           // over a size limit: HTTP 413, RESOURCE_EXHAUSTED
  kResourceExhausted,  // short of something now; retry later: HTTP 429
  kUnavailable,        // not ready, or stopping; retry later: HTTP 503
  kDeadlineExceeded,
  kCancelled,
  kUnimplemented,
  kExecution,   // a valid query that can't be answered: HTTP 422
  kIo,          // the operating system refused
  kCorruption,  // stored bytes fail their checksum or their format
  kInternal,    // a bug of ours
};

std::string_view code_name(Code code);

struct Error {
  Code code = Code::kInternal;
  std::string message;
};

/// Success or an Error.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Error error)
      : error_(std::move(error)) {}  // NOLINT: implicit, so `return Error{…}` reads well
  Status(Code code, std::string message) : error_(Error{code, std::move(message)}) {}

  bool ok() const { return !error_; }
  explicit operator bool() const { return ok(); }
  const Error& error() const {
    assert(error_);
    return *error_;
  }

 private:
  std::optional<Error> error_;
};

/// A T or an Error.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & {
    assert(ok());
    return *std::get_if<0>(&state_);
  }
  const T& value() const& {
    assert(ok());
    return *std::get_if<0>(&state_);
  }
  T&& value() && {
    assert(ok());
    return std::move(*std::get_if<0>(&state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const {
    assert(!ok());
    return *std::get_if<1>(&state_);
  }
  Status status() const { return ok() ? Status() : Status(error()); }

 private:
  std::variant<T, Error> state_;
};

}  // namespace vedette::base

namespace vedette {
using base::Code;
using base::Error;
using base::Result;
using base::Status;
}  // namespace vedette

#define VEDETTE_CONCAT_INNER(a, b) a##b
#define VEDETTE_CONCAT(a, b) VEDETTE_CONCAT_INNER(a, b)

/// Returns the error of a Status expression, if it has one.
#define RETURN_IF_ERROR(expr)                                                              \
  do {                                                                                     \
    if (auto vedette_status = (expr); !vedette_status.ok()) return vedette_status.error(); \
  } while (false)

/// Declares or assigns `lhs` from a Result expression, or returns its error.
#define ASSIGN_OR_RETURN(lhs, expr) \
  ASSIGN_OR_RETURN_IMPL(VEDETTE_CONCAT(vedette_result_, __LINE__), lhs, expr)
#define ASSIGN_OR_RETURN_IMPL(tmp, lhs, expr) \
  auto tmp = (expr);                          \
  if (!tmp.ok()) return tmp.error();          \
  lhs = std::move(tmp).value()
