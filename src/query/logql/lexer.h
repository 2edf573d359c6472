// LogQL text to tokens.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace vedette::logql {

enum class TokenKind : uint8_t { kEnd, kName, kString, kNumber, kSymbol };

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string
      text;  // of a string: its value; of a symbol: the longest that fits, such as "|=" or "=~"
  size_t offset = 0;  // in bytes
  double number = 0;
  bool has_unit = false;  // 5s, 10KB
};

/// The last token is kEnd. kInvalidArgument names line and column.
Result<std::vector<Token>> tokenize(std::string_view query);

/// "parse error at line 1, col 5: …"
Error parse_error(std::string_view query, size_t offset, std::string_view what);

}  // namespace vedette::logql
