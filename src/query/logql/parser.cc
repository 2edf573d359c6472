#include "query/logql/parser.h"

#include <re2/re2.h>

#include "query/logql/lexer.h"

namespace vedette::logql {
namespace {

constexpr int kDepthMax = 64;

constexpr std::string_view kRangeFunctions[] = {"count_over_time",
                                                "rate",
                                                "bytes_over_time",
                                                "bytes_rate",
                                                "sum",
                                                "avg",
                                                "min",
                                                "max",
                                                "count",
                                                "topk",
                                                "bottomk",
                                                "stddev",
                                                "stdvar",
                                                "sort",
                                                "sort_desc",
                                                "quantile_over_time",
                                                "sum_over_time",
                                                "avg_over_time",
                                                "min_over_time",
                                                "max_over_time",
                                                "first_over_time",
                                                "last_over_time",
                                                "absent_over_time",
                                                "rate_counter",
                                                "label_replace"};
constexpr std::string_view kParsers[] = {"json",   "logfmt",     "pattern",     "regexp",
                                         "unpack", "decolorize", "line_format", "label_format",
                                         "drop",   "keep",       "unwrap",      "distinct"};

template <size_t N>
bool is_one_of(std::string_view word, const std::string_view (&words)[N]) {
  return std::find(std::begin(words), std::end(words), word) != std::end(words);
}

class Parser {
 public:
  Parser(std::string_view query, std::vector<Token> tokens)
      : query_(query), tokens_(std::move(tokens)) {}

  Result<Query> run() {
    if (is("{")) return parse_log();
    // Brackets around a whole log query: ({…} |= "x").
    size_t open = 0;
    while (is("(", open)) ++open;
    if (is("{", open)) {
      if (open > kDepthMax) return error("too many brackets");
      at_ += open;
      ASSIGN_OR_RETURN(LogQuery log, parse_pipeline());
      for (; open > 0; --open) RETURN_IF_ERROR(expect(")"));
      RETURN_IF_ERROR(expect_end());
      return Query(std::move(log));
    }
    ASSIGN_OR_RETURN(const Constant constant, parse_sum(0));
    RETURN_IF_ERROR(expect_end());
    return Query(constant);
  }

 private:
  const Token& peek(size_t ahead = 0) const {
    return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
  }
  bool is(std::string_view symbol, size_t ahead = 0) const {
    return peek(ahead).kind == TokenKind::kSymbol && peek(ahead).text == symbol;
  }
  bool take(std::string_view symbol) {
    if (!is(symbol)) return false;
    ++at_;
    return true;
  }
  Error error(std::string_view what) const { return parse_error(query_, peek().offset, what); }
  Error unimplemented(std::string_view what) const {
    Error e = error(what);
    e.code = Code::kUnimplemented;
    return e;
  }
  Status expect(std::string_view symbol) {
    if (take(symbol)) return {};
    return error("expected \"" + std::string(symbol) + "\"" + found());
  }
  Status expect_end() {
    if (peek().kind == TokenKind::kEnd) return {};
    if (is("["))
      return unimplemented(
          "ranges such as [5m] belong to metric queries, which are not supported yet");
    return error("the query should end here" + found());
  }
  std::string found() const {
    const Token& token = peek();
    if (token.kind == TokenKind::kEnd) return ", but the query ends here";
    return ", but found \"" + token.text.substr(0, 40) + "\"";
  }

  Result<Query> parse_log() {
    ASSIGN_OR_RETURN(LogQuery log, parse_pipeline());
    RETURN_IF_ERROR(expect_end());
    return Query(std::move(log));
  }

  Result<LogQuery> parse_pipeline() {
    LogQuery log;
    RETURN_IF_ERROR(parse_selector(log));
    for (;;) {
      if (is("|=") || is("|~") || is("!=") || is("!~") || is("|>") || is("!>")) {
        RETURN_IF_ERROR(parse_line_filter(log));
      } else if (take("|")) {
        RETURN_IF_ERROR(parse_stage(log));
      } else {
        return log;
      }
    }
  }

