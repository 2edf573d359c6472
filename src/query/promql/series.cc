#include "query/promql/series.h"

#include <algorithm>

#include "base/string_table.h"

namespace vedette::promql {

uint64_t hash_labels(const model::Labels& labels) {
  uint64_t hash = labels.size();
  for (const model::Label& label : labels.items()) {
    for (const std::string* text : {&label.name, &label.value}) {
      hash = (hash ^ base::hash_string(*text)) * 0x9e3779b97f4a7c15;
      hash ^= hash >> 32;
    }
  }
  return hash;
}

void drop_name(model::Labels& labels) {
  labels.set(model::kMetricName, {});
  labels.set("__type__", {});
  labels.set("__unit__", {});
}

size_t SeriesSet::find_or_add(model::Labels&& labels) {
  const uint64_t hash = hash_labels(labels);
  const auto [begin, end] = by_hash_.equal_range(hash);
  for (auto it = begin; it != end; ++it) {
    if (matrix_[it->second].labels == labels) return it->second;
  }
  by_hash_.emplace(hash, static_cast<uint32_t>(matrix_.size()));
  matrix_.push_back({std::move(labels), std::vector<double>(steps_, absent())});
  return matrix_.size() - 1;
}

Status SeriesSet::put(size_t i, size_t step, double value) {
  double& at = matrix_[i].values[step];
  if (is_present(at)) return duplicate_labels();
  at = value;
  return {};
}

Matrix SeriesSet::take() {
  drop_empty(matrix_);
  by_hash_.clear();
  return std::move(matrix_);
}

Error duplicate_labels() {
  return {Code::kExecution, "vector cannot contain metrics with the same labelset"};
}

bool has_duplicates(const Matrix& matrix) {
  if (matrix.size() < 2) return false;
  std::unordered_multimap<uint64_t, const model::Labels*> seen;
  seen.reserve(matrix.size());
  for (const Series& series : matrix) {
    const uint64_t hash = hash_labels(series.labels);
    const auto [begin, end] = seen.equal_range(hash);
    for (auto it = begin; it != end; ++it) {
      if (*it->second == series.labels) return true;
    }
    seen.emplace(hash, &series.labels);
  }
  return false;
}

Result<Matrix> merge_duplicates(Matrix matrix) {
  if (!has_duplicates(matrix)) return matrix;
  SeriesSet merged(matrix.front().values.size());
  for (Series& series : matrix) {
    const size_t i = merged.find_or_add(std::move(series.labels));
    for (size_t step = 0; step < series.values.size(); ++step) {
      if (is_present(series.values[step]))
        RETURN_IF_ERROR(merged.put(i, step, series.values[step]));
    }
  }
  return merged.take();
}

void drop_empty(Matrix& matrix) {
  std::erase_if(matrix, [](const Series& s) {
    return std::none_of(s.values.begin(), s.values.end(), is_present);
  });
}

}  // namespace vedette::promql
