#include "store/engine/postings_index.h"

#include <algorithm>
#include <mutex>

namespace vedette::store::engine {
namespace {

/// Values looked at under one hold of the mutex.
constexpr size_t kValuesPerHold = 1024;

}  // namespace

void PostingsIndex::add(SeriesId id, std::span<const LabelView> labels) {
  const std::unique_lock lock(mutex_);
  all_.add(id);
  for (const LabelView& label : labels) {
    auto name = names_.find(label.name);
    if (name == names_.end()) {
      auto made = std::make_unique<Name>();
      made->text = label.name;
      const std::string_view key = made->text;
      name = names_.emplace(key, std::move(made)).first;
    }
    Name& n = *name->second;
    n.ids.add(id);
    auto value = n.values.find(label.value);
    if (value == n.values.end()) {
      auto made = std::make_unique<Value>();
      made->text = label.value;
      made->place = n.list.size();
      const std::string_view key = made->text;
      n.list.push_back(made.get());
      value = n.values.emplace(key, std::move(made)).first;
    }
    value->second->ids.add(id);
  }
}

void PostingsIndex::remove(SeriesId id, std::span<const LabelView> labels) {
  const std::unique_lock lock(mutex_);
  all_.remove(id);
  for (const LabelView& label : labels) {
    const auto name = names_.find(label.name);
    if (name == names_.end()) continue;
    Name& n = *name->second;
    n.ids.remove(id);
    const auto value = n.values.find(label.value);
    if (value == n.values.end()) continue;
    value->second->ids.remove(id);
    if (value->second->ids.empty()) {
      const Value* last = n.list.back();
      const size_t place = value->second->place;
      n.values.find(last->text)->second->place = place;
      n.list[place] = last;
      n.list.pop_back();
      n.values.erase(value);
    }
    if (n.ids.empty()) names_.erase(name);
  }
}

const PostingsIndex::Name* PostingsIndex::find(std::string_view name) const {
  const std::shared_lock lock(mutex_);
  const auto it = names_.find(name);
  return it == names_.end() ? nullptr : it->second.get();
}

std::vector<const PostingsIndex::Value*> PostingsIndex::list(const Name* name) const {
  const std::shared_lock lock(mutex_);
  return name->list;
}

size_t PostingsIndex::cardinality(std::string_view name) const {
  const std::shared_lock lock(mutex_);
  const auto it = names_.find(name);
  return it == names_.end() ? 0 : it->second->list.size();
}

PostingsSet PostingsIndex::hit_series(const Name* name, const CompiledMatcher& matcher) const {
  PostingsSet out;
  if (!name) return out;
  if (matcher.any_value()) {
    const std::shared_lock lock(mutex_);
    return name->ids;
  }
  if (matcher.is_literals()) {
    const std::shared_lock lock(mutex_);
    for (const std::string& literal : matcher.literals()) {
      const auto value = name->values.find(literal);
      if (value != name->values.end()) out.unite(value->second->ids);
    }
    return out;
  }
  std::vector<const Value*> hit = list(name);
  std::erase_if(hit, [&matcher](const Value* value) { return !matcher.hits(value->text); });
  for (size_t i = 0; i < hit.size();) {
    const std::shared_lock lock(mutex_);
    for (const size_t end = std::min(hit.size(), i + kValuesPerHold); i < end; ++i)
      out.unite(hit[i]->ids);
  }
  return out;
}

Result<PostingsSet> PostingsIndex::select(std::span<const Matcher> matchers) const {
  std::optional<PostingsSet> out;
  std::vector<PostingsSet> without;
  for (const Matcher& matcher : matchers) {
    ASSIGN_OR_RETURN(CompiledMatcher compiled, CompiledMatcher::compile(matcher));
    const Name* name = find(compiled.name());
    if (compiled.matches_empty()) {
      // All series but those with a value that the matcher refuses.
      PostingsSet refused;
      if (compiled.negated()) {
        refused = hit_series(name, compiled);
      } else if (name && !(compiled.any_value())) {
        {
          const std::shared_lock lock(mutex_);
          refused = name->ids;
        }
        refused.subtract(hit_series(name, compiled));
      }
      without.push_back(std::move(refused));
      continue;
    }
    PostingsSet fits;
    if (!compiled.negated()) {
      fits = hit_series(name, compiled);
    } else if (name) {
      {
        const std::shared_lock lock(mutex_);
        fits = name->ids;
      }
      fits.subtract(hit_series(name, compiled));
    }
    if (out) {
      out->intersect(fits);
    } else {
      out = std::move(fits);
    }
    if (out->empty()) return PostingsSet();
  }
  if (!out) {
    const std::shared_lock lock(mutex_);
    out = all_;
  }
  for (const PostingsSet& refused : without) out->subtract(refused);
  return std::move(*out);
}

std::vector<std::string> PostingsIndex::names(const PostingsSet* among) const {
  std::vector<std::string> out;
  const std::shared_lock lock(mutex_);
  for (const auto& [text, name] : names_) {
    if (!among || among->intersects(name->ids)) out.emplace_back(text);
  }
  return out;
}

std::vector<std::string> PostingsIndex::values(std::string_view label,
                                               const PostingsSet* among) const {
  std::vector<std::string> out;
  const Name* name = find(label);
  if (!name) return out;
  const std::vector<const Value*> all = list(name);
  for (size_t i = 0; i < all.size();) {
    const std::shared_lock lock(mutex_);
    for (const size_t end = std::min(all.size(), i + kValuesPerHold); i < end; ++i) {
      if (!among || among->intersects(all[i]->ids)) out.push_back(all[i]->text);
    }
  }
  return out;
}

}  // namespace vedette::store::engine
