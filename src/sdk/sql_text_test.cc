#include "sdk/sql_text.h"

#include <gtest/gtest.h>

namespace vedette::sdk {
namespace {

TEST(SqlText, SummarizesVerbsAndTables) {
  const std::pair<const char*, const char*> cases[] = {
      {"select a from t", "SELECT t"},
      {"SELECT * FROM songs s, artists AS a WHERE s.x = a.y", "SELECT songs artists"},
      {"SELECT * FROM a JOIN b ON a.x = b.x LEFT JOIN c ON true", "SELECT a b c"},
      {"INSERT INTO ship(a, b) SELECT x, y FROM orders", "INSERT ship SELECT orders"},
      {"INSERT INTO t VALUES (1) ON CONFLICT DO UPDATE SET a = 2", "INSERT t"},
      {"UPDATE \"shop\".\"orders\" SET a = 1", "UPDATE shop.orders"},
      {"/* hint */ DELETE FROM t -- all\n", "DELETE t"},
      {"SELECT 1", "SELECT"},
      {"SELECT * FROM (SELECT * FROM t) x", "SELECT SELECT t"},
      {"SELECT * FROM t WHERE id IN (SELECT id FROM u) FOR UPDATE", "SELECT t SELECT u"},
      {"WITH c AS (SELECT * FROM t), d AS (SELECT 1) SELECT * FROM c, d, e",
       "SELECT t SELECT SELECT e"},
      {"SELECT EXTRACT(YEAR FROM born) FROM people", "SELECT people"},
      {"SELECT a IS DISTINCT FROM b FROM t", "SELECT t"},
      {"SELECT * FROM generate_series(1, 5)", "SELECT"},
      {"CREATE TABLE IF NOT EXISTS t (a int)", "CREATE TABLE t"},
      {"DROP INDEX CONCURRENTLY i", "DROP INDEX i"},
      {"TRUNCATE TABLE t", "TRUNCATE t"},
      {"EXEC dbo.work 1", "EXECUTE dbo.work"},
      {"SELECT [a b] FROM [my table]", "SELECT my table"},
      {"SELECT a[1] FROM `t`", "SELECT t"},
      {"BEGIN", "BEGIN"},
      {"PRAGMA table_info('t')", "PRAGMA"},
      {"SELECT replace(a, 'x', 'y') FROM t", "SELECT t"},
      {"SELECT 'from secret' FROM t", "SELECT t"},
      {"DELETE FROM a; SELECT b FROM c", "DELETE a SELECT c"},
      {"", ""},
      {"42", ""},
      {"(((", ""},
  };
  for (const auto& [sql, expected] : cases) {
    EXPECT_EQ(describe_sql(sql, {}).summary, expected) << sql;
  }
}

TEST(SqlText, LeavesNoLiteral) {
  const std::pair<const char*, const char*> cases[] = {
      {"SELECT 1, -2.5e-3, 0xFF, .5", "SELECT ?, -?, ?, ?"},
      {"a = 'it''s' AND b = ''", "a = ? AND b = ?"},
      {"a = 'C:\\' AND b = 'secret'", "a = ? AND b = ?"},
      {"a = E'it\\'s' AND t1.x2 = $1", "a = ? AND t1.x2 = $1"},
      {"a = $$se'cret$$, $t$x$$y$t$", "a = ?, ?"},
      {"a IN (:id_1, %s, %(b1)s, ?, @p1)", "a IN (:id_1, %s, %(b1)s, ?, @p1)"},
      {"SELECT a /* secret 'x */ FROM t -- secret", "SELECT a  FROM t "},
      {"\"quoted 1\" = 'x", "\"quoted 1\" = ?"},
      {"x = N'text' OR y = X'00'", "x = ? OR y = ?"},
  };
  for (const auto& [sql, expected] : cases) EXPECT_EQ(describe_sql(sql, {}).text, expected) << sql;
}

TEST(SqlText, KnowsTheStringsOfMySql) {
  const SqlOptions mysql{false, true};
  EXPECT_EQ(describe_sql("a = 'it\\'s' # x\n, b = \"y\"", mysql).text, "a = ? \n, b = ?");
}

TEST(SqlText, KeepsTheProgramsOwnLiteralsAndCutsLongTexts) {
  const SqlOptions keep{true, false};
  EXPECT_EQ(describe_sql("SELECT 1 -- why", keep).text, "SELECT 1 -- why");
  const std::string longest = "SELECT '" + std::string(100'000, 'x');
  EXPECT_EQ(describe_sql(longest, {}).text, "SELECT ?");
  EXPECT_EQ(describe_sql(longest, keep).text.size(), kSqlTextBytesMax);
}

TEST(SqlText, NamesTheOnlyTable) {
  EXPECT_EQ(describe_sql("SELECT * FROM t JOIN t ON 1=1", {}).collection, "t");
  EXPECT_EQ(describe_sql("SELECT * FROM t JOIN u ON 1=1", {}).collection, "");
}

TEST(SqlText, TakesAnyBytes) {
  std::string noise;
  for (uint32_t seed = 1, i = 0; i < 20'000; ++i) {
    seed = seed * 1664525u + 1013904223u;
    noise += "'\"`$[]().,;-/*#eE1 a\\\xC3"[(seed >> 16) % 23];
    if (i % 50 == 0) {
      describe_sql(noise, {});
      describe_sql(noise, {true, true});
      noise.clear();
    }
  }
}

}  // namespace
}  // namespace vedette::sdk