  Status parse_selector(LogQuery& log) {
    RETURN_IF_ERROR(expect("{"));
    if (take("}")) return {};
    do {
      if (is("}")) break;  // a comma may stand at the end
      if (peek().kind != TokenKind::kName) return error("expected a label's name" + found());
      store::Matcher matcher;
      matcher.name = peek().text;
      ++at_;
      if (take("=")) {
        matcher.op = store::MatchOp::kEqual;
      } else if (take("!=")) {
        matcher.op = store::MatchOp::kNotEqual;
      } else if (take("=~")) {
        matcher.op = store::MatchOp::kRegex;
      } else if (take("!~")) {
        matcher.op = store::MatchOp::kNotRegex;
      } else {
        return error("expected =, !=, =~ or !~" + found());
      }
      const size_t place = peek().offset;
      ASSIGN_OR_RETURN(matcher.value, parse_text());
      if (matcher.op >= store::MatchOp::kRegex) RETURN_IF_ERROR(check_regex(matcher.value, place));
      log.stream.push_back(std::move(matcher));
    } while (take(","));
    return expect("}");
  }

  Result<std::string> parse_text() {
    if (peek().kind != TokenKind::kString)
      return error("expected a text in quotation marks" + found());
    return tokens_[at_++].text;
  }

  Status check_regex(const std::string& pattern, size_t place) const {
    const re2::RE2 re(pattern, re2::RE2::Quiet);
    if (re.ok()) return {};
    return parse_error(query_, place, "bad regular expression: " + re.error());
  }

  Status parse_line_filter(LogQuery& log) {
    const std::string symbol = peek().text;
    if (symbol == "|>" || symbol == "!>")
      return unimplemented("pattern filters |> and !> are not supported; use |= or |~");
    ++at_;
    LineFilter filter;
    filter.op = symbol == "|="   ? LineOp::kContains
                : symbol == "!=" ? LineOp::kNotContains
                : symbol == "|~" ? LineOp::kRegex
                                 : LineOp::kNotRegex;
    const size_t place = peek().offset;
    ASSIGN_OR_RETURN(filter.text, parse_text());
    if (peek().kind == TokenKind::kName && peek().text == "or") {
      return unimplemented("`or` in line filters is not supported; use |~ \"one|other\"");
    }
    if (filter.op >= LineOp::kRegex) RETURN_IF_ERROR(check_regex(filter.text, place));
    if (!filter.text.empty()) log.lines.push_back(std::move(filter));
    return {};
  }

  /// Behind a "|": label filters joined by "and" or ",".
  Status parse_stage(LogQuery& log) {
    if (peek().kind == TokenKind::kName && is_one_of(peek().text, kParsers) && !is_comparison(1)) {
      return unimplemented(
          "`| " + peek().text +
          "` is not supported; attributes can be filtered without it: | name=\"value\"");
    }
    for (;;) {
      int open = 0;
      while (take("(")) ++open;
      if (open > kDepthMax) return error("too many brackets");
      RETURN_IF_ERROR(parse_label_filter(log));
      while (open > 0 && take(")")) --open;
      if (open > 0 && !is_joiner()) return error("expected \")\"" + found());
      if (open > 0)
        return unimplemented(
            "brackets around several label filters are not supported; leave them out");
      if (peek().kind == TokenKind::kName && peek().text == "or") {
        return unimplemented(
            "`or` between label filters is not supported; use a regular expression: | "
            "name=~\"a|b\"");
      }
      if (!is_joiner()) return {};
      ++at_;
    }
  }

  bool is_joiner() const {
    return is(",") ||
           (peek().kind == TokenKind::kName && (peek().text == "and" || peek().text == "or"));
  }
  bool is_comparison(size_t ahead) const {
    for (std::string_view s : {"=", "==", "!=", "=~", "!~", "<", "<=", ">", ">="}) {
      if (is(s, ahead)) return true;
    }
    return false;
  }

  Status parse_label_filter(LogQuery& log) {
    if (peek().kind != TokenKind::kName) return error("expected a label's name" + found());
    LabelFilter filter;
    filter.name = tokens_[at_++].text;
    if (!is_comparison(0)) return error("expected =, !=, =~, !~, <, <=, > or >=" + found());
    const std::string symbol = tokens_[at_++].text;
    filter.op = symbol == "=" || symbol == "==" ? LabelOp::kEqual
                : symbol == "!="                ? LabelOp::kNotEqual
                : symbol == "=~"                ? LabelOp::kRegex
                : symbol == "!~"                ? LabelOp::kNotRegex
                : symbol == "<"                 ? LabelOp::kLess
                : symbol == "<="                ? LabelOp::kLessOrEqual
                : symbol == ">"                 ? LabelOp::kGreater
                                                : LabelOp::kGreaterOrEqual;
    RETURN_IF_ERROR(parse_filter_value(filter));
    log.labels.push_back(std::move(filter));
    return {};
  }

