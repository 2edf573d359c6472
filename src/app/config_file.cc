// The configuration file. yaml-cpp stays in here.
#include <yaml-cpp/yaml.h>

#include <climits>
#include <set>

#include "app/config.h"
#include "base/fs.h"
#include "base/time_text.h"
#include "model/labels.h"

namespace vedette::app {
namespace {

class Problems {
 public:
  explicit Problems(std::string_view file) : file_(file) {}

  void add(const YAML::Mark& at, const std::string& what) {
    if (lines_.size() < 50) lines_.push_back(place(at) + ": " + what);
  }
  Status status() const {
    if (lines_.empty()) return {};
    std::string text;
    for (const std::string& line : lines_) text += (text.empty() ? "" : "\n") + line;
    return {Code::kInvalidArgument, text};
  }

 private:
  std::string place(const YAML::Mark& at) const {
    if (at.is_null()) return file_;
    return file_ + ":" + std::to_string(at.line + 1) + ":" + std::to_string(at.column + 1);
  }
  std::string file_;
  std::vector<std::string> lines_;
};

std::string_view kind_of(const YAML::Node& node) {
  switch (node.Type()) {
    case YAML::NodeType::Map:
      return "a section";
    case YAML::NodeType::Sequence:
      return "a list";
    case YAML::NodeType::Scalar:
      return "a single value";
    default:
      return "nothing";
  }
}

/// One mapping of the file. Each key is asked for once; finish() reports those nobody asked for.
class Section {
 public:
  Section(Problems& problems, YAML::Node node, std::string name)
      : problems_(problems), node_(std::move(node)), name_(std::move(name)) {
    if (node_.IsNull()) return;  // "limits:" with everything beneath commented out
    if (!node_.IsMap()) {
      problems_.add(node_.Mark(), name_ + " must be a section of keys and values, not " +
                                      std::string(kind_of(node_)));
      return;
    }
    std::set<std::string> seen;
    for (const auto& entry : node_) {
      if (!entry.first.IsScalar()) {
        problems_.add(entry.first.Mark(), "a key must be a single word");
      } else if (!seen.insert(entry.first.Scalar()).second) {
        problems_.add(entry.first.Mark(), "\"" + entry.first.Scalar() + "\" is given twice");
      } else {
        entries_.emplace_back(entry.first, entry.second);
      }
    }
  }

  std::optional<YAML::Node> find(const std::string& key) {
    known_.push_back(key);
    for (const auto& [name, value] : entries_) {
      if (name.Scalar() == key) return value;
    }
    return std::nullopt;
  }

  /// Reads a single value through `parse`, whose error is reported at the value's place.
  template <typename T, typename Parse>
  bool value(const std::string& key, T& out, Parse&& parse) {
    const auto node = find(key);
    if (!node) return false;
    if (!node->IsScalar()) {
      problems_.add(node->Mark(),
                    key + " must be a single value, not " + std::string(kind_of(*node)));
      return false;
    }
    auto result = parse(std::string_view(node->Scalar()));
    if (!result.ok()) {
      problems_.add(node->Mark(), key + ": " + result.error().message);
      return false;
    }
    out = std::move(result).value();
    return true;
  }

  void finish() {
    for (const auto& [name, value] : entries_) {
      if (std::find(known_.begin(), known_.end(), name.Scalar()) != known_.end()) continue;
      std::string what = "unknown key \"" + name.Scalar() + "\" in " + name_;
      const std::string guess = nearest_word(name.Scalar(), known_);
      if (!guess.empty()) {
        what += "; did you mean \"" + guess + "\"?";
      } else {
        what += "; known are";
        for (size_t i = 0; i < known_.size(); ++i) what += (i ? ", " : " ") + known_[i];
      }
      problems_.add(name.Mark(), what);
    }
  }

  const std::vector<std::pair<YAML::Node, YAML::Node>>& entries() const { return entries_; }
  YAML::Mark mark() const { return node_.Mark(); }

