// Joins inside a query: looked up by an index, with the same rows as comparing all pairs.

#include "plugins/table/sql/key_cells.h"
#include "plugins/table/sql/row_index.h"
#include "tests/sql/query_lab.h"

namespace dml::sql {
namespace {

using table::ColumnType;

class Lookup : public QueryLab {
 protected:
  void SetUp() override {
    QueryLab::AddTable("a",
                       {{{"id", ColumnType::kInt64, 1},
                         {"s", ColumnType::kString, 1},
                         {"t", ColumnType::kTimestamp, 1},
                         {"n", ColumnType::kString, 1}}},
                       {{"1", "x", "2011-01-01", "1"},
                        {"2", "y", "2011-01-02", "02"},
                        {"", "z", "", "3"},
                        {"4", "x", "2011-01-01", "x"}});
    QueryLab::AddTable("b",
                       {{{"key", ColumnType::kFloat64, 1},
                         {"c", ColumnType::kCategory, 1},
                         {"t", ColumnType::kTimestamp, 1},
                         {"w", ColumnType::kInt64, 1}}},
                       {{"2", "x", "2011-01-01", "10"},
                        {"1", "y", "2011-01-02", "20"},
                        {"1", "x", "", "30"},
                        {"", "q", "2011-01-01", "40"},
                        {"2.5", "z", "2011-01-03", "50"}},
                       1);
  }
  // The rows of a join and of the same join that no index can help.
  void ExpectSame(const std::string& on, const std::string& by_scan) {
    const std::string select = "SELECT a.id, a.s, b.w FROM a JOIN b ON ";
    const std::string order = " ORDER BY a.rowid, b.rowid";
    const std::string expected = Query(select + by_scan + order);
    EXPECT_EQ(Query(select + on + order), expected) << on;
    EXPECT_NE(expected, "") << on;
  }
};

TEST_F(Lookup, EqualIsWhatSqlCallsEqual) {
  ExpectSame("a.id = b.key", "a.id - b.key = 0");
  ExpectSame("b.key = a.id", "a.id - b.key = 0");
  ExpectSame("a.s = b.c", "length(a.s) = length(b.c) AND instr(a.s, b.c) = 1");
  ExpectSame("a.t = b.t", "julianday(a.t) = julianday(b.t)");
  ExpectSame("a.n = b.key", "CAST(a.n AS REAL) - b.key = 0");
  ExpectSame("a.id = b.key AND a.s = b.c", "a.id - b.key = 0 AND a.s || '' = b.c || ''");
  ExpectSame("b.key = a.n", "CAST(a.n AS REAL) - b.key = 0");
}

TEST_F(Lookup, OuterJoinsKeepWhatHasNoMatch) {
  EXPECT_EQ(Query("SELECT a.id, b.w FROM a LEFT JOIN b ON a.id = b.key ORDER BY a.rowid, b.rowid"),
            "1|20\n1|30\n2|10\n~|~\n4|~\n");
  EXPECT_EQ(Query("SELECT a.id, b.w FROM a FULL JOIN b ON a.id = b.key ORDER BY a.rowid IS NULL, "
                  "a.rowid, b.rowid"),
            "1|20\n1|30\n2|10\n~|~\n4|~\n~|40\n~|50\n");
}

TEST_F(Lookup, OtherWaysToAsk) {
  EXPECT_EQ(Query("SELECT id FROM a WHERE id IN (SELECT key FROM b) ORDER BY id"), "1\n2\n");
  EXPECT_EQ(Query("SELECT id FROM a WHERE EXISTS (SELECT 1 FROM b WHERE b.key = a.id)"), "1\n2\n");
  EXPECT_EQ(
      Query("SELECT x.id, y.id AS other FROM a AS x JOIN a AS y ON x.s = y.s AND x.id < y.id"),
      "1|4\n");
  EXPECT_EQ(Query("SELECT s FROM a WHERE s = 'X' COLLATE NOCASE"), "x\nx\n");
  EXPECT_EQ(Query("SELECT id FROM a JOIN (SELECT 'X' AS v) ON s = v COLLATE NOCASE"), "1\n4\n");
  EXPECT_EQ(Query("SELECT rowid, id FROM a WHERE rowid >= 3"), "3|~\n4|4\n");
}

TEST_F(Lookup, AJoinOfManyRowsIsNotQuadratic) {
  // 60,000 times 60,000 pairs would take minutes.
  std::vector<std::vector<Value>> rows;
  for (int i = 0; i < 60'000; ++i) rows.push_back({std::to_string(i * 7 % 60'000)});
  QueryLab::AddTable("many", {{{"id", ColumnType::kInt64, 1}}}, rows, 10'000);
  EXPECT_EQ(Query("SELECT count(*) AS n, sum(x.id) AS s FROM many AS x JOIN many AS y "
                  "ON x.id = y.id"),
            "60000|1799970000\n");
}

TEST(Keys, NumbersOfEveryTypeAgree) {
  EXPECT_EQ(HashNumber(3.0), HashInteger(3));
  EXPECT_EQ(HashNumber(-0.0), HashInteger(0));
  EXPECT_NE(HashNumber(3.5), HashInteger(3));
  EXPECT_NE(HashNumber(9007199254740992.0), HashInteger(9007199254740993));
  EXPECT_NE(HashText("abcdefgh"), HashText("abcdefg"));
  EXPECT_TRUE(AreComparable(ColumnType::kBool, ColumnType::kFloat32));
  EXPECT_FALSE(AreComparable(ColumnType::kTimestamp, ColumnType::kInt64));
  EXPECT_FALSE(AreComparable(ColumnType::kSparse, ColumnType::kSparse));
}

}  // namespace
}  // namespace dml::sql
