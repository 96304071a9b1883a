// What tables look like to SQL, and what its results become.

#include "tests/sql/query_lab.h"

namespace dml::sql {
namespace {

using table::ColumnType;

class Types : public QueryLab {
 protected:
  void SetUp() override {
    const table::Schema schema{{{"f", ColumnType::kFloat64, 1},
                                {"g", ColumnType::kFloat32, 1},
                                {"i", ColumnType::kInt64, 1},
                                {"b", ColumnType::kBool, 1},
                                {"t", ColumnType::kTimestamp, 1},
                                {"c", ColumnType::kCategory, 1},
                                {"s", ColumnType::kString, 1}}};
    QueryLab::AddTable(
        "data", schema,
        {{"0.1", "0.5", "9007199254740993", "true", "2011-01-31", "red", "x"},
         {"nan", "", "", "", "", std::nullopt, std::nullopt},
         {"inf", "-2", "-9223372036854775808", "false", "1999-12-31 23:59:59.25", "", "a'b\"c"}});
  }
};

TEST_F(Types, PlainColumnsKeepTheirTypesAndValues) {
  EXPECT_EQ(QueryLab::Types("SELECT * FROM data"),
            "f:float64 g:float32 i:int64 b:bool t:timestamp c:category s:string");
  EXPECT_EQ(QueryLab::Types("SELECT q.t AS t, c FROM (SELECT t, c FROM data) AS q"),
            "t:timestamp c:category");
  EXPECT_EQ(Query("SELECT * FROM data"),
            "0.1|0.5|9007199254740993|true|2011-01-31|red|x\n"
            "~|~|~|~|~|~|~\n"
            "inf|-2|-9223372036854775808|false|1999-12-31 23:59:59.25||a'b\"c\n");
}

TEST_F(Types, MissingIsNullBothWays) {
  EXPECT_EQ(Query("SELECT f IS NULL AS f, g IS NULL AS g, i IS NULL AS i, b IS NULL AS b, "
                  "t IS NULL AS t, c IS NULL AS c, s IS NULL AS s FROM data"),
            "0|0|0|0|0|0|0\n1|1|1|1|1|1|1\n0|0|0|0|0|0|0\n");
  EXPECT_EQ(QueryLab::Types("SELECT NULL AS none, 1.0 / 0 AS quotient"),
            "none:float64 quotient:float64");
  EXPECT_EQ(Query("SELECT NULL AS none, i FROM data LIMIT 1"), "~|9007199254740993\n");
}

TEST_F(Types, WholeNumbersAreExact) {
  EXPECT_EQ(Query("SELECT i - 1 AS i FROM data LIMIT 1"), "9007199254740992\n");
  EXPECT_EQ(Query("SELECT max(i) AS a, sum(i) AS s FROM data WHERE i > 0"),
            "9007199254740993|9007199254740993\n");
  EXPECT_EQ(Query("SELECT i AS n FROM data UNION ALL SELECT 0.5"),
            "column 'n' holds decimals and also whole numbers beyond 2^53, which do not fit a "
            "decimal without loss\n  hint: CAST(... AS REAL) accepts the loss");
}

TEST_F(Types, TimesCompareAsTimesHoweverTheyAreWritten) {
  EXPECT_EQ(Query("SELECT count(*) AS n FROM data WHERE t = '2011-01-31T00:00'"), "1\n");
  EXPECT_EQ(Query("SELECT count(*) AS n FROM data WHERE t <= '2011-01-31'"), "2\n");
  EXPECT_EQ(Query("SELECT count(*) AS n FROM data WHERE t >= '2011' AND t < '2011-02'"), "1\n");
  EXPECT_EQ(Query("SELECT date(t) AS d FROM data"), "2011-01-31\n~\n1999-12-31\n");
  EXPECT_EQ(QueryLab::Types("SELECT max(t) AS t FROM data"), "t:timestamp");
  EXPECT_EQ(Query("SELECT t FROM data ORDER BY t"), "~\n1999-12-31 23:59:59.25\n2011-01-31\n");
}

TEST_F(Types, TypesFollowAllValues) {
  EXPECT_EQ(QueryLab::Types("VALUES (1, 1, 'a', '2011-01-01'), (2, 0.5, 'b', '2012-01-01 10:00')"),
            "column1:int64 column2:float64 column3:category column4:timestamp");
  EXPECT_EQ(QueryLab::Types("SELECT '2011-01-01' AS t UNION ALL SELECT 'later'"), "t:category");
  EXPECT_EQ(QueryLab::Types("WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT "
                            "1000) SELECT 'text ' || x AS s FROM n"),
            "s:string");
  EXPECT_EQ(QueryLab::Types("SELECT b, b AND 1 AS e FROM data"), "b:bool e:int64");
}

TEST_F(Types, NumbersAmongTextsAreAnError) {
  EXPECT_EQ(Query("VALUES (1), ('a')"),
            "row 2 of the result: column 'column1' holds numbers and texts, such as 1 and 'a'\n"
            "  hint: CAST(... AS TEXT) makes texts of all of them, CAST(... AS REAL) numbers");
  EXPECT_EQ(Query("SELECT x'41' AS x"),
            "row 1 of the result: column 'x' holds a blob\n"
            "  hint: hex(...) or CAST(... AS TEXT) makes a text of it");
  EXPECT_EQ(Query("SELECT CAST(x'ff' AS TEXT) AS x"),
            "row 1 of the result: column 'x' holds a text that is not UTF-8\n"
            "  hint: hex(...) shows its bytes");
}

TEST_F(Types, TheUserDecides) {
  const ResultTypes wanted{{"a", ColumnType::kFloat32},
                           {"b", ColumnType::kBool},
                           {"c", ColumnType::kString},
                           {"d", ColumnType::kInt64}};
  EXPECT_EQ(QueryLab::Types("VALUES (1, 1, 1, 1.0)", {}),
            "column1:int64 column2:int64 column3:int64 column4:float64");
  EXPECT_EQ(QueryLab::Types("SELECT 1 AS a, 1 AS b, 1.5 AS c, 2.0 AS d", wanted),
            "a:float32 b:bool c:string d:int64");
  EXPECT_EQ(Query("SELECT 1 AS a, 1 AS b, 1.5 AS c, 2.0 AS d", wanted), "1|true|1.5|2\n");
  EXPECT_EQ(Query("SELECT 2 AS b", {{"b", ColumnType::kBool}}),
            "column 'b' holds 2, which is not bool\n"
            "  hint: leave its type out, or convert it in SQL");
  EXPECT_EQ(Query("SELECT 2 AS b", {{"c", ColumnType::kBool}}),
            "types: the result has no column 'c'\n  hint: its columns are b");
}

TEST_F(Types, LargeResultsWaitInFilesAndAreCutIntoPartitions) {
  options_.memory_bytes = 16 << 20;
  const std::string sql =
      "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 3000000) "
      "SELECT x, CASE WHEN x = 3000000 THEN 0.5 ELSE x END AS y FROM n";
  EXPECT_EQ(QueryLab::Types(sql), "x:int64 y:float64");
}

}  // namespace
}  // namespace dml::sql
