#include "query/logql/query.h"

namespace vedette::logql {
namespace {

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\r':
        out += "\\r";
        break;
      default:
        out += c;
    }
  }
  return out + "\"";
}

const char* symbol(store::MatchOp op) {
  constexpr const char* kSymbols[] = {"=", "!=", "=~", "!~"};
  return kSymbols[static_cast<size_t>(op)];
}

const char* symbol(LineOp op) {
  constexpr const char* kSymbols[] = {"|=", "!=", "|~", "!~"};
  return kSymbols[static_cast<size_t>(op)];
}

const char* symbol(LabelOp op) {
  constexpr const char* kSymbols[] = {"=", "!=", "=~", "!~", "<", "<=", ">", ">="};
  return kSymbols[static_cast<size_t>(op)];
}

std::string number_text(double value) {
  char digits[32];
  return {digits, std::to_chars(digits, digits + sizeof digits, value).ptr};
}

std::string log_text(const LogQuery& query) {
  std::string out = "{";
  for (const store::Matcher& m : query.stream) {
    out += (out.size() > 1 ? ", " : "") + m.name + symbol(m.op) + quoted(m.value);
  }
  out += "}";
  for (const LineFilter& f : query.lines)
    out += std::string(" ") + symbol(f.op) + " " + quoted(f.text);
  for (const LabelFilter& f : query.labels) {
    out += " | " + f.name + symbol(f.op) + (f.number ? number_text(*f.number) : quoted(f.text));
  }
  return out;
}

}  // namespace

std::string to_string(const Query& query) {
  if (const auto* log = std::get_if<LogQuery>(&query)) return log_text(*log);
  const Constant& constant = std::get<Constant>(query);
  const std::string number = number_text(constant.value);
  return constant.is_vector ? "vector(" + number + ")" : number;
}

}  // namespace vedette::logql
