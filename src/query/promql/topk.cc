// topk and bottomk. Which of several equal values stay is decided as Prometheus does it, by the
// moves of a binary heap, so that answers agree on ties.
#include <algorithm>
#include <cmath>

#include "query/promql/aggregate.h"
#include "query/promql/text.h"

namespace vedette::promql {
namespace {

struct Item {
  double value;
  uint32_t series;
};

/// Keeps the `k` best items; the worst is on top.
class BestOf {
 public:
  BestOf(bool top, size_t k) : top_(top), k_(k) {}

  void add(Item item) {
    if (items_.size() < k_) {
      items_.push_back(item);
      up(items_.size() - 1);
    } else if (better(item.value, items_[0].value)) {
      items_[0] = item;
      down(0);
    }
  }
  /// The best first.
  std::vector<Item> sorted() {
    std::stable_sort(items_.begin(), items_.end(), [this](const Item& a, const Item& b) {
      if (std::isnan(a.value) || std::isnan(b.value)) return !std::isnan(a.value);
      return top_ ? a.value > b.value : a.value < b.value;
    });
    return std::move(items_);
  }
  const std::vector<Item>& items() const { return items_; }

 private:
  bool better(double a, double b) const {
    return (top_ ? b < a : b > a) || (std::isnan(b) && !std::isnan(a));
  }
  bool worse(size_t i, size_t j) const {
    const double a = items_[i].value, b = items_[j].value;
    return std::isnan(a) || (top_ ? a < b : a > b);
  }
  void up(size_t i) {
    while (i > 0) {
      const size_t parent = (i - 1) / 2;
      if (!worse(i, parent)) return;
      std::swap(items_[i], items_[parent]);
      i = parent;
    }
  }
  void down(size_t i) {
    while (2 * i + 1 < items_.size()) {
      size_t child = 2 * i + 1;
      if (child + 1 < items_.size() && worse(child + 1, child)) ++child;
      if (!worse(child, i)) return;
      std::swap(items_[i], items_[child]);
      i = child;
    }
  }

  const bool top_;
  const size_t k_;
  std::vector<Item> items_;
};

/// k at each step, at most `max`; an error where it is no number of series.
Result<std::vector<size_t>> counts(const std::vector<double>& parameter, size_t max) {
  std::vector<size_t> out;
  out.reserve(parameter.size());
  constexpr double kLimit = 9223372036854775807.0;
  for (double k : parameter) {
    if (std::isnan(k)) return Error{Code::kExecution, "Parameter value is NaN"};
    if (k <= -kLimit)
      return Error{Code::kExecution, "Scalar value " + format_general(k) + " underflows int64"};
    if (k >= kLimit)
      return Error{Code::kExecution, "Scalar value " + format_general(k) + " overflows int64"};
    out.push_back(k < 1 ? 0 : std::min(static_cast<size_t>(k), max));
  }
  return out;
}

}  // namespace

Result<Matrix> aggregate_topk(Evaluator& ev, const Aggregate& node, const Frame& frame) {
  ASSIGN_OR_RETURN(const std::vector<double> parameter, ev.scalar(*node.parameter, frame));
  ASSIGN_OR_RETURN(Matrix in, ev.vector(*node.expr, frame));
  if (std::all_of(parameter.begin(), parameter.end(), [](double k) { return k < 1; }))
    return Matrix{};
  ASSIGN_OR_RETURN(const std::vector<size_t> k, counts(parameter, in.size()));
  const bool top = node.op == Tok::kTopk;
  const std::vector<Group> groups = group_series(node, in);
  if (frame.steps == 1) {
    Matrix out;
    for (const Group& group : groups) {
      BestOf best(top, k[0]);
      for (const uint32_t i : group.members) best.add({in[i].values[0], i});
      for (const Item& item : best.sorted()) out.push_back(std::move(in[item.series]));
    }
    return out;
  }
  RETURN_IF_ERROR(ev.charge(in.size() * frame.steps));
  Matrix out;
  for (Series& series : in)
    out.push_back({std::move(series.labels), std::vector<double>(frame.steps, absent())});
  for (const Group& group : groups) {
    RETURN_IF_ERROR(ev.check());
    for (size_t step = 0; step < frame.steps; ++step) {
      if (k[step] == 0) continue;
      BestOf best(top, k[step]);
      for (const uint32_t i : group.members) {
        if (is_present(in[i].values[step])) best.add({in[i].values[step], i});
      }
      for (const Item& item : best.items()) out[item.series].values[step] = item.value;
    }
  }
  drop_empty(out);
  return out;
}

}  // namespace vedette::promql
