// One predicate's condition, ready to be asked of values.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/attributes.h"
#include "store/predicate.h"

namespace vedette::store::engine {

/// Const and thread-safe once made.
class ValueCheck {
 public:
  /// kInvalidArgument for a regular expression that is none.
  static Result<ValueCheck> make(const Predicate& predicate);

  bool missing() const;
  bool text(std::string_view text) const;
  bool integer(int64_t v) const;
  bool real(double v) const;
  bool value(const model::Value& v, const model::StringTable& strings) const;

 private:
  struct Regex;
  bool number(double v) const;

  Op op_ = Op::kEqual;
  std::string text_;  // in lower case for kWord
  std::optional<double> number_;
  std::shared_ptr<const Regex> regex_;
};

}  // namespace vedette::store::engine
