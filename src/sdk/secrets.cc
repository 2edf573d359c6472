#include "sdk/secrets.h"

#include <re2/re2.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <mutex>

#include "sdk/url_text.h"

namespace vedette::sdk {
namespace {

constexpr std::string_view kRedacted = "REDACTED";

/// Last parts of keys, in lower case with "_".
constexpr std::string_view kSecretKeys[] = {
    "authorization", "proxy_authorization",
    "cookie",        "set_cookie",
    "password",      "passwd",
    "pwd",           "passphrase",
    "secret",        "client_secret",
    "secret_key",    "token",
    "access_token",  "id_token",
    "refresh_token", "auth_token",
    "bearer_token",  "x_auth_token",
    "x_csrf_token",  "csrf_token",
    "api_key",       "apikey",
    "x_api_key",     "private_key",
    "credentials",
};
constexpr std::string_view kUrlKeys[] = {
    "url",      "uri",     "dsn",        "location", "referer", "referrer", "connection_string",
    "endpoint", "message", "stacktrace", "target",   "href",
};
constexpr std::string_view kWholeUrlKeys[] = {"url.full", "url.query", "url.original"};

struct Configuration {
  SecretOptions options;
  std::vector<std::unique_ptr<re2::RE2>> patterns;
  uint32_t generation = 1;
};

/// Former ones are left to the threads that still read them: there are few.
std::vector<std::unique_ptr<Configuration>>& configurations() {
  static auto* all = [] {
    auto* made = new std::vector<std::unique_ptr<Configuration>>;
    made->push_back(std::make_unique<Configuration>());
    return made;
  }();
  return *all;
}

std::atomic<const Configuration*> current{configurations().front().get()};

std::string lower(std::string_view key) {
  std::string out(key);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
    if (c == '-') c = '_';
  }
  return out;
}

template <typename Names>
bool is_one_of(const Names& names, std::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

KeyKind look_up(const Configuration& now, std::string_view key) {
  const std::string whole = lower(key);
  const std::string_view last = std::string_view(whole).substr(whole.rfind('.') + 1);
  if (is_one_of(kSecretKeys, last) || is_one_of(now.options.keys, last) ||
      is_one_of(now.options.keys, whole)) {
    return KeyKind::kSecret;
  }
  if (is_one_of(kUrlKeys, last) || is_one_of(kWholeUrlKeys, whole)) return KeyKind::kUrl;
  return KeyKind::kPlain;
}

/// The kinds of keys seen by this thread: an application has a few dozen.
struct Known {
  uint32_t generation = 0;
  uint8_t size = 0;
  KeyKind kind = KeyKind::kPlain;
  char key[42];
};
constexpr size_t kKnown = 256;

size_t slot_of(std::string_view key) {
  uint64_t head = 0, tail = 0;
  const size_t width = std::min<size_t>(key.size(), 8);
  std::memcpy(&head, key.data(), width);
  std::memcpy(&tail, key.data() + key.size() - width, width);
  const uint64_t mixed = (head ^ (tail << 1) ^ key.size()) * 0x9e3779b97f4a7c15;
  return mixed >> 56;
}

bool ends_value(char c) {
  return c == '&' || c == '#' || c == ' ' || c == '"' || c == '\'' || c == '<' || c == '>' ||
         c == ')' || c == '\n' || c == '\t' || c == ';' || c == ',';
}

bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '.';
}

/// Hides user:password@ behind every "://". True when there was one.
bool mask_userinfo(std::string_view text, std::string& out) {
  bool changed = false;
  size_t done = 0;
  for (size_t at = text.find("://"); at != text.npos; at = text.find("://", at)) {
    at += 3;
    const size_t end = std::min(text.find_first_of("/?# \t\n\"'<>", at), text.size());
    const size_t sign = text.substr(0, end).rfind('@');
    if (sign == text.npos || sign < at) continue;
    const bool has_password = text.substr(at, sign - at).find(':') != text.npos;
    out.append(text.substr(done, at - done)).append(kRedacted);
    if (has_password) out.append(":").append(kRedacted);
    done = at = sign;
    changed = true;
  }
  if (changed) out.append(text.substr(done));
  return changed;
}

/// Hides the values of parameters whose names say that they are secret. `starts`: the text is a
/// query itself.
bool mask_parameters(std::string_view text, bool starts, std::string& out) {
  bool changed = false;
  size_t done = 0;
  for (size_t at = text.find('='); at != text.npos; at = text.find('=', at + 1)) {
    size_t name = at;
    while (name > done && is_name(text[name - 1])) --name;
    const bool is_parameter =
        name == 0 ? starts
                  : text[name - 1] == '?' || text[name - 1] == '&' || text[name - 1] == ';';
    if (!is_parameter) continue;
    const std::string_view key = text.substr(name, at - name);
    if (!is_secret_parameter(key) && kind_of_key(key) != KeyKind::kSecret) continue;
    size_t end = at + 1;
    while (end < text.size() && !ends_value(text[end])) ++end;
    out.append(text.substr(done, at + 1 - done)).append(kRedacted);
    done = end;
    changed = true;
    if (end == text.size()) break;
  }
  if (changed) out.append(text.substr(done));
  return changed;
}

}  // namespace

