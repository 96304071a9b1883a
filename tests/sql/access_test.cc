// What SQL of a user must not do.

#include <filesystem>
#include <thread>

#include "tests/sql/query_lab.h"

namespace dml::sql {
namespace {

class Access : public QueryLab {
 protected:
  void SetUp() override {
    QueryLab::AddTable("data", {{{"x", table::ColumnType::kInt64, 1}}}, {{"1"}, {"2"}, {"3"}});
  }
  void ExpectRefused(const std::string& sql, const std::string& part) {
    const std::string found = Query(sql);
    EXPECT_NE(found.find(part), std::string::npos) << sql << "\n" << found;
  }
};

TEST_F(Access, NothingButSelect) {
  for (const char* sql :
       {"ATTACH '/tmp/x.db' AS x", "DETACH main", "CREATE TABLE t(x)", "CREATE TEMP TABLE t(x)",
        "CREATE TEMP VIEW v AS SELECT 1", "DROP TABLE data", "DELETE FROM data",
        "INSERT INTO data VALUES (1)", "UPDATE data SET x = 1", "BEGIN", "COMMIT", "VACUUM",
        "VACUUM INTO '/tmp/x.db'", "REINDEX", "ANALYZE", "SAVEPOINT a",
        "CREATE VIRTUAL TABLE t USING fts5(x)"}) {
    ExpectRefused(sql, "only SELECT is allowed here");
  }
  ExpectRefused("PRAGMA temp_store_directory = '/'", "PRAGMA temp_store_directory is not allowed");
  ExpectRefused("SELECT * FROM pragma_database_list", "not allowed");
  ExpectRefused("UPDATE sqlite_master SET sql = ''", "only SELECT is allowed here");
  ExpectRefused("DELETE FROM sqlite_master", "only SELECT is allowed here");
  EXPECT_EQ(Query("SELECT value FROM json_each('[1, 2]')"), "1\n2\n");
  ExpectRefused("EXPLAIN SELECT * FROM data", "only SELECT is allowed here");
}

TEST_F(Access, NoFilesNoExtensions) {
  ExpectRefused("SELECT load_extension('x.so')", "load_extension() is not available here");
  ExpectRefused("SELECT readfile('/etc/passwd')", "readfile()");
  ExpectRefused("SELECT writefile('/tmp/x', 'y')", "writefile()");
  ExpectRefused("SELECT fts3_tokenizer('simple')", "fts3_tokenizer() is not available here");
  ExpectRefused("SELECT * FROM sqlite_stmt", "sqlite_stmt");
  ExpectRefused("SELECT * FROM dbstat", "dbstat");
}

TEST_F(Access, NothingThatDiffersFromRunToRun) {
  ExpectRefused("SELECT random()", "random() would give another result in every run");
  ExpectRefused("SELECT x FROM data ORDER BY random()", "random() would give another result");
  ExpectRefused("SELECT randomblob(1000000000)", "randomblob() would give another result");
  ExpectRefused("SELECT datetime('now')", "the current time is not available");
  ExpectRefused("SELECT CURRENT_TIMESTAMP", "the current time is not available");
  ExpectRefused("SELECT date(substr('xnow', 2))", "the current time is not available");
  ExpectRefused("SELECT datetime('2011-01-01', 'localtime')", "local time depends on the machine");
  ExpectRefused("SELECT sqlite_version()", "sqlite_version() is not available here");
}

TEST_F(Access, SizesAreLimited) {
  ExpectRefused("SELECT hex(zeroblob(1000000000))", "too big");
  ExpectRefused("SELECT " + std::string(5'000'000, '1'), "too");
  std::string deep = "x";
  for (int i = 0; i < 3000; ++i) deep = "(" + deep + ")";
  ExpectRefused("SELECT " + deep + " FROM data", "parse");
  std::string sum = "x";
  for (int i = 0; i < 3000; ++i) sum += "+x";
  ExpectRefused("SELECT " + sum + " FROM data", "too large");
}

TEST_F(Access, AnEndlessQueryEndsWhenAskedTo) {
  std::stop_source source;
  options_.stop = source.get_token();
  std::jthread stopper([&] { source.request_stop(); });
  EXPECT_EQ(Query("WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) "
                  "SELECT sum(x) AS s FROM n"),
            "stopped");
}

TEST_F(Access, WhatDoesNotFitIntoMemoryLiesInTheScratchFolder) {
  options_.memory_bytes = 4 << 20;
  options_.scratch_dir = folder_ / "spill";
  // Sorting 16 MB with a cache of 1 MB.
  EXPECT_EQ(
      Query("WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 200000) "
            "SELECT count(*) AS n, min(s) AS least FROM (SELECT DISTINCT "
            "printf('%080d', (x * 7919) % 200003) AS s FROM n)"),
      "200000|00000000000000000000000000000000000000000000000000000000000000000000000000000001"
      "\n");
  options_.scratch_dir = folder_ / "table-data/part-00000.safetensors";
  ExpectRefused("SELECT 1", "cannot");
}

}  // namespace
}  // namespace dml::sql
