// Arithmetic and comparison between two vectors. Series are matched once, by label set; only where
// several series share a match group does it matter which of them has a value at a step.
#include <algorithm>

#include "query/promql/operators.h"
#include "query/promql/text.h"

namespace vedette::promql {

uint32_t MatchGroups::group_of(const model::Labels& labels) {
  key_.clear();
  const auto& names = matching_.labels;
  if (matching_.on) {
    for (const std::string& name : names) key_.append(labels.get(name)).push_back('\xff');
  } else {
    for (const model::Label& label : labels.items()) {
      if (label.name == model::kMetricName ||
          std::find(names.begin(), names.end(), label.name) != names.end())
        continue;
      key_.append(label.name).push_back('\xff');
      key_.append(label.value).push_back('\xff');
    }
  }
  return groups_.try_emplace(key_, static_cast<uint32_t>(groups_.size())).first->second;
}

std::vector<uint32_t> MatchGroups::groups_of(const Matrix& matrix) {
  std::vector<uint32_t> out;
  out.reserve(matrix.size());
  for (const Series& series : matrix) out.push_back(group_of(series.labels));
  return out;
}

namespace {

std::vector<bool> any_present(const Matrix& matrix, size_t steps) {
  std::vector<bool> out(steps);
  for (const Series& series : matrix) {
    for (size_t step = 0; step < steps; ++step) {
      if (is_present(series.values[step])) out[step] = true;
    }
  }
  return out;
}

void keep_only(model::Labels& labels, const std::vector<std::string>& names) {
  std::vector<model::Label> kept;
  for (const model::Label& label : labels.items()) {
    if (std::find(names.begin(), names.end(), label.name) != names.end()) kept.push_back(label);
  }
  labels = model::Labels::of(std::move(kept));
}

class VectorMatcher {
 public:
  VectorMatcher(Evaluator& ev, const Binary& node, const Frame& frame)
      : ev_(ev), node_(node), matching_(*node.matching), frame_(frame), out_(frame.steps) {}

  Result<Matrix> run() {
    swapped_ = matching_.cardinality == Cardinality::kOneToMany;
    ASSIGN_OR_RETURN(Matrix lhs, ev_.vector(*node_.lhs, frame_));
    ASSIGN_OR_RETURN(Matrix rhs, ev_.vector(*node_.rhs, frame_));
    many_ = std::move(swapped_ ? rhs : lhs);
    one_ = std::move(swapped_ ? lhs : rhs);
    if (many_.empty() || one_.empty()) return Matrix{};
    MatchGroups groups(matching_);
    many_group_ = groups.groups_of(many_);
    const std::vector<uint32_t> one_group = groups.groups_of(one_);
    many_in_.resize(groups.size());
    ones_of_.resize(groups.size());
    for (const uint32_t group : many_group_) ++many_in_[group];
    for (uint32_t i = 0; i < one_.size(); ++i) ones_of_[one_group[i]].push_back(i);
    RETURN_IF_ERROR(check_one_side());
    RETURN_IF_ERROR(make_pairs());
    for (const Pair& pair : pairs_) RETURN_IF_ERROR(compute(pair));
    return out_.take();
  }

 private:
  struct Pair {
    uint32_t many;
    uint32_t one;
    size_t result;
    uint64_t match;  // result and group; where several pairs have it, no two may meet at a step
  };

  /// The "one" side must have at most one value per group and step.
  Status check_one_side() const {
    const bool shared = std::any_of(ones_of_.begin(), ones_of_.end(),
                                    [](const auto& ones) { return ones.size() > 1; });
    if (!shared) return {};
    const std::vector<bool> any_many = any_present(many_, frame_.steps);
    for (const std::vector<uint32_t>& ones : ones_of_) {
      for (size_t step = 0; ones.size() > 1 && step < frame_.steps; ++step) {
        if (!any_many[step]) continue;  // against nothing, nothing is compared
        const Series* before = nullptr;
        for (const uint32_t i : ones) {
          if (!is_present(one_[i].values[step])) continue;
          if (before) return duplicate(one_[i].labels, before->labels);
          before = &one_[i];
        }
      }
    }
    return {};
  }

