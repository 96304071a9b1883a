// filter, derive and deduplicate.

#include <fmt/format.h>

#include "tests/steps/step_lab.h"

namespace dml::steps {
namespace {

using Table = std::vector<std::vector<std::string>>;

constexpr char kPeople[] =
    "name,age,joined,smokes\n"
    "Ann,31,2011-01-05,true\n"
    "Bob,,2011-02-01,false\n"
    "Cid,17,,true\n"
    "Ann,31,2011-03-01,false\n"
    "Dee,58,2010-12-31,\n";

class RowSteps : public StepLab {
 protected:
  std::string Types(const Artifact& artifact) {
    auto table = table::Table::Open(artifact.files);
    std::string out;
    for (const table::Field& field : table->schema().fields) {
      out += (out.empty() ? "" : " ") + field.name + ":" +
             std::string(table::ColumnTypeName(field.type));
    }
    return out;
  }
};

TEST_F(RowSteps, FilterKeepsWhatIsTrue) {
  for (const int partitions : {1, 2, 3, 7}) {
    const Artifact people = Csv(kPeople, static_cast<std::uint64_t>(partitions));
    for (const int threads : {1, 2, 3, 7}) {
      StepRun run = Run("filter", {{"where", "age > 20 OR smokes"}}, {{"data", people}}, threads);
      ASSERT_TRUE(run.ok()) << run.Failure();
      EXPECT_EQ(Rows(run.outputs["data"]), (Table{{"Ann", "31", "2011-01-05", "true"},
                                                  {"Cid", "17", "", "true"},
                                                  {"Ann", "31", "2011-03-01", "false"},
                                                  {"Dee", "58", "2010-12-31", ""}}));
      EXPECT_EQ(run.metrics["dropped"], 1);
      EXPECT_EQ(Bytes(run.outputs["data"]),
                Bytes(Run("filter", {{"where", "age > 20 OR smokes"}}, {{"data", people}})
                          .outputs["data"]));
    }
  }
}

TEST_F(RowSteps, FilterOfTimesAndCategories) {
  const Artifact people = Csv(kPeople, 2);
  EXPECT_EQ(
      Rows(Run("filter", {{"where", "joined < '2011-02-01'"}}, {{"data", people}}).outputs["data"])
          .size(),
      2U);
  EXPECT_EQ(Rows(Run("filter", {{"where", "name IN ('Ann', 'Cid') -- two"}}, {{"data", people}})
                     .outputs["data"])
                .size(),
            3U);
  StepRun none = Run("filter", {{"where", "age > 1000"}}, {{"data", people}});
  ASSERT_TRUE(none.ok());
  EXPECT_EQ(none.metrics["rows"], 0);
  EXPECT_EQ(none.warnings, std::vector<std::string>{"where: no row is left"});
}

// To SQLite every text is larger than every number, which nobody wants to know.
TEST_F(RowSteps, ANumberIsNotComparedWithAText) {
  const Artifact people = Csv(kPeople);
  const auto failure = [&](const std::string& where) {
    return Run("filter", {{"where", where}}, {{"data", people}}).Failure();
  };
  for (const char* where :
       {"age > 'old'", "NOT data.age = 'x'", "'old' <= age", "age IN (1, 2, 'x')",
        "age NOT IN ('x', 'y')", "name = 'Ann' AND age IS NOT 'x'", "age BETWEEN 'a' AND 'b'"}) {
    EXPECT_NE(failure(where).find("the column 'age' is int64: they do not compare"),
              std::string::npos)
        << where << ": " << failure(where);
  }
  EXPECT_NE(failure("smokes = 'true'").find("write \"smokes\", or NOT \"smokes\""),
            std::string::npos);
  for (const char* where :
       {"age > '20'", "name > 'B' AND age > 1", "age || 'x' = '31x'", "name || age > 'Ann3'",
        "age LIKE '3%'", "joined > '2011'", "coalesce(age, 'none') = 'none'"}) {
    EXPECT_EQ(failure(where), "") << where;
  }
  EXPECT_NE(
      Run("derive", {{"columns", {{"a", "CASE WHEN age = 'x' THEN 1 END"}}}}, {{"data", people}})
          .Failure()
          .find("columns.a: 'x' is a text"),
      std::string::npos);
}

// The mirror image: SQLite would compare the texts, and '10' is less than '5'.
TEST_F(RowSteps, ATextIsNotComparedWithANumber) {
  const Artifact codes = Csv("code,v,day\n007,1,2011-01-05\n10,2,2011-01-06\nA,3,2011-01-07\n");
  const auto failure = [&](const std::string& where) {
    return Run("filter", {{"where", where}}, {{"data", codes}}).Failure();
  };
  for (const char* where :
       {"code > 5", "code == 7", "\"code\" <> -7", "5 < code", "-1.5e-3 < data.code", "code > .5",
        "code IN ('A', 7)", "code NOT IN (1e-3)", "code BETWEEN 1 AND 9", "code BETWEEN '1' AND 9",
        "code IS NOT 7", "v > 1 AND code > 5 + 1", "CASE code WHEN 'A' THEN 0 WHEN 7 THEN 1 END"}) {
    EXPECT_NE(failure(where).find("is a number and the column 'code' is category: they do not"),
              std::string::npos)
        << where << ": " << failure(where);
  }
  EXPECT_NE(failure("code > 5").find("CAST(code AS REAL)"), std::string::npos);
  EXPECT_NE(failure("day > 20110106").find("'2011-01-31'"), std::string::npos);
  for (const char* where : {"code = v", "v < data.code", "code BETWEEN v AND 'z'"}) {
    EXPECT_NE(failure(where).find("the column 'code' is category and the column 'v' is int64"),
              std::string::npos)
        << where << ": " << failure(where);
  }
  for (const char* where :
       {"CAST(code AS REAL) > 5", "code > '5'", "code IN ('10', 'A')", "code = 1 || '0'",
        "v > 1 AND code = 'A'", "length(code) > 1", "code + 0 > 5", "code IS NOT NULL AND v > 1",
        "v BETWEEN 1 AND 2 AND code = '10'", "CASE v WHEN 1 THEN code WHEN 2 THEN 0 END = '007'",
        "code = day", "v IN (1, 2) AND NOT code = 'A'", "day > '2011-01-05'"}) {
    EXPECT_EQ(failure(where), "") << where;
  }
  EXPECT_NE(
      Run("derive", {{"columns", {{"a", "CASE WHEN code > 5 THEN 1 END"}}}}, {{"data", codes}})
          .Failure()
          .find("columns.a: 5 is a number"),
      std::string::npos);
}

// What a function gives is neither read as a number nor as a text where SQLite compares it.
TEST_F(RowSteps, ResultsOfFunctionsHaveATypeToo) {
  const Artifact codes = Csv("code,v,day\n007,1,2011-01-05\n10,2,2011-01-06\nA,,2011-01-07\n");
  const auto failure = [&](const std::string& where) {
    return Run("filter", {{"where", where}}, {{"data", codes}}).Failure();
  };
  for (const char* where :
       {"coalesce(code, 0) > 5", "5 < ifnull(code, 0)", "coalesce(v, 'none') > 5", "(code) > 5",
        "max(code, 'B') IN ('A', 7)", "iif(v > 1, code, 0) BETWEEN 1 AND 9",
        "coalesce(nullif(code, ''), 0) = 7", "substr(code, 1, 1) > 5", "strftime('%H', day) >= 12",
        "code = length(code)", "year(day) = '2011'", "coalesce(v, 0) > '5'", "length(code) = '3'",
        "coalesce(day, '2011-01-01') > 2011"}) {
    EXPECT_NE(failure(where).find("they do not compare"), std::string::npos)
        << where << ": " << failure(where);
  }
  EXPECT_NE(failure("coalesce(code, 0) > 5")
                .find("where: 5 is a number and coalesce(code, 0) is a text: they do not compare"),
            std::string::npos)
      << failure("coalesce(code, 0) > 5");
  EXPECT_NE(failure("coalesce(code, 0) > 5").find("CAST(coalesce(code, 0) AS REAL)"),
            std::string::npos);
  for (const char* where :
       {"coalesce(code, 'x') > '5'", "coalesce(v, 0) > 5", "CAST(coalesce(code, 0) AS REAL) > 5",
        "coalesce(CAST(code AS REAL), 0) > 5", "iif(code > 'A', 1, 0) = 1",
        "nullif(v, 'x') > 1 OR v IS NULL", "year(day) = 2011", "length(lower(code)) > 1",
        "coalesce(code, 0) = '10'", "v = strftime('%Y', day)", "abs(v) > 1", "(v) > 1",
        "NOT (code) > '5'", "strftime('%H', day) + 0 >= 12", "coalesce(code || 'x', 0) > '5'"}) {
    EXPECT_EQ(failure(where), "") << where;
  }
}

// SQLite calculates with the digits that a text begins with, or else with 0.
TEST_F(RowSteps, TextsAreNotCalculatedWith) {
  const Artifact codes = Csv("code,v,day\n007,1,2011-01-05\n10,2,2011-01-06\nA,3,2011-01-07\n");
  const auto failure = [&](const std::string& expression) {
    return Run("derive", {{"columns", {{"a", expression}}}}, {{"data", codes}}).Failure();
  };
  for (const char* expression : {"code + 1", "2 * data.code", "v - code", "-code", "code % 2"}) {
    EXPECT_NE(failure(expression)
                  .find("columns.a: the column 'code' is category, with which SQL does not "
                        "calculate"),
              std::string::npos)
        << expression << ": " << failure(expression);
  }
  EXPECT_NE(failure("day - 1").find("days_between(...)"), std::string::npos) << failure("day - 1");
  for (const char* expression :
       {"v + 1", "CAST(code AS REAL) + 1", "code + 0", "code || v", "length(code) + 1",
        "unixepoch(day) - 1", "(code) || '+'", "count_of(code)"}) {
    EXPECT_EQ(failure(expression).find("does not calculate"), std::string::npos) << expression;
  }
}

// As the loaders: a number that float64 cannot hold is an error, not infinite.
TEST_F(RowSteps, AResultBeyondFloat64IsAnErrorWithItsRow) {
  const Artifact numbers = Csv("x\n1\n1e200\n3\n");
  const std::string failure =
      Run("derive", {{"columns", {{"a", "1"}, {"b", "x * x"}}}}, {{"data", numbers}}).Failure();
  EXPECT_NE(failure.find("columns.b: the result is too large for float64"), std::string::npos)
      << failure;
  const StepRun run = Run("derive", {{"columns", {{"b", "x * x"}}}}, {{"data", numbers}});
  ASSERT_FALSE(run.ok());
  EXPECT_EQ(run.result.error().where, "row 2");
  // What is infinite already may stay so.
  const Artifact infinite = Csv("x\n1\ninf\n-inf\n");
  EXPECT_EQ(Run("derive", {{"columns", {{"b", "x * 2"}}}}, {{"data", infinite}}).Failure(), "");
}

// SQLite knows 2000 columns of a table; an expression names few of more.
TEST_F(RowSteps, TablesMayBeWiderThanSqliteKnows) {
  std::string text;
  for (int i = 0; i < 2500; ++i) text += fmt::format("{}C{}", i == 0 ? "" : ",", i);
  for (int row = 0; row < 3; ++row) {
    text += '\n';
    for (int i = 0; i < 2500; ++i) text += fmt::format("{}{}", i == 0 ? "" : ",", row * i);
  }
  const Artifact wide = Csv(text + "\n");
  const StepRun some = Run("filter", {{"where", "c2400 > 2000 AND \"C7\" < 10"}}, {{"data", wide}});
  ASSERT_TRUE(some.ok()) << some.Failure();
  EXPECT_EQ(some.metrics["rows"], 1);
  EXPECT_EQ(Rows(some.outputs.at("data")).at(0).size(), 2500U);
  const StepRun all = Run("filter", {{"where", "1"}}, {{"data", wide}});
  ASSERT_TRUE(all.ok()) << all.Failure();
  EXPECT_EQ(all.metrics["rows"], 3);
  const StepRun derived = Run("derive", {{"columns", {{"total", "C2499 + C1"}}}}, {{"data", wide}});
  ASSERT_TRUE(derived.ok()) << derived.Failure();
  EXPECT_EQ(Rows(derived.outputs.at("data")).at(2).at(2500), "5000");
  const StepRun groups =
      Run("aggregate", {{"by", {"C0"}}, {"columns", {{"s", "sum(C2499)"}}}}, {{"data", wide}});
  ASSERT_TRUE(groups.ok()) << groups.Failure();
  EXPECT_EQ(Rows(groups.outputs.at("data")).at(0).at(1), "7497");
  EXPECT_NE(
      Run("filter", {{"where", "C2501 > 0"}}, {{"data", wide}}).Failure().find("did you mean"),
      std::string::npos);
  const StepRun named =
      Run("query.sql", {{"sql", "SELECT C3, C2400 * 2 AS d FROM data"}}, {{"data", wide}});
  ASSERT_TRUE(named.ok()) << named.Failure();
  EXPECT_EQ(Rows(named.outputs.at("data")).at(1).at(1), "4800");
  for (const char* query :
       {"SELECT * FROM data", "SELECT data.* FROM data", "SELECT C1, * FROM data"}) {
    const std::string failure = Run("query.sql", {{"sql", query}}, {{"data", wide}}).Failure();
    EXPECT_NE(failure.find("the table 'data' has 2500 columns, and a query takes all of at most "
                           "2000"),
              std::string::npos)
        << failure;
  }
  std::string sum = "C0";
  for (int i = 1; i < 2100; ++i) sum += fmt::format("{}C{}", i % 400 == 0 ? "," : "+", i);
  const std::string failure =
      Run("derive", {{"columns", {{"s", "max(" + sum + ")"}}}}, {{"data", wide}}).Failure();
  EXPECT_NE(failure.find("the SQL names 2100 columns of the table 'data'"), std::string::npos)
      << failure;
}

// It is noticed when the last row is through, and then it has no row to blame.
TEST_F(RowSteps, TheClockIsNotInARow) {
  const Artifact words = Csv("word\nnow\nnow\n");
  const std::string failure =
      Run("derive", {{"columns", {{"a", "date(word)"}}}}, {{"data", words}}).Failure();
  EXPECT_NE(failure.find("the current time is not available"), std::string::npos) << failure;
  EXPECT_EQ(failure.find("row 3"), std::string::npos) << failure;
}

// Columns come in the order in which they are written, whatever their names.
TEST_F(RowSteps, NewColumnsKeepTheirOrder) {
  const Artifact people = Csv(kPeople);
  const Json columns = Json::array({{"z", "1"}, {"a", "2"}, {"m", "3"}});
  EXPECT_EQ(Types(Run("derive", {{"columns", columns}}, {{"data", people}}).outputs["data"]),
            "name:category age:int64 joined:timestamp smokes:bool z:int64 a:int64 m:int64");
  const Json sums = Json::array({{"z", "count(*)"}, {"a", "sum(age)"}});
  EXPECT_EQ(Types(Run("aggregate", {{"by", {"name"}}, {"columns", sums}}, {{"data", people}})
                      .outputs["data"]),
            "name:category z:int64 a:int64");
}

TEST_F(RowSteps, FilterWarnsOfAColumnInSingleQuotes) {
  StepRun run = Run("filter", {{"where", "'age' > 20"}}, {{"data", Csv(kPeople)}});
  ASSERT_TRUE(run.ok());
  ASSERT_EQ(run.warnings.size(), 1U);
  EXPECT_EQ(run.warnings[0],
            "where: 'age' in single quotes is a text, not the column; a column is written \"age\"");
}

TEST_F(RowSteps, DeriveAddsAndReplaces) {
  const Json columns = {
      {"age", "coalesce(age, 40)"},         {"days", "days_between(joined, '2011-03-01')"},
      {"initial", "substr(name, 1, 1)"},    {"joined_copy", "joined"},
      {"next", "date(joined, '+1 month')"}, {"one", "1"}};
  std::string expected;
  for (const std::uint64_t partitions : {1U, 2U, 3U, 7U}) {
    StepRun run = Run("derive", {{"columns", columns}}, {{"data", Csv(kPeople, partitions)}},
                      static_cast<int>(partitions));
    ASSERT_TRUE(run.ok()) << run.Failure();
    EXPECT_EQ(Types(run.outputs["data"]),
              "name:category age:int64 joined:timestamp smokes:bool days:float64 initial:category "
              "joined_copy:timestamp next:timestamp one:int64");
    EXPECT_EQ(
        Rows(run.outputs["data"]),
        (Table{{"Ann", "31", "2011-01-05", "true", "55", "A", "2011-01-05", "2011-02-05", "1"},
               {"Bob", "40", "2011-02-01", "false", "28", "B", "2011-02-01", "2011-03-01", "1"},
               {"Cid", "17", "", "true", "", "C", "", "", "1"},
               {"Ann", "31", "2011-03-01", "false", "0", "A", "2011-03-01", "2011-04-01", "1"},
               {"Dee", "58", "2010-12-31", "", "60", "D", "2010-12-31", "2011-01-31", "1"}}));
  }
}

// A type is that of the whole column, whatever a partition holds.
TEST_F(RowSteps, DeriveSettlesTypesOverAllPartitions) {
  const Artifact numbers = Csv("x\n1\n2\n3\n4\n5\n6\n7\n8\n", 4);
  StepRun run = Run("derive",
                    {{"columns",
                      {{"half", "CASE WHEN x = 8 THEN 0.5 ELSE x END"},
                       {"late", "CASE WHEN x > 6 THEN 'yes' END"},
                       {"flag", "x > 4"}}},
                     {"types", {{"flag", "bool"}}}},
                    {{"data", numbers}}, 3);
  ASSERT_TRUE(run.ok()) << run.Failure();
  EXPECT_EQ(Types(run.outputs["data"]), "x:int64 flag:bool half:float64 late:category");
  EXPECT_EQ(Rows(run.outputs["data"])[7], (std::vector<std::string>{"8", "true", "0.5", "yes"}));
  EXPECT_EQ(Rows(run.outputs["data"])[0], (std::vector<std::string>{"1", "false", "1", ""}));
}

TEST_F(RowSteps, DeriveTakesManyColumns) {
  Json columns = Json::object();
  for (int i = 0; i < 250; ++i)
    columns["c" + std::to_string(1000 + i)] = "x + " + std::to_string(i);
  StepRun run = Run("derive", {{"columns", columns}}, {{"data", Csv("x\n1\n2\n")}});
  ASSERT_TRUE(run.ok()) << run.Failure();
  const auto rows = Rows(run.outputs["data"]);
  EXPECT_EQ(rows[1].size(), 251U);
  EXPECT_EQ(rows[1][250], "251");
}

TEST_F(RowSteps, DeriveSaysWhichExpressionAndRow) {
  const Artifact people = Csv(kPeople, 2);
  StepRun run =
      Run("derive", {{"columns", {{"a", "age"}, {"b", "sin(year(name))"}}}}, {{"data", people}}, 2);
  EXPECT_EQ(run.result.error().Render(),
            "row 1: columns.b: year() takes times such as '2011-01-31 09:30:00', but found 'Ann'\n"
            "    sin(year(name))");
  run = Run("derive", {{"columns", {{"a", "age * 2"}, {"b", "a + 1"}}}}, {{"data", people}});
  EXPECT_EQ(run.result.error().Render(),
            "columns.b: there is no column 'a'\n"
            "    a + 1\n"
            "    ^\n"
            "  hint: expressions see the columns of the input, not each other: put another derive "
            "behind this one");
  run = Run("derive", {{"columns", {{"m", "CASE WHEN age > 20 THEN age ELSE name END"}}}},
            {{"data", people}});
  EXPECT_EQ(run.result.error().message, "column 'm' holds numbers and texts, such as 31 and 'Bob'");
}

TEST_F(RowSteps, EmptyTables) {
  const Artifact empty =
      Run("filter", {{"where", "0"}}, {{"data", Csv(kPeople, 3)}}).outputs["data"];
  StepRun derived = Run("derive", {{"columns", {{"y", "age + 1"}}}}, {{"data", empty}});
  ASSERT_TRUE(derived.ok()) << derived.Failure();
  EXPECT_EQ(Rows(derived.outputs["data"]).size(), 0U);
  StepRun all =
      Run("aggregate", {{"columns", {{"n", "count(*)"}, {"s", "sum(age)"}}}}, {{"data", empty}});
  ASSERT_TRUE(all.ok()) << all.Failure();
  EXPECT_EQ(Rows(all.outputs["data"]), (Table{{"0", ""}}));
  StepRun none =
      Run("aggregate", {{"by", {"name"}}, {"columns", {{"n", "count(*)"}}}}, {{"data", empty}});
  ASSERT_TRUE(none.ok()) << none.Failure();
  EXPECT_EQ(Rows(none.outputs["data"]).size(), 0U);
  EXPECT_TRUE(Run("deduplicate", Json::object(), {{"data", empty}}).ok());
}

TEST_F(RowSteps, DeduplicateKeepsFirstLastOrNone) {
  const std::string csv = "k,v\na,1\nb,2\na,3\n,4\n,5\nc,6\na,7\n";
  const auto kept = [&](const Json& params, std::uint64_t partitions) {
    StepRun run =
        Run("deduplicate", params, {{"data", Csv(csv, partitions)}}, static_cast<int>(partitions));
    EXPECT_TRUE(run.ok()) << run.Failure();
    std::string out;
    for (const auto& row : Rows(run.outputs["data"])) out += row[1];
    return out;
  };
  for (const std::uint64_t partitions : {1U, 2U, 3U, 7U}) {
    EXPECT_EQ(kept({{"columns", {"k"}}}, partitions), "1246");
    EXPECT_EQ(kept({{"columns", {"k"}}, {"keep", "first"}}, partitions), "1246");
    EXPECT_EQ(kept({{"columns", {"k"}}, {"keep", "last"}}, partitions), "2567");
    EXPECT_EQ(kept({{"columns", {"k"}}, {"keep", "none"}}, partitions), "26");
    EXPECT_EQ(kept(Json::object(), partitions), "1234567");
  }
  StepRun wrong = Run("deduplicate", {{"columns", {"kk"}}}, {{"data", Csv(csv)}});
  EXPECT_EQ(wrong.result.error().kind, ErrorKind::kInvalid);
}

TEST_F(RowSteps, CancelledIsNotAnError) {
  std::stop_source source;
  source.request_stop();
  const Artifact people = Csv(kPeople, 2);
  stop_ = source.get_token();
  EXPECT_EQ(Run("filter", {{"where", "1"}}, {{"data", people}}).result.error().kind,
            ErrorKind::kCancelled);
  EXPECT_EQ(Run("derive", {{"columns", {{"a", "1"}}}}, {{"data", people}}).result.error().kind,
            ErrorKind::kCancelled);
}

}  // namespace
}  // namespace dml::steps
