// What must not leave the process: values of keys that name a secret, passwords in URLs, and what
// the application says. Masked before anything is encoded, so no exporter and no log sees it.
//
// A key names a secret by its last part, in any case and with "-" for "_": authorization, cookie,
// set-cookie, password, token, api_key, … or one of those configured; its value reads "[REDACTED]".
// In text that may hold URLs, user information and secret query parameters read "REDACTED"
// (semantic conventions, url.full). Configured patterns are looked for in every text.
//
// Any thread. What keys are is remembered per thread; a configuration holds for what comes later.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/result.h"

namespace vedette::sdk {

constexpr std::string_view kHidden = "[REDACTED]";

enum class KeyKind : uint8_t { kPlain, kUrl, kSecret };

struct SecretOptions {
  bool enabled = true;
  std::vector<std::string> keys{};      // beside the built-in ones
  std::vector<std::string> patterns{};  // RE2 syntax
};

/// Replaces the configuration of the process. An error names the pattern that is none.
Status configure_secrets(SecretOptions options);

/// What a key's values are.
KeyKind kind_of_key(std::string_view key);

/// What is known of a key under the configuration of this generation.
struct KeyFacts {
  uint32_t generation = 0;
  KeyKind kind = KeyKind::kPlain;
  bool masks = false;  // its texts have to be looked at by masked_text(): most need not
  uint8_t hash = 0;    // of the key
};
KeyFacts facts_of_key(std::string_view key);
/// That of the configuration in force; never 0.
uint32_t secrets_generation();

/// A key of attributes that is looked up once, however often it is used: a literal's, or one that
/// an application uses again and again. Refers to its text. Owned by one thread at a time.
class AttributeKey {
 public:
  constexpr AttributeKey() = default;
  template <typename Text>
    requires std::is_convertible_v<const Text&, std::string_view>
  constexpr AttributeKey(const Text& text) : text_(text) {}

  std::string_view text() const { return text_; }
  const KeyFacts& facts() const {
    if (facts_.generation != secrets_generation()) facts_ = facts_of_key(text_);
    return facts_;
  }

 private:
  std::string_view text_;
  mutable KeyFacts facts_;
};

/// The text as it may be sent; what has changed is kept in `kept`.
std::string_view masked_text(KeyKind kind, std::string_view text, std::string& kept);

}  // namespace vedette::sdk
