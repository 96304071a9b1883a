// Functions of dml itself, and the numbers behind them.

#include "tests/sql/query_lab.h"

namespace dml::sql {
namespace {

using table::ColumnType;

class Functions : public QueryLab {
 protected:
  void SetUp() override {
    const table::Schema schema{{{"k", ColumnType::kCategory, 1}, {"x", ColumnType::kFloat64, 1}}};
    QueryLab::AddTable("data", schema,
                       {{"a", "1"},
                        {"b", "1e16"},
                        {"a", "2"},
                        {"b", "1"},
                        {"a", "4"},
                        {"b", "-1e16"},
                        {"a", "11"},
                        {"a", ""},
                        {"c", ""}});
  }
};

TEST_F(Functions, OrderStatistics) {
  EXPECT_EQ(Query("SELECT k, median(x) AS m, quantile(x, 0.25) AS q, quantile(x, 1) AS top, "
                  "first(x) AS f, last(x) AS l FROM data GROUP BY k ORDER BY k"),
            "a|3|1.75|11|1|11\nb|1|-5000000000000000|1e+16|1e+16|-1e+16\nc|~|~|~|~|~\n");
  EXPECT_EQ(Query("SELECT quantile(x, 1.5) AS q FROM data"),
            "sql: quantile(x, q) takes a q from 0 to 1\n"
            "    SELECT quantile(x, 1.5) AS q FROM data");
}

TEST_F(Functions, MomentsAreOfASample) {
  EXPECT_EQ(Query("SELECT round(var(x), 9) AS v, round(stddev(x), 9) AS s, round(var_pop(x), 9) AS "
                  "vp, round(stddev_pop(x), 9) AS sp FROM data WHERE k = 'a'"),
            "20.333333333|4.509249753|15.25|3.905124838\n");
  EXPECT_EQ(Query("SELECT stddev(x) AS s, stddev_pop(x) AS p FROM data WHERE x = 11"), "~|0\n");
}

TEST_F(Functions, SumsDoNotLoseSmallNumbers) {
  EXPECT_EQ(Query("SELECT sum(x) AS s, avg(x) AS a, total(x) AS t FROM data WHERE k = 'b'"),
            "1|0.3333333333333333|1\n");
  EXPECT_EQ(Query("SELECT sum(x) AS s, total(x) AS t, count(x) AS n FROM data WHERE k = 'c'"),
            "~|0|0\n");
  EXPECT_EQ(Query("SELECT sum(9223372036854775807) AS s FROM data"),
            "sql: a whole number is outside the range of 64 bits\n"
            "    SELECT sum(9223372036854775807) AS s FROM data\n"
            "  hint: calculate with decimals: CAST(x AS REAL), or total(x) instead of sum(x)");
}

TEST_F(Functions, RowOrderSurvivesSortingOnDisk) {
  options_.memory_bytes = 4 << 20;
  EXPECT_EQ(Query("WITH RECURSIVE n(x) AS (SELECT 0 UNION ALL SELECT x + 1 FROM n LIMIT 300000) "
                  "SELECT x % 3 AS k, first(printf('%040d', x)) AS f, last(x) AS l FROM n GROUP "
                  "BY 1 ORDER BY 1"),
            "0|0000000000000000000000000000000000000000|299997\n"
            "1|0000000000000000000000000000000000000001|299998\n"
            "2|0000000000000000000000000000000000000002|299999\n");
}

TEST_F(Functions, PartsOfTimes) {
  const std::string t = "'2012-12-31 23:59:58.5'";
  EXPECT_EQ(
      Query("SELECT year(" + t + ") AS a, quarter(" + t + ") AS b, month(" + t + ") AS c, week(" +
            t + ") AS d, day(" + t + ") AS e, hour(" + t + ") AS f, minute(" + t +
            ") AS g, second(" + t + ") AS h, weekday(" + t + ") AS i, dayofyear(" + t + ") AS j"),
      "2012|4|12|1|31|23|59|58|0|366\n");
  EXPECT_EQ(Query("SELECT week('2010-01-03') AS a, week('2009-12-31') AS b, weekday('2011-01-02') "
                  "AS c, week('1969-12-31') AS d, hour('1969-12-31 23:00') AS e"),
            "53|53|6|1|23\n");
  EXPECT_EQ(Query("SELECT year(NULL) AS y"), "~\n");
}

TEST_F(Functions, DistancesOfTimes) {
  EXPECT_EQ(Query("SELECT days_between('2011-01-31 06:00', '2011-02-01') AS d, "
                  "days_between('2011-02-01', '2011-01-31') AS e, "
                  "seconds_between('2011-01-31', '2011-01-31T00:00:01.5Z') AS s"),
            "0.75|-1|1.5\n");
  EXPECT_EQ(Query("SELECT date_trunc('month', '2011-02-28 10:00') AS a, date_trunc('week', "
                  "'2011-01-01') AS b, date_trunc('quarter', '2011-06-30') AS c, "
                  "date_trunc('hour', '2011-06-30 10:59:59') AS d"),
            "2011-02-01|2010-12-27|2011-04-01|2011-06-30 10:00:00\n");
  EXPECT_EQ(Query("SELECT parse_time('31.12.2010', '%d.%m.%Y') AS t"), "2010-12-31\n");
  EXPECT_EQ(Query("SELECT parse_time('31/12', '%d.%m.%Y') AS t"),
            "sql: parse_time(): '31/12' is not of the form '%d.%m.%Y'\n"
            "    SELECT parse_time('31/12', '%d.%m.%Y') AS t");
}

TEST_F(Functions, Mathematics) {
  EXPECT_EQ(Query("SELECT round(ln(exp(2)), 12) AS a, sqrt(16) AS b, pow(2, 10) AS c, log10(1000) "
                  "AS d, floor(-1.5) AS e, log2(8) AS f, log(0) AS g"),
            "2|4|1024|3|-2|3|~\n");
}

}  // namespace
}  // namespace dml::sql
