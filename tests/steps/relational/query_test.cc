// aggregate, query.sql and load.sqlite.

#include <sqlite3.h>

#include "base/files.h"
#include "tests/steps/step_lab.h"

namespace dml::steps {
namespace {

using Table = std::vector<std::vector<std::string>>;

constexpr char kSales[] =
    "shop,day,units,price\n"
    "west,2011-01-03,3,1.5\n"
    "east,2011-01-01,1,\n"
    ",2011-01-02,7,2\n"
    "west,2011-01-01,5,0.5\n"
    "east,2011-01-04,2,4\n"
    ",2011-01-05,1,1\n";

class Queries : public StepLab {};

TEST_F(Queries, AggregateIsSortedByItsKey) {
  for (const std::uint64_t partitions : {1U, 2U, 3U, 7U}) {
    StepRun run = Run("aggregate",
                      {{"by", {"shop"}},
                       {"columns",
                        {{"a", "count(*)"},
                         {"b", "sum(units * price)"},
                         {"c", "max(day)"},
                         {"d", "avg(price) FILTER (WHERE units > 2)"},
                         {"e", "first(units)"}}}},
                      {{"data", Csv(kSales, partitions)}});
    ASSERT_TRUE(run.ok()) << run.Failure();
    EXPECT_EQ(Rows(run.outputs["data"]), (Table{{"", "2", "15", "2011-01-05", "2", "7"},
                                                {"east", "2", "8", "2011-01-04", "", "1"},
                                                {"west", "2", "7", "2011-01-03", "1", "3"}}));
  }
}

TEST_F(Queries, AggregateOfAllRowsIsOneRow) {
  const Artifact sales = Csv(kSales, 2);
  StepRun run = Run("aggregate", {{"columns", {{"n", "sum(units)"}}}}, {{"data", sales}});
  EXPECT_EQ(Rows(run.outputs["data"]), (Table{{"19"}}));
  run = Run("aggregate", {{"columns", {{"n", "units"}}}}, {{"data", sales}});
  EXPECT_EQ(run.result.error().message, "there is a row for every row of the data");
}

TEST_F(Queries, AggregateNamesTheColumnWhoseSumIsTooLarge) {
  const Artifact ids = Csv("g,id\na,9000000000000000000\na,9000000000000000000\n");
  const StepRun run = Run(
      "aggregate",
      {{"by", {"g"}}, {"columns", {{"rows", "count(*)"}, {"ids", "sum(id)"}, {"m", "max(id)"}}}},
      {{"data", ids}});
  EXPECT_EQ(run.Failure(),
            "columns.ids: a whole number is outside the range of 64 bits\n    sum(id) | calculate "
            "with decimals: CAST(x AS REAL), or total(x) instead of sum(x)");
}

TEST_F(Queries, AggregateNamesItsMistakes) {
  const Artifact sales = Csv(kSales, 2);
  StepRun run =
      Run("aggregate", {{"by", {"shopp"}}, {"columns", {{"n", "count(*)"}}}}, {{"data", sales}});
  EXPECT_EQ(run.result.error().kind, ErrorKind::kInvalid);
  run = Run("aggregate", {{"by", {"shop"}}, {"columns", {{"n", "medain(units)"}}}},
            {{"data", sales}});
  EXPECT_EQ(run.result.error().Render(),
            "columns.n: there is no function medain()\n"
            "    medain(units)\n"
            "    ^~~~~~\n"
            "  hint: did you mean 'median'?");
  run = Run("aggregate", {{"by", {"shop"}}, {"columns", {{"n", "sum(avg(units))"}}}},
            {{"data", sales}});
  EXPECT_EQ(run.result.error().Render(),
            "columns.n: avg() cannot stand here\n"
            "    sum(avg(units))\n"
            "        ^~~\n"
            "  hint: an aggregate inside another one, or inside WHERE, needs a SELECT of its own");
}

TEST_F(Queries, SqlSeesTheInputsByName) {
  const Artifact sales = Csv(kSales, 3);
  const Artifact shops = Csv("shop,city\nwest,Rome\nnorth,Oslo\n");
  const Json params = {{"sql",
                        "SELECT city, sum(units) AS units FROM sales JOIN shops USING (shop) "
                        "GROUP BY city ORDER BY city;"}};
  StepRun run = Run("query.sql", params, {{"sales", sales}, {"shops", shops}});
  ASSERT_TRUE(run.ok()) << run.Failure();
  EXPECT_EQ(Rows(run.outputs["data"]), (Table{{"Rome", "8"}}));
  run = Run("query.sql", {{"sql", "SELECT shop FROM salles"}}, {{"sales", sales}});
  EXPECT_EQ(run.result.error().Render(),
            "sql: there is no table 'salles'\n"
            "    SELECT shop FROM salles\n"
            "                     ^~~~~~\n"
            "  hint: did you mean 'sales'?");
}

// What a name means in a query is not always known from its text, so this is no error.
TEST_F(Queries, ATextComparedWithANumberIsWarnedOf) {
  const Artifact codes = Csv("code,v\n007,1\n10,2\nA,3\n");
  const auto warnings = [&](const std::string& sql) {
    const StepRun run = Run("query.sql", {{"sql", sql}}, {{"data", codes}});
    EXPECT_TRUE(run.ok()) << run.Failure();
    return run.warnings;
  };
  for (const char* sql : {"SELECT v FROM data WHERE code > 5", "SELECT code IN (7) AS b FROM data",
                          "SELECT a.v FROM data a JOIN data b ON a.code >= b.v"}) {
    ASSERT_EQ(warnings(sql).size(), 1U) << sql;
    EXPECT_NE(warnings(sql)[0].find("CAST(code AS REAL)"), std::string::npos) << warnings(sql)[0];
  }
  for (const char* sql :
       {"SELECT v FROM data WHERE code > '0'",
        "SELECT code FROM (SELECT CAST(code AS REAL) AS code FROM data) WHERE code > 5",
        "SELECT v FROM data WHERE v > 1 ORDER BY code LIMIT 5"}) {
    EXPECT_EQ(warnings(sql), std::vector<std::string>{}) << sql;
  }
}

TEST_F(Queries, WindowsSeeRowsInOrder) {
  StepRun run = Run("query.sql",
                    {{"sql",
                      "SELECT day, sum(units) OVER (PARTITION BY shop ORDER BY day) AS so_far, "
                      "lag(day) OVER (ORDER BY day) AS before FROM data ORDER BY day"}},
                    {{"data", Csv(kSales, 3)}});
  ASSERT_TRUE(run.ok()) << run.Failure();
  EXPECT_EQ(Rows(run.outputs["data"])[5],
            (std::vector<std::string>{"2011-01-05", "8", "2011-01-04"}));
}

class Sqlite : public Queries {
 protected:
  std::string Database(const std::string& name, const char* sql) {
    sqlite3* db = nullptr;
    EXPECT_EQ(sqlite3_open(Path(name).c_str(), &db), SQLITE_OK);
    char* problem = nullptr;
    EXPECT_EQ(sqlite3_exec(db, sql, nullptr, nullptr, &problem), SQLITE_OK) << problem;
    sqlite3_close(db);
    return Path(name);
  }
};

TEST_F(Sqlite, IsRead) {
  const std::string path =
      Database("a #1?.db",
               "CREATE TABLE t(id INTEGER PRIMARY KEY, day DATE, x REAL, s TEXT);"
               "INSERT INTO t VALUES (1, '2011-01-01', 0.5, 'a'), "
               "(2, NULL, 1, NULL), (9007199254740993, '2011-01-02', 3, 'b')");
  StepRun run = Run("load.sqlite", {{"path", path}, {"query", "SELECT * FROM t ORDER BY id"}});
  ASSERT_TRUE(run.ok()) << run.Failure();
  EXPECT_EQ(Rows(run.outputs["data"]), (Table{{"1", "2011-01-01", "0.5", "a"},
                                              {"2", "", "1", ""},
                                              {"9007199254740993", "2011-01-02", "3", "b"}}));
  run = Run("load.sqlite", {{"path", path}, {"query", "SELECT idd FROM t"}});
  EXPECT_EQ(run.result.error().message.substr(0, 33), "query: there is no column 'idd'\n ");
  run = Run("load.sqlite", {{"path", path}, {"query", "DELETE FROM t"}});
  EXPECT_NE(run.result.error().message.find("only SELECT is allowed here"), std::string::npos);
}

TEST_F(Sqlite, AViewAndAnIndexOfTheDatabaseWork) {
  const std::string path = Database("v.db",
                                    "CREATE TABLE t(a, b); CREATE INDEX i ON t(a);"
                                    "CREATE VIEW v AS SELECT a, b * 2 AS c FROM t;"
                                    "INSERT INTO t VALUES (1, 2), (2, 4)");
  StepRun run = Run("load.sqlite", {{"path", path}, {"query", "SELECT c FROM v WHERE a = 2"}});
  ASSERT_TRUE(run.ok()) << run.Failure();
  EXPECT_EQ(Rows(run.outputs["data"]), (Table{{"8"}}));
}

TEST_F(Sqlite, AWriteAheadLogThatWasMergedIsNoObstacle) {
  const std::string path =
      Database("wal.db", "PRAGMA journal_mode = WAL; CREATE TABLE t(a); INSERT INTO t VALUES (1)");
  StepRun run = Run("load.sqlite", {{"path", path}, {"query", "SELECT a FROM t"}});
  ASSERT_TRUE(run.ok()) << run.Failure();
  ASSERT_TRUE(WriteFileAtomic(path + "-wal", "not merged").ok());
  run = Run("load.sqlite", {{"path", path}, {"query", "SELECT a FROM t"}});
  EXPECT_EQ(run.result.error().kind, ErrorKind::kInvalid);
  EXPECT_NE(run.result.error().message.find("has changes beside it"), std::string::npos);
}

TEST_F(Sqlite, WhatIsNoDatabaseIsSaidSo) {
  ASSERT_TRUE(WriteFileAtomic(Path("x.csv"), "a,b\n1,2\n" + std::string(5000, 'x')).ok());
  StepRun run = Run("load.sqlite", {{"path", Path("x.csv")}, {"query", "SELECT 1 FROM t"}});
  EXPECT_EQ(run.result.error().kind, ErrorKind::kInvalid);
  EXPECT_NE(run.result.error().message.find("not a database"), std::string::npos)
      << run.result.error().message;
  run = Run("load.sqlite", {{"path", Path("none.db")}, {"query", "SELECT 1"}});
  EXPECT_EQ(run.result.error().kind, ErrorKind::kInvalid) << run.result.error().Render();
  EXPECT_NE(run.result.error().message.find("none.db"), std::string::npos);
}

}  // namespace
}  // namespace dml::steps