  Status duplicate(const model::Labels& second, const model::Labels& first) const {
    model::Labels group = second;
    if (matching_.on) {
      keep_only(group, matching_.labels);
    } else {
      group.set(model::kMetricName, {});
      for (const std::string& name : matching_.labels) group.set(name, {});
    }
    return {Code::kExecution,
            "found duplicate series for the match group " + format_labels(group) + " on the " +
                (swapped_ ? "left" : "right") + " hand-side of the operation: [" +
                format_labels(second) + ", " + format_labels(first) +
                "];many-to-many matching not allowed: matching labels must be unique on one side"};
  }

  Status make_pairs() {
    for (uint32_t many = 0; many < many_.size(); ++many) {
      RETURN_IF_ERROR(ev_.check());
      const uint32_t group = many_group_[many];
      for (const uint32_t one : ones_of_[group]) {
        const size_t before = out_.size();
        const size_t result = out_.find_or_add(result_labels(many_[many].labels, one_[one].labels));
        if (out_.size() > before) RETURN_IF_ERROR(ev_.charge(frame_.steps));
        // One-to-one: any two meetings in a group are too many.
        const bool one_to_one = matching_.cardinality == Cardinality::kOneToOne;
        const uint64_t match = uint64_t{group} << 32 | (one_to_one ? 0 : result);
        pairs_.push_back({many, one, result, match});
        if (many_in_[group] > 1 && ++uses_[match] == 2)
          matched_.emplace(match, std::vector<bool>(frame_.steps));
      }
    }
    return {};
  }

  model::Labels result_labels(const model::Labels& many, const model::Labels& one) const {
    model::Labels out = many;
    if (!is_comparison(node_.op) || node_.return_bool) drop_name(out);
    if (matching_.cardinality == Cardinality::kOneToOne) {
      if (matching_.on) {
        keep_only(out, matching_.labels);
      } else {
        for (const std::string& name : matching_.labels) out.set(name, {});
      }
    }
    for (const std::string& name : matching_.include) out.set(name, one.get(name));
    return out;
  }

  Status compute(const Pair& pair) {
    const std::vector<double>& many = many_[pair.many].values;
    const std::vector<double>& one = one_[pair.one].values;
    const auto shared = matched_.find(pair.match);
    std::vector<bool>* matched = shared == matched_.end() ? nullptr : &shared->second;
    return with_operator(node_.op, [&](auto op) -> Status {
      for (size_t step = 0; step < frame_.steps; ++step) {
        if (!is_present(many[step]) || !is_present(one[step])) continue;
        if (matched) {
          if ((*matched)[step]) return ambiguous();
          (*matched)[step] = true;
        }
        OperatorResult r = swapped_ ? op(one[step], many[step]) : op(many[step], one[step]);
        if (node_.return_bool) r = {r.keep ? 1.0 : 0.0, true};
        if (r.keep) RETURN_IF_ERROR(out_.put(pair.result, step, r.value));
      }
      return {};
    });
  }

  Status ambiguous() const {
    const bool one_to_one = matching_.cardinality == Cardinality::kOneToOne;
    return {Code::kExecution,
            one_to_one ? "multiple matches for labels: many-to-one matching must be explicit "
                         "(group_left/group_right)"
                       : "multiple matches for labels: grouping labels must ensure unique matches"};
  }

  Evaluator& ev_;
  const Binary& node_;
  const VectorMatching& matching_;
  const Frame frame_;
  bool swapped_ = false;
  Matrix many_;
  Matrix one_;
  std::vector<uint32_t> many_group_;            // of each series
  std::vector<uint32_t> many_in_;               // how many, by group
  std::vector<std::vector<uint32_t>> ones_of_;  // by group
  std::vector<Pair> pairs_;
  std::unordered_map<uint64_t, uint32_t> uses_;
  std::unordered_map<uint64_t, std::vector<bool>> matched_;  // steps that a shared match has met at
  SeriesSet out_;
};

}  // namespace

Result<Matrix> evaluate_vector_matching(Evaluator& ev, const Binary& node, const Frame& frame) {
  return VectorMatcher(ev, node, frame).run();
}

}  // namespace vedette::promql
