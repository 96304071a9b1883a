// Every message about a user's SQL, as it is read.

#include "plugins/table/sql/row_expressions.h"
#include "tests/sql/query_lab.h"

namespace dml::sql {
namespace {

class Errors : public QueryLab {
 protected:
  void SetUp() override {
    const table::Schema schema{{{"CustomerID", table::ColumnType::kInt64, 1},
                                {"Unit Price", table::ColumnType::kFloat64, 1},
                                {"words", table::ColumnType::kSparse, 2},
                                {"Country", table::ColumnType::kCategory, 1}}};
    QueryLab::AddTable("data", schema, {{"1", "2", "", "France"}, {"2", "3", "", "a lot"}});
    QueryLab::AddTable("other", {{{"CustomerID", table::ColumnType::kInt64, 1}}}, {{"1"}});
    auto table = table::Table::OpenDirectory(folder_ / "table-data");
    ASSERT_TRUE(table.ok());
    data_ = *table;
    options_.scratch_dir = folder_ / "scratch";
  }
  // Of a row-wise expression.
  std::string Row(const std::string& expression) {
    const UserText where{"where", expression};
    auto checked = CheckExpressions(data_->schema(), {where}, options_);
    if (!checked.ok()) return checked.error().Render();
    auto rows = SelectRows(RowSource(*data_, 0, 1), where, options_);
    if (!rows.ok()) return rows.error().Render();
    std::string out;
    for (const std::uint32_t row : *rows) out += std::to_string(row) + " ";
    return out;
  }
  std::optional<table::Table> data_;
};

TEST_F(Errors, UnknownNames) {
  EXPECT_EQ(Row("CustomerId2 > 1"),
            "where: there is no column 'CustomerId2'\n"
            "    CustomerId2 > 1\n"
            "    ^~~~~~~~~~~\n"
            "  hint: did you mean 'CustomerID'?");
  EXPECT_EQ(Row("CustomerID > 0 AND\n  UnitPrice > 1"),
            "where: there is no column 'UnitPrice'\n"
            "      UnitPrice > 1\n"
            "      ^~~~~~~~~\n"
            "  hint: did you mean \"Unit Price\"?");
  EXPECT_EQ(Row("xyzzy"),
            "where: there is no column 'xyzzy'\n"
            "    xyzzy\n"
            "    ^~~~~\n"
            "  hint: the columns are: CustomerID, Unit Price, Country");
  EXPECT_EQ(Row("words = 1"),
            "where: column 'words' is sparse, which SQL cannot read\n"
            "    words = 1\n"
            "    ^~~~~");
  EXPECT_EQ(Row("lenght(Country) > 1"),
            "where: there is no function lenght()\n"
            "    lenght(Country) > 1\n"
            "    ^~~~~~\n"
            "  hint: did you mean 'length'?");
  EXPECT_EQ(Query("SELECT o.Country FROM other AS o"),
            "sql: there is no column 'o.Country'\n"
            "    SELECT o.Country FROM other AS o\n"
            "           ^~~~~~~~~\n"
            "  hint: did you mean 'Country'?");
  EXPECT_EQ(Query("SELECT * FROM date"),
            "sql: there is no table 'date'\n"
            "    SELECT * FROM date\n"
            "                  ^~~~\n"
            "  hint: did you mean 'data'?");
  EXPECT_EQ(Query("SELECT CustomerID FROM data, other"),
            "sql: column 'CustomerID' is in more than one table\n"
            "    SELECT CustomerID FROM data, other\n"
            "           ^~~~~~~~~~\n"
            "  hint: say which: data.CustomerID");
}

TEST_F(Errors, Syntax) {
  EXPECT_EQ(Row("CustomerID = = 1"),
            "where: syntax error at '='\n"
            "    CustomerID = = 1\n"
            "                 ^\n"
            "  hint: names with dots, spaces or other signs, and names that are SQL words, are "
            "written in double quotes");
  EXPECT_EQ(Row("(CustomerID > 1"),
            "where: '(' is not closed\n"
            "    (CustomerID > 1\n"
            "    ^");
  EXPECT_EQ(Row("CustomerID > 1)"),
            "where: ')' closes nothing\n"
            "    CustomerID > 1)\n"
            "                  ^");
  EXPECT_EQ(Row("Country = 'France"),
            "where: a quote has no end\n"
            "    Country = 'France\n"
            "              ^");
  EXPECT_EQ(Row("CustomerID > :limit"),
            "where: ':limit' is not part of an expression\n"
            "    CustomerID > :limit\n"
            "                 ^~~~~~\n"
            "  hint: put a parameter of the pipeline in as ${params.NAME}");
  EXPECT_EQ(Row("1; DROP TABLE data"),
            "where: an expression has no ';'\n"
            "    1; DROP TABLE data\n"
            "     ^");
  EXPECT_EQ(Row("  "), "where: nothing is written here\n      ");
  EXPECT_EQ(Query("SELECT 1; SELECT 2"),
            "sql: there is more than one statement\n"
            "    SELECT 1; SELECT 2\n"
            "              ^~~~~~\n"
            "  hint: write one SELECT; WITH names the results of others");
  EXPECT_EQ(Row("1, 2").substr(0, 24), "where: row value misused");
}

TEST_F(Errors, OtherRowsAreOutOfReach) {
  EXPECT_EQ(Row("CustomerID > avg(CustomerID)"),
            "where: avg() needs many rows, but this step sees one row at a time\n"
            "    CustomerID > avg(CustomerID)\n"
            "                 ^~~\n"
            "  hint: use aggregate or query.sql for what needs other rows");
  EXPECT_EQ(Row("row_number() OVER () > 1"),
            "where: row_number() needs many rows, but this step sees one row at a time\n"
            "    row_number() OVER () > 1\n"
            "    ^~~~~~~~~~\n"
            "  hint: use aggregate or query.sql for what needs other rows");
  EXPECT_EQ(Row("CustomerID = (SELECT max(CustomerID) FROM data)"),
            "where: there is a SELECT inside, but this step sees one row at a time\n"
            "    CustomerID = (SELECT max(CustomerID) FROM data)\n"
            "  hint: use aggregate, join or query.sql for what needs other rows");
  EXPECT_EQ(Row("rowid = 1"),
            "where: the row number is not known here: this step sees one row at a time\n"
            "    rowid = 1\n"
            "  hint: use query.sql, where rowid counts from 1");
}

TEST_F(Errors, OfAValueNameItsRow) {
  EXPECT_EQ(Row("Country"),
            "row 1: where: the result is 'France', which is neither true nor false\n"
            "    Country\n"
            "  hint: compare it with something: = '...', LIKE '...%', IS NOT NULL");
  EXPECT_EQ(Row("year(CASE WHEN CustomerID = 2 THEN Country ELSE '2011-01-01' END) = 2011"),
            "row 2: where: year() takes times such as '2011-01-31 09:30:00', but found 'a lot'\n"
            "    year(CASE WHEN CustomerID = 2 THEN Country ELSE '2011-01-01' END) = 2011");
  EXPECT_EQ(Query("SELECT sum(Country) AS s FROM data"),
            "sql: sum() takes numbers, but found the text 'France'\n"
            "    SELECT sum(Country) AS s FROM data");
  EXPECT_EQ(Row("CustomerID = 2"), "1 ");
}

TEST_F(Errors, ResultsNeedNames) {
  EXPECT_EQ(Query("SELECT 1 AS x, 2 AS x"),
            "two columns of the result are called 'x'\n  hint: name one of them with AS");
  EXPECT_EQ(Query("SELECT CustomerID + 1 FROM data"), "2\n3\n");
}

}  // namespace
}  // namespace dml::sql
