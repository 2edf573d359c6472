// Percent-encoding (RFC 3986, 2.1) and form parameters (application/x-www-form-urlencoded).
#include "net/http.h"

namespace vedette::net {
namespace {

constexpr std::string_view kHexDigits = "0123456789ABCDEF";
constexpr std::string_view kFormType = "application/x-www-form-urlencoded";

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

Status parse_form(std::string_view form, std::vector<std::pair<std::string, std::string>>& out) {
  while (!form.empty()) {
    const size_t end = std::min(form.find('&'), form.size());
    const std::string_view item = form.substr(0, end);
    form.remove_prefix(std::min(end + 1, form.size()));
    if (item.empty()) continue;
    const size_t equals = std::min(item.find('='), item.size());
    auto name = url_decode(item.substr(0, equals), true);
    auto value = url_decode(item.substr(std::min(equals + 1, item.size())), true);
    if (!name || !value) {
      return {Code::kInvalidArgument,
              "bad percent-encoding in parameter '" +
                  std::string(item.substr(0, std::min<size_t>(equals, 64))) +
                  "': write a literal % as %25"};
    }
    out.emplace_back(std::move(*name), std::move(*value));
  }
  return {};
}

}  // namespace

std::optional<std::string> url_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (text.size() - i < 3) return std::nullopt;
      const int high = hex_value(text[i + 1]), low = hex_value(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      out += static_cast<char>(high << 4 | low);
      i += 2;
    } else {
      out += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

std::string url_encode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (char c : text) {
    if (is_unreserved(c)) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += kHexDigits[byte >> 4];
      out += kHexDigits[byte & 15];
    }
  }
  return out;
}

Result<Parameters> Parameters::of(const HttpRequest& request) {
  Parameters parameters;
  RETURN_IF_ERROR(parse_form(request.query, parameters.values_));
  const auto type = find_header(request.headers, "content-type");
  if (request.method == "POST" && type && type->starts_with(kFormType)) {
    RETURN_IF_ERROR(parse_form(request.body, parameters.values_));
  }
  return parameters;
}

std::optional<std::string_view> Parameters::get(std::string_view name) const {
  for (const auto& [key, value] : values_) {
    if (key == name) return value;
  }
  return std::nullopt;
}

std::vector<std::string_view> Parameters::all(std::string_view name) const {
  std::vector<std::string_view> found;
  for (const auto& [key, value] : values_) {
    if (key == name) found.push_back(value);
  }
  return found;
}

}  // namespace vedette::net