  Status parse_filter_value(LabelFilter& filter) {
    const bool order = filter.op >= LabelOp::kLess;
    const bool regex = filter.op == LabelOp::kRegex || filter.op == LabelOp::kNotRegex;
    const double sign = !regex && take("-") ? -1 : 1;
    const size_t place = peek().offset;
    if (peek().kind == TokenKind::kNumber && !regex) {
      if (peek().has_unit)
        return unimplemented("durations and sizes can't be compared yet; write a plain number");
      filter.number = sign * tokens_[at_++].number;
      return {};
    }
    if (order || sign < 0) return error("expected a number" + found());
    ASSIGN_OR_RETURN(filter.text, parse_text());
    return regex ? check_regex(filter.text, place) : Status();
  }

  // Constant arithmetic, weakest operators first.

  Result<Constant> parse_sum(int depth) {
    ASSIGN_OR_RETURN(Constant left, parse_product(depth));
    for (;;) {
      const bool plus = take("+");
      if (!plus && !take("-")) return left;
      ASSIGN_OR_RETURN(const Constant right, parse_product(depth));
      left = {plus ? left.value + right.value : left.value - right.value,
              left.is_vector || right.is_vector};
    }
  }

  Result<Constant> parse_product(int depth) {
    ASSIGN_OR_RETURN(Constant left, parse_power(depth));
    for (;;) {
      const char op = is("*") ? '*' : is("/") ? '/' : is("%") ? '%' : 0;
      if (!op) return left;
      ++at_;
      ASSIGN_OR_RETURN(const Constant right, parse_power(depth));
      const double value = op == '*'   ? left.value * right.value
                           : op == '/' ? left.value / right.value
                                       : std::fmod(left.value, right.value);
      left = {value, left.is_vector || right.is_vector};
    }
  }

  Result<Constant> parse_power(int depth) {
    if (depth > kDepthMax) return error("too deeply nested");
    ASSIGN_OR_RETURN(const Constant base, parse_unary(depth));
    if (!take("^")) return base;
    ASSIGN_OR_RETURN(const Constant exponent, parse_power(depth + 1));
    return Constant{std::pow(base.value, exponent.value), base.is_vector || exponent.is_vector};
  }

  Result<Constant> parse_unary(int depth) {
    double sign = 1;
    while (is("-") || is("+")) sign = tokens_[at_++].text == "-" ? -sign : sign;
    const Token& token = peek();
    if (token.kind == TokenKind::kNumber && !token.has_unit) {
      ++at_;
      return Constant{sign * token.number, false};
    }
    if (token.kind == TokenKind::kName && token.text == "vector") {
      ++at_;
      RETURN_IF_ERROR(expect("("));
      ASSIGN_OR_RETURN(const Constant inner, parse_bracketed(depth));
      return Constant{sign * inner.value, true};
    }
    if (take("(")) {
      ASSIGN_OR_RETURN(const Constant inner, parse_bracketed(depth));
      return Constant{sign * inner.value, inner.is_vector};
    }
    if (token.kind == TokenKind::kName && is_one_of(token.text, kRangeFunctions)) {
      return unimplemented(
          "metric queries such as " + token.text +
          " are not supported yet; ask the metrics, or /vedette/v1/logs/histogram");
    }
    return error("expected a stream selector such as {service_name=\"shop\"}" + found());
  }

  Result<Constant> parse_bracketed(int depth) {
    if (depth > kDepthMax) return error("too deeply nested");
    ASSIGN_OR_RETURN(const Constant inner, parse_sum(depth + 1));
    RETURN_IF_ERROR(expect(")"));
    return inner;
  }

  std::string_view query_;
  std::vector<Token> tokens_;
  size_t at_ = 0;
};

}  // namespace

Result<Query> parse(std::string_view query) {
  if (query.size() > kQueryBytesMax)
    return Error{Code::kInvalidArgument, "the query is longer than 64 KiB"};
  ASSIGN_OR_RETURN(std::vector<Token> tokens, tokenize(query));
  if (tokens.size() == 1)
    return parse_error(
        query, 0,
        "the query is empty; begin with a stream selector such as {service_name=\"shop\"}");
  return Parser(query, std::move(tokens)).run();
}

}  // namespace vedette::logql