 private:
  Problems& problems_;
  YAML::Node node_;
  std::string name_;
  std::vector<std::pair<YAML::Node, YAML::Node>> entries_;
  std::vector<std::string> known_;
};

Result<std::string> parse_text(std::string_view text) {
  if (text.empty()) return Error{Code::kInvalidArgument, "must not be empty"};
  return std::string(text);
}

Result<std::chrono::milliseconds> parse_interval(std::string_view text) {
  const auto ns = base::parse_duration_ns(text);
  if (!ns || *ns < base::kNsPerMs || *ns > 86400 * base::kNsPerSecond) {
    return Error{
        Code::kInvalidArgument,
        "\"" + std::string(text) + "\" is no duration between 1ms and 24h: write one such as 15s"};
  }
  return std::chrono::milliseconds(*ns / base::kNsPerMs);
}

/// A whole number from `low` to `high`.
auto number_between(uint64_t low, uint64_t high) {
  return [=](std::string_view text) -> Result<uint64_t> {
    uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc() && end == text.data() + text.size() && value >= low && value <= high)
      return value;
    return Error{Code::kInvalidArgument, "\"" + std::string(text) + "\" is no whole number from " +
                                             std::to_string(low) + " to " + std::to_string(high)};
  };
}

auto bytes_between(uint64_t low, uint64_t high) {
  return [=](std::string_view text) -> Result<uint64_t> {
    auto bytes = parse_bytes(text);
    if (bytes.ok() && (*bytes < low || *bytes > high)) {
      return Error{Code::kInvalidArgument, "\"" + std::string(text) + "\" must be between " +
                                               std::to_string(low >> 20) + "MiB and " +
                                               std::to_string(high >> 20) + "MiB"};
    }
    return bytes;
  };
}

/// Host and port without a scheme: the path has its own key.
Result<std::string> parse_target(std::string_view text) {
  if (text.find("://") != std::string_view::npos || text.find('/') != std::string_view::npos) {
    return Error{Code::kInvalidArgument,
                 "\"" + std::string(text) + "\": write host:port alone; the path has its own key"};
  }
  if (auto address = parse_listen_address(text);
      !address.ok() || address->empty() || text.starts_with(':')) {
    return Error{
        Code::kInvalidArgument,
        "\"" + std::string(text) + "\" is no target: write host:port, such as 127.0.0.1:8000"};
  }
  return std::string(text);
}

void read_targets(Problems& problems, Section& section, ScrapeJob& job) {
  const auto node = section.find("targets");
  if (!node || !node->IsSequence() || node->size() == 0) {
    problems.add(node ? node->Mark() : section.mark(),
                 "targets must be a list such as [127.0.0.1:8000]");
    return;
  }
  for (const YAML::Node& item : *node) {
    auto target =
        item.IsScalar()
            ? parse_target(item.Scalar())
            : Result<std::string>(Error{Code::kInvalidArgument, "a target must be host:port"});
    if (target.ok()) {
      job.targets.push_back(std::move(target).value());
    } else {
      problems.add(item.Mark(), target.error().message);
    }
  }
}

void read_labels(Problems& problems, Section& section, ScrapeJob& job) {
  const auto node = section.find("labels");
  if (!node) return;
  const Section labels(problems, *node, "labels");
  for (const auto& [key, value] : labels.entries()) {
    const std::string& name = key.Scalar();
    if (!model::is_legacy_label_name(name) || name.starts_with("__") || name == "job" ||
        name == "instance") {
      problems.add(
          key.Mark(),
          "\"" + name +
              "\" can't be a label here: letters, digits and _ only, not job, instance or __…");
    } else if (!value.IsScalar()) {
      problems.add(value.Mark(), "a label's value must be a single value");
    } else {
      job.labels.emplace_back(name, value.Scalar());
    }
  }
}

void read_scrape_job(Problems& problems, const YAML::Node& node, std::set<std::string>& names,
                     Config& config) {
  Section section(problems, node, "this scrape job");
  ScrapeJob job;
  if (!section.value("job", job.job, parse_text)) {
    problems.add(node.Mark(), "a scrape job needs a name: job: shop");
  } else if (!names.insert(job.job).second) {
    problems.add(node.Mark(), "two scrape jobs are called \"" + job.job + "\"");
  }
  read_targets(problems, section, job);
  section.value("interval", job.interval, parse_interval);
  const bool own_timeout = section.value("timeout", job.timeout, parse_interval);
  if (!own_timeout) job.timeout = std::min(job.timeout, job.interval);
  if (job.timeout > job.interval) problems.add(node.Mark(), "timeout is longer than interval");
  section.value("path", job.path, [](std::string_view text) -> Result<std::string> {
    if (text.starts_with('/')) return std::string(text);
    return Error{Code::kInvalidArgument, "must begin with /"};
  });
  read_labels(problems, section, job);
  section.finish();
  config.scrape.push_back(std::move(job));
}

void read_scrape(Problems& problems, const YAML::Node& node, Config& config) {
  if (node.IsNull()) return;
  if (!node.IsSequence()) {
    problems.add(node.Mark(), "scrape must be a list of jobs, each beginning with \"- job: name\"");
    return;
  }
  std::set<std::string> names;
  for (const YAML::Node& item : node) read_scrape_job(problems, item, names, config);
}

void read_root(Problems& problems, const YAML::Node& node, Config& config) {
  Section root(problems, node, "the file");
  if (const auto listeners = root.find("listeners")) {
    Section section(problems, *listeners, "listeners");
    section.value("http", config.listeners.http, parse_listen_address);
    section.value("otlp_http", config.listeners.otlp_http, parse_listen_address);
    section.value("otlp_grpc", config.listeners.otlp_grpc, parse_listen_address);
    section.finish();
  }
  root.value("data", config.data_dir, parse_text);
  root.value("retention", config.retention, parse_retention);
  root.value("durability", config.durability, parse_durability);
  if (const auto scrape = root.find("scrape")) read_scrape(problems, *scrape, config);
  if (const auto limits = root.find("limits")) {
    Section section(problems, *limits, "limits");
    section.value("request_body", config.limits.request_body_bytes,
                  bytes_between(1u << 20, 1u << 30));
    section.value("connections", config.limits.connections, number_between(1, 1'000'000));
    section.value("write_queue", config.limits.write_queue_bytes,
                  bytes_between(1u << 20, 64ull << 30));
    section.value("head", config.limits.head_bytes, bytes_between(8u << 20, 64ull << 30));
    section.value("query_timeout", config.limits.query_timeout, parse_interval);
    section.value("query_threads", config.limits.query_threads, number_between(0, 256));
    section.finish();
  }
  root.finish();
}

}  // namespace

Status read_config(std::string_view yaml, std::string_view file, Config& config) {
  Problems problems(file);
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(std::string(yaml));
    if (documents.size() > 1)
      problems.add(documents[1].Mark(), "the file has a second document; one is enough");
    if (!documents.empty()) read_root(problems, documents[0], config);
  } catch (const YAML::Exception& e) {
    problems.add(e.mark, "this is no YAML: " + e.msg);
  }
  return problems.status();
}

Status read_config_file(const std::string& path, Config& config) {
  auto text = base::read_file(base::Fs::posix(), path);
  if (!text.ok())
    return {text.error().code, "the configuration can't be read: " + text.error().message};
  return read_config(*text, path, config);
}

}  // namespace vedette::app
