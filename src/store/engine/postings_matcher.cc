#include "store/engine/postings_matcher.h"

#include <re2/re2.h>

#include <algorithm>

namespace vedette::store::engine {

struct CompiledMatcher::Regex {
  Regex(const std::string& pattern, const re2::RE2::Options& options) : re(pattern, options) {}
  re2::RE2 re;
};

namespace {

bool is_meta(char c) {
  return std::string_view("\\.+*?()|[]{}^$").find(c) != std::string_view::npos;
}
bool is_literal(std::string_view text) {
  return std::none_of(text.begin(), text.end(), is_meta);
}

/// The alternatives of a|b|c where all of them are literals; empty otherwise.
std::vector<std::string> literal_alternatives(std::string_view pattern) {
  std::vector<std::string> out;
  for (size_t begin = 0;;) {
    const size_t bar = pattern.find('|', begin);
    const std::string_view part = pattern.substr(begin, bar - begin);
    if (!is_literal(part)) return {};
    out.emplace_back(part);
    if (bar == std::string_view::npos) break;
    begin = bar + 1;
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

/// Characters that every match begins with.
std::string_view literal_prefix(std::string_view pattern) {
  if (pattern.find('|') != std::string_view::npos) return {};
  size_t n = 0;
  while (n < pattern.size() && !is_meta(pattern[n])) ++n;
  // A quantifier may make the character before it optional; that character may be of several bytes.
  if (n < pattern.size() && std::string_view("*?{+").find(pattern[n]) != std::string_view::npos) {
    while (n > 0 && (static_cast<unsigned char>(pattern[n - 1]) & 0xc0) == 0x80) --n;
    if (n > 0) --n;
  }
  return pattern.substr(0, n);
}

}  // namespace

CompiledMatcher::CompiledMatcher() = default;
CompiledMatcher::~CompiledMatcher() = default;
CompiledMatcher::CompiledMatcher(CompiledMatcher&&) noexcept = default;
CompiledMatcher& CompiledMatcher::operator=(CompiledMatcher&&) noexcept = default;

Result<CompiledMatcher> CompiledMatcher::compile(const Matcher& matcher) {
  CompiledMatcher out;
  out.name_ = matcher.name;
  out.negated_ = matcher.op == MatchOp::kNotEqual || matcher.op == MatchOp::kNotRegex;
  if (matcher.op == MatchOp::kEqual || matcher.op == MatchOp::kNotEqual) {
    out.literals_ = {matcher.value};
  } else {
    RETURN_IF_ERROR(out.compile_regex(matcher.value));
  }
  return out;
}

Status CompiledMatcher::compile_regex(const std::string& pattern) {
  literals_ = literal_alternatives(pattern);
  if (!literals_.empty()) return {};
  prefix_ = std::string(literal_prefix(pattern));
  const std::string_view rest = std::string_view(pattern).substr(prefix_.size());
  if (rest == ".*") {
    kind_ = prefix_.empty() ? Kind::kAll : Kind::kPrefix;
    return {};
  }
  if (rest == ".+") {
    kind_ = prefix_.empty() ? Kind::kNotEmpty : Kind::kPrefixMore;
    return {};
  }
  kind_ = Kind::kRegex;
  re2::RE2::Options options;
  options.set_log_errors(false);
  regex_ = std::make_unique<Regex>("(?s:" + pattern + ")", options);
  if (regex_->re.ok()) return {};
  return {Code::kInvalidArgument, "the regular expression \"" + pattern +
                                      "\" of the matcher on \"" + name_ +
                                      "\" is not valid: " + regex_->re.error()};
}

bool CompiledMatcher::hits(std::string_view value) const {
  switch (kind_) {
    case Kind::kLiterals:
      return std::find(literals_.begin(), literals_.end(), value) != literals_.end();
    case Kind::kAll:
      return true;
    case Kind::kNotEmpty:
      return !value.empty();
    case Kind::kPrefix:
      return value.starts_with(prefix_);
    case Kind::kPrefixMore:
      return value.starts_with(prefix_) && value.size() > prefix_.size();
    case Kind::kRegex:
      return value.starts_with(prefix_) &&
             re2::RE2::FullMatch(re2::StringPiece(value.data(), value.size()), regex_->re);
  }
  return false;
}

}  // namespace vedette::store::engine
