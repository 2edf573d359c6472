// What a SQL statement does, in few words, and its text without literals.
//
// Semantic conventions, database client spans: db.query.summary, db.query.text and its
// sanitization. A tokenizer, not a parser: it follows quotes, comments and parentheses, so literals
// are found whatever the dialect; a summary may miss a table of exotic syntax, but never holds a
// value. Any thread; never fails.
#pragma once

#include <string>
#include <string_view>

namespace vedette::sdk {

/// A longer text is cut: a bulk insert of a thousand rows is no use in full.
constexpr size_t kSqlTextBytesMax = 8u << 10;

struct SqlOptions {
  bool keep_literals = false;  // the statement has parameters: its literals are the program's own
  bool mysql = false;          // backslashes escape in strings, "text" is a string, # is a comment
};

struct SqlDescription {
  std::string operation;   // "SELECT", in upper case; empty when there is none
  std::string collection;  // the table, when there is exactly one
  std::string summary;     // "INSERT orders SELECT items"; at most 255 bytes
  std::string text;        // at most kSqlTextBytesMax
};

SqlDescription describe_sql(std::string_view statement, const SqlOptions& options);

}  // namespace vedette::sdk
