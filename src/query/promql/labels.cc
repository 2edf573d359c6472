// label_replace and label_join: they look at series, not at samples.
#include <re2/re2.h>

#include "base/utf8.h"
#include "query/promql/calls.h"

namespace vedette::promql {
namespace {

bool is_label_name(const std::string& name) {
  return !name.empty() && base::is_utf8(name);
}

bool is_word(char c) {
  return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// Go's Regexp.Expand: $1, ${1}, $name, ${name}; $$ is a dollar.
class Template {
 public:
  Template(const std::string& text, const RE2& regex) {
    size_t at = 0;
    while (at < text.size()) {
      const size_t dollar = text.find('$', at);
      add_text(text.substr(at, dollar - at));
      if (dollar == std::string::npos) break;
      at = dollar + 1;
      if (at < text.size() && text[at] == '$') {
        add_text("$");
        ++at;
        continue;
      }
      const bool braced = at < text.size() && text[at] == '{';
      size_t end = at + (braced ? 1 : 0);
      const size_t begin = end;
      while (end < text.size() && is_word(text[end])) ++end;
      if (end == begin || (braced && (end == text.size() || text[end] != '}'))) {
        add_text("$");  // no reference after all
        continue;
      }
      parts_.push_back({{}, group_of(text.substr(begin, end - begin), regex)});
      at = end + (braced ? 1 : 0);
    }
  }

  std::string expand(const std::vector<re2::StringPiece>& groups) const {
    std::string out;
    for (const Part& part : parts_) {
      out += part.text;
      if (part.group >= 0 && part.group < static_cast<int>(groups.size())) {
        const re2::StringPiece& group = groups[static_cast<size_t>(part.group)];
        out.append(group.data(), group.size());
      }
    }
    return out;
  }

 private:
  struct Part {
    std::string text;
    int group = -1;
  };
  void add_text(std::string text) { parts_.push_back({std::move(text), -1}); }

  /// -1 for groups that are not in the expression: they expand to nothing.
  static int group_of(const std::string& name, const RE2& regex) {
    if (name.find_first_not_of("0123456789") == std::string::npos) {
      return name.size() > 8 || (name.size() > 1 && name[0] == '0') ? -1 : std::stoi(name);
    }
    const auto& names = regex.NamedCapturingGroups();
    const auto it = names.find(name);
    return it == names.end() ? -1 : it->second;
  }

  std::vector<Part> parts_;
};

}  // namespace

Result<Matrix> call_label_replace(Evaluator& ev, const Call& call, const Frame& frame) {
  const std::string& target = Evaluator::string(*call.args[1]);
  const std::string& source = Evaluator::string(*call.args[3]);
  const std::string& expression = Evaluator::string(*call.args[4]);
  RE2::Options options;
  options.set_log_errors(false);
  options.set_dot_nl(true);
  const RE2 regex(expression, options);
  if (!regex.ok()) {
    return Error{Code::kExecution, "invalid regular expression in label_replace(): " + expression};
  }
  if (!is_label_name(target)) {
    return Error{Code::kExecution, "invalid destination label name in label_replace(): " + target};
  }
  const Template replacement(Evaluator::string(*call.args[2]), regex);
  ASSIGN_OR_RETURN(Matrix out, ev.vector(*call.args[0], frame));
  std::vector<re2::StringPiece> groups(static_cast<size_t>(regex.NumberOfCapturingGroups()) + 1);
  for (Series& series : out) {
    const std::string value(series.labels.get(source));
    if (!regex.Match(value, 0, value.size(), RE2::ANCHOR_BOTH, groups.data(),
                     static_cast<int>(groups.size())))
      continue;
    series.labels.set(target, replacement.expand(groups));
  }
  return merge_duplicates(std::move(out));
}

Result<Matrix> call_label_join(Evaluator& ev, const Call& call, const Frame& frame) {
  const std::string& target = Evaluator::string(*call.args[1]);
  const std::string& separator = Evaluator::string(*call.args[2]);
  for (size_t i = 3; i < call.args.size(); ++i) {
    const std::string& source = Evaluator::string(*call.args[i]);
    if (!is_label_name(source)) {
      return Error{Code::kExecution, "invalid source label name in label_join(): " + source};
    }
  }
  if (!is_label_name(target)) {
    return Error{Code::kExecution, "invalid destination label name in label_join(): " + target};
  }
  ASSIGN_OR_RETURN(Matrix out, ev.vector(*call.args[0], frame));
  for (Series& series : out) {
    std::string value;
    for (size_t i = 3; i < call.args.size(); ++i) {
      if (i > 3) value += separator;
      value += series.labels.get(Evaluator::string(*call.args[i]));
    }
    series.labels.set(target, value);
  }
  return merge_duplicates(std::move(out));
}

}  // namespace vedette::promql