Status configure_secrets(SecretOptions options) {
  auto made = std::make_unique<Configuration>();
  for (std::string& key : options.keys) key = lower(key);
  for (const std::string& pattern : options.patterns) {
    re2::RE2::Options quiet;
    quiet.set_log_errors(false);
    auto compiled = std::make_unique<re2::RE2>(pattern, quiet);
    if (!compiled->ok()) {
      return Status(base::Code::kInvalidArgument, "'" + pattern + "': " + compiled->error());
    }
    made->patterns.push_back(std::move(compiled));
  }
  made->options = std::move(options);
  made->generation = current.load()->generation + 1;
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  configurations().push_back(std::move(made));
  current.store(configurations().back().get());
  return {};
}

uint32_t secrets_generation() {
  return current.load(std::memory_order_acquire)->generation;
}

KeyFacts facts_of_key(std::string_view key) {
  const Configuration& now = *current.load(std::memory_order_acquire);
  const KeyKind kind = kind_of_key(key);
  const bool masks = kind != KeyKind::kPlain || !now.patterns.empty();
  return {now.generation, kind, masks, static_cast<uint8_t>(slot_of(key))};
}

KeyKind kind_of_key(std::string_view key) {
  const Configuration& now = *current.load(std::memory_order_acquire);
  if (!now.options.enabled || key.empty()) return KeyKind::kPlain;
  if (key.size() > sizeof Known::key) return look_up(now, key);
  thread_local Known known[kKnown];
  Known& slot = known[slot_of(key)];
  if (slot.generation == now.generation && slot.size == key.size() &&
      std::memcmp(slot.key, key.data(), key.size()) == 0) {
    return slot.kind;
  }
  slot.kind = look_up(now, key);
  slot.generation = now.generation;
  slot.size = static_cast<uint8_t>(key.size());
  std::memcpy(slot.key, key.data(), key.size());
  return slot.kind;
}

std::string_view masked_text(KeyKind kind, std::string_view text, std::string& kept) {
  if (kind == KeyKind::kSecret) return kHidden;
  const Configuration& now = *current.load(std::memory_order_acquire);
  if (!now.options.enabled) return text;
  if (kind == KeyKind::kUrl) {
    std::string step;
    if (text.find('@') != text.npos && mask_userinfo(text, step)) {
      kept = std::move(step);
      text = kept;
      step.clear();
    }
    if (text.find('=') != text.npos && mask_parameters(text, true, step)) {
      kept = std::move(step);
      text = kept;
    }
  }
  for (const auto& pattern : now.patterns) {
    if (!re2::RE2::PartialMatch({text.data(), text.size()}, *pattern)) continue;
    std::string step(text);
    re2::RE2::GlobalReplace(&step, *pattern, {kHidden.data(), kHidden.size()});
    kept = std::move(step);
    text = kept;
  }
  return text;
}

}  // namespace vedette::sdk
