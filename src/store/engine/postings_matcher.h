// One label matcher, made ready to be tried on many values.
//
// Regular expressions are RE2, anchored at both ends, and a dot takes newlines too, as in
// Prometheus (model/labels/regexp.go). The common shapes never reach RE2: a literal, an alternation
// of literals, a literal prefix before `.*` or `.+`, and `.*` and `.+` alone.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/predicate.h"

namespace vedette::store::engine {

class CompiledMatcher {
 public:
  /// kInvalidArgument with RE2's words for a regular expression that it doesn't take.
  static Result<CompiledMatcher> compile(const Matcher& matcher);
  ~CompiledMatcher();
  CompiledMatcher(CompiledMatcher&&) noexcept;
  CompiledMatcher& operator=(CompiledMatcher&&) noexcept;

  const std::string& name() const { return name_; }
  /// Whether the matcher is the negation of what is_literals(), any_value() and hits() are about.
  bool negated() const { return negated_; }
  /// It hits exactly these values (one of them may be "").
  bool is_literals() const { return kind_ == Kind::kLiterals; }
  const std::vector<std::string>& literals() const { return literals_; }
  /// It hits every value that is not empty.
  bool any_value() const { return kind_ == Kind::kAll || kind_ == Kind::kNotEmpty; }

  /// What stands in the matcher, without the negation.
  bool hits(std::string_view value) const;
  bool matches(std::string_view value) const { return hits(value) != negated_; }
  /// Prometheus: a series without the label has it as "".
  bool matches_empty() const { return matches({}); }

 private:
  enum class Kind : uint8_t { kLiterals, kAll, kNotEmpty, kPrefix, kPrefixMore, kRegex };
  struct Regex;
  CompiledMatcher();
  Status compile_regex(const std::string& pattern);

  Kind kind_ = Kind::kLiterals;
  bool negated_ = false;
  std::string name_;
  std::string prefix_;  // kPrefix, kPrefixMore; kRegex: no value without it can match
  std::vector<std::string> literals_;
  std::unique_ptr<Regex> regex_;
};

}  // namespace vedette::store::engine
