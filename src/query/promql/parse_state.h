// What the parser's files share: the token stream with one token of lookahead, and the first error.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "query/promql/ast.h"
#include "query/promql/lexer.h"

namespace vedette::promql {

/// The first error of one parse.
class ParseErrors {
 public:
  explicit ParseErrors(std::string_view query) : query_(query) {}

  bool failed() const { return error_.has_value(); }
  void add(Span at, const std::string& message);
  Error error() const { return *error_; }

 private:
  std::string_view query_;
  std::optional<Error> error_;
};

/// Recursive descent. After the first error every function returns null, and the rest of the text
/// is not read.
class Parser {
 public:
  explicit Parser(std::string_view query) : errors_(query), lexer_(query) {}

  NodePtr expression();
  /// A vector selector and nothing else.
  std::unique_ptr<VectorSelector> selector();
  ParseErrors& errors() { return errors_; }

 private:
  struct Modifiers;
  struct Duration {
    int64_t ms = 0;
    Span span;
  };

  // The token stream (parser.cc)
  const Token& peek();
  Token take();
  bool at(Tok kind) { return peek().kind == kind; }
  void unexpected(std::string_view context, std::string_view expected);
  void unexpected_here() { unexpected(in_aggregation_ > 0 ? "aggregation" : "", ""); }
  bool expect(Tok kind);
  bool at_expression();

  // Expressions (parser.cc)
  NodePtr binary(int precedence_min);
  NodePtr unary();
  NodePtr postfix(NodePtr node);
  NodePtr primary();
  NodePtr paren();
  NodePtr number();
  NodePtr string();
  NodePtr call(const Token& name);
  NodePtr aggregate(const Token& op);
  bool arguments(std::vector<NodePtr>& args, uint32_t& end);
  bool matching(Binary& node);
  bool fill_modifiers(bool& seen);
  bool grouping(std::vector<std::string>& labels);
  bool grouping_label(std::vector<std::string>& labels);
  NodePtr finish_binary(std::unique_ptr<Binary> node);
  bool too_deep(Node& node, int child_depth);

  // Selectors and their modifiers (parser_selectors.cc)
  std::unique_ptr<VectorSelector> vector_selector(const Token* name);
  bool matchers(VectorSelector& node);
  bool matcher(VectorSelector& node);
  NodePtr range(NodePtr node);
  NodePtr subquery(NodePtr node, int64_t range_ms);
  bool duration(Duration& out);
  bool range_duration(Duration& out);
  NodePtr offset(NodePtr node);
  NodePtr at_modifier(NodePtr node);
  bool at_time(double& seconds);

  ParseErrors errors_;
  Lexer lexer_;
  Token token_;
  bool has_token_ = false;
  uint32_t last_end_ = 0;  // of the last token taken
  int in_aggregation_ = 0;
  int depth_ = 0;
};

/// Types, argument counts, vector matching; fills in `step_invariant`. (check.cc)
void check(Node& node, std::string_view query, ParseErrors& errors);

}  // namespace vedette::promql
