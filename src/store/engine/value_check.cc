#include "store/engine/value_check.h"

#include <re2/re2.h>

#include "store/engine/words.h"

namespace vedette::store::engine {

struct ValueCheck::Regex {
  explicit Regex(const std::string& pattern) : re(pattern, options()) {}
  static re2::RE2::Options options() {
    re2::RE2::Options o;
    o.set_log_errors(false);
    o.set_max_mem(8 << 20);
    // Stored text may be any bytes; '.' then still matches each of them.
    o.set_encoding(re2::RE2::Options::EncodingUTF8);
    return o;
  }
  re2::RE2 re;
};

Result<ValueCheck> ValueCheck::make(const Predicate& predicate) {
  ValueCheck test;
  test.op_ = predicate.op;
  test.text_ = predicate.op == Op::kWord ? lower(predicate.text) : predicate.text;
  test.number_ = predicate.number;
  if (predicate.op == Op::kRegex || predicate.op == Op::kNotRegex) {
    auto regex = std::make_shared<Regex>(predicate.text);
    if (!regex->re.ok()) {
      return Error{Code::kInvalidArgument,
                   "bad regular expression \"" + predicate.text + "\": " + regex->re.error()};
    }
    test.regex_ = std::move(regex);
  }
  return test;
}

bool ValueCheck::missing() const {
  if (op_ == Op::kNotExists) return true;
  if (op_ == Op::kExists) return false;
  if (number_ && op_ == Op::kEqual) return false;
  if (number_ && op_ == Op::kNotEqual) return true;
  return text({});
}

bool ValueCheck::text(std::string_view text) const {
  switch (op_) {
    case Op::kEqual:
      return text == text_;
    case Op::kNotEqual:
      return text != text_;
    case Op::kRegex:
      return re2::RE2::PartialMatch({text.data(), text.size()}, regex_->re);
    case Op::kNotRegex:
      return !re2::RE2::PartialMatch({text.data(), text.size()}, regex_->re);
    case Op::kContains:
      return text.find(text_) != std::string_view::npos;
    case Op::kNotContains:
      return text.find(text_) == std::string_view::npos;
    case Op::kWord:
      return has_word(text, text_);
    case Op::kExists:
      return true;
    case Op::kNotExists:
    case Op::kLess:
    case Op::kLessOrEqual:
    case Op::kGreater:
    case Op::kGreaterOrEqual:
      return false;
  }
  return false;
}

bool ValueCheck::number(double v) const {
  switch (op_) {
    case Op::kEqual:
      return v == *number_;
    case Op::kNotEqual:
      return v != *number_;
    case Op::kLess:
      return number_ && v < *number_;
    case Op::kLessOrEqual:
      return number_ && v <= *number_;
    case Op::kGreater:
      return number_ && v > *number_;
    case Op::kGreaterOrEqual:
      return number_ && v >= *number_;
    default:
      return false;
  }
}

bool ValueCheck::integer(int64_t v) const {
  if (op_ >= Op::kLess && op_ <= Op::kGreaterOrEqual) return number(static_cast<double>(v));
  if (number_ && (op_ == Op::kEqual || op_ == Op::kNotEqual)) return number(static_cast<double>(v));
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, v).ptr;
  return text({digits, static_cast<size_t>(end - digits)});
}

bool ValueCheck::real(double v) const {
  if (op_ >= Op::kLess && op_ <= Op::kGreaterOrEqual) return number(v);
  if (number_ && (op_ == Op::kEqual || op_ == Op::kNotEqual)) return number(v);
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, v).ptr;
  return text({digits, static_cast<size_t>(end - digits)});
}

bool ValueCheck::value(const model::Value& v, const model::StringTable& strings) const {
  switch (v.type) {
    case model::ValueType::kInt:
      return integer(v.as_int());
    case model::ValueType::kDouble:
      return real(v.as_double());
    case model::ValueType::kString:
    case model::ValueType::kArray:
    case model::ValueType::kMap:
      return text(strings[v.text_id()]);
    default:
      return text(v.to_string(strings));
  }
}

}  // namespace vedette::store::engine
