// Texts at and beyond the limits of the reader: wide, long, huge numbers, and headers that do not
// end.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/files.h"
#include "plugins/table/csv/csv.h"
#include "plugins/table/table.h"
#include "tests/table/temp_dir.h"

namespace dml::table {
namespace {

class CsvLimits : public ::testing::Test {
 protected:
  // The message of a load that must fail and leave nothing behind.
  std::string ErrorOf(const std::string& text, CsvOptions options = {}) {
    const auto report = Load(text, std::move(options));
    EXPECT_FALSE(report.ok());
    EXPECT_TRUE(std::filesystem::is_empty(out_.path()));
    std::string error = report.ok() ? "" : report.error().Render();
    for (auto at = error.find(in_.path()); at != std::string::npos; at = error.find(in_.path())) {
      error.erase(at, in_.path().size() + 1);
    }
    return error;
  }
  Result<LoadReport> Load(const std::string& text, CsvOptions options = {}) {
    std::filesystem::remove_all(out_.path());
    std::filesystem::create_directory(out_.path());
    EXPECT_TRUE(WriteFileAtomic(in_ / "in.csv", text).ok());
    options.paths = {in_ / "in.csv"};
    LoadExecution execution;
    execution.threads = 2;
    return LoadCsv(options, out_.path(), execution);
  }

  TempDir in_;
  TempDir out_;
};

// A header and three rows of 0, 1, 2, ...
std::string WideText(int columns) {
  std::string header;
  std::string row;
  for (int i = 0; i < columns; ++i) {
    header += fmt::format("{}column_{}", i > 0 ? "," : "", i);
    row += fmt::format("{}{}", i > 0 ? "," : "", i);
  }
  return header + "\n" + row + "\n" + row + "\n" + row + "\n";
}

TEST_F(CsvLimits, ManyColumns) {
  const auto report = Load(WideText(100'000));
  ASSERT_TRUE(report.ok()) << report.error().Render();
  EXPECT_EQ(report->schema.fields.size(), 100'000U);
  const auto batch = Table::OpenDirectory(out_.path())->Read(0);
  ASSERT_TRUE(batch.ok());
  EXPECT_EQ(batch->columns.back().AsText(2), "99999");
}

TEST_F(CsvLimits, RowsWiderThanTheWindowOfAReader) {
  CsvOptions options;
  options.partitions = *Partitioning::Parse("70Ki");  // a row has 79 kB
  const auto report = Load(WideText(15'000), options);
  ASSERT_TRUE(report.ok()) << report.error().Render();
  EXPECT_EQ(report->rows, 3U);
  EXPECT_GT(report->partition_rows.size(), 3U);
}

std::string RoundedInRow(int row, const std::string& number) {
  return fmt::format(
      "Column 'n' holds the whole number {} in row {}, which float64 rounds; float64 it is because "
      "other cells have decimals. Declare it as string if it is a key.",
      number, row);
}

TEST_F(CsvLimits, WholeNumbersAmongDecimalsThatFloat64RoundsAreNamed) {
  EXPECT_EQ(Load("n\n1.5\n9007199254740993\n")->warnings,
            std::vector<std::string>{RoundedInRow(2, "9007199254740993")});
  EXPECT_EQ(Load("n\n-12345678901234567\n\"NA\"\n1e3\n")->warnings,
            std::vector<std::string>{RoundedInRow(1, "-12345678901234567")});
  // These are what was written.
  EXPECT_TRUE(Load("n\n1.5\n9007199254740992\n-9007199254740994\n1e300\n")->warnings.empty());
  EXPECT_TRUE(Load("n\nkey\n1.5\n9007199254740993\n")->warnings.empty()) << "text";
  CsvOptions options;
  options.types["n"] = ColumnType::kFloat64;
  EXPECT_TRUE(Load("n\n1.5\n9007199254740993\n", options)->warnings.empty()) << "asked for";
}

TEST_F(CsvLimits, NumbersBeyondFloat64AreRefusedOrText) {
  const auto hint = [](const char* limit) {
    return fmt::format(
        "\n  hint: the largest is {}; scale the values down, list it in null_values, or declare "
        "the "
        "column as string",
        limit);
  };
  const std::string largest = hint("1.79e308");
  EXPECT_EQ(ErrorOf("n,x\n1,1.5\n2,1e400\n", {}),
            "in.csv:3: row 2, column 'x' holds '1e400', which is too large for float64" + largest);
  EXPECT_EQ(ErrorOf("n\n" + std::string(400, '9') + "\n", {}).substr(0, 40),
            "in.csv:2: row 1, column 'n' holds '99999");
  CsvOptions options;
  options.types["x"] = ColumnType::kFloat64;
  EXPECT_EQ(ErrorOf("n,x\n1,1.5\n2,-1e400\n", options),
            "in.csv:3: row 2, column 'x' holds '-1e400', which is too large for float64" + largest);
  options.types["x"] = ColumnType::kFloat32;
  EXPECT_EQ(
      ErrorOf("n,x\n1,1.5\n2,1e39\n", options),
      "in.csv:3: row 2, column 'x' holds '1e39', which is too large for float32" + hint("3.40e38"));
  EXPECT_TRUE(Load("n\n1e400\nkey\n").ok()) << "text keeps it";
  EXPECT_TRUE(Load("n\ninf\n-Infinity\n1e-400\n").ok()) << "written as infinite, and zero";
  // The first in the text, whoever reads it.
  std::string text = "n\n";
  for (int i = 0; i < 500; ++i) text += i % 100 == 77 ? "1e999\n" : "0.5\n";
  CsvOptions pieces;
  for (const int count : {1, 7, 50}) {
    pieces.partitions = {Partitioning::Kind::kCount, count};
    EXPECT_EQ(ErrorOf(text, pieces).substr(0, 40), "in.csv:79: row 78, column 'n' holds '1e9");
  }
}

TEST_F(CsvLimits, WholeNumbersBeyondInt64AreRoundedWithAWarning) {
  const std::string top = "n\n9223372036854775807\n-9223372036854775808\n";
  auto report = Load(top);
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->schema.fields[0].type, ColumnType::kInt64);
  EXPECT_TRUE(report->warnings.empty());
  for (const char* beyond :
       {"9223372036854775808", "-9223372036854775809", "1234567890123456789012"}) {
    report = Load(top + beyond + "\n");
    ASSERT_TRUE(report.ok());
    EXPECT_EQ(report->schema.fields[0].type, ColumnType::kFloat64) << beyond;
    EXPECT_EQ(report->warnings,
              (std::vector<std::string>{"Column 'n' holds whole numbers beyond 64 bits, which "
                                        "float64 rounds; declare it as string if it is a key."}));
    // A fraction anywhere says that these are quantities; what is lost is said all the same.
    report = Load(top + beyond + "\n0.5\n");
    ASSERT_TRUE(report.ok());
    EXPECT_EQ(report->warnings, std::vector<std::string>{RoundedInRow(1, "9223372036854775807")});
  }
  CsvOptions options;
  options.types["n"] = ColumnType::kInt64;
  EXPECT_EQ(ErrorOf(top + "9223372036854775808\n", options),
            "in.csv:4: row 3, column 'n' holds '9223372036854775808', which is not int64\n"
            "  hint: mend the cell, list it in null_values, or declare another type for the "
            "column");
}

// The warning is a matter of the cells, not of who reads which of them first.
TEST_F(CsvLimits, TheWarningDoesNotDependOnPartitions) {
  std::string text = "n\n";
  for (int i = 0; i < 500; ++i) text += fmt::format("{}\n", i);
  const std::string beyond = "99999999999999999999\n";
  CsvOptions options;
  for (const int count : {1, 2, 7, 50}) {
    options.partitions = {Partitioning::Kind::kCount, count};
    EXPECT_EQ(Load(text + beyond, options)->warnings.size(), 1U) << count;
    EXPECT_EQ(Load("n\n" + beyond + text.substr(2), options)->warnings.size(), 1U) << count;
    EXPECT_EQ(Load(text + beyond + "1.5\n", options)->warnings,
              std::vector<std::string>{RoundedInRow(501, "99999999999999999999")})
        << count;
  }
}

TEST_F(CsvLimits, InfiniteValuesAreFloats) {
  const auto report = Load("x\n1\ninf\n-inf\nInfinity\n");
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->schema.fields[0].type, ColumnType::kFloat64);
}

TEST_F(CsvLimits, HeadersThatDoNotEnd) {
  const std::string name(300'000, 'n');
  EXPECT_EQ(Load(name + ",b\n1,2\n")->schema.fields[0].name, name) << "longer than the first look";
  EXPECT_EQ(ErrorOf("a,\"b\n1,2\n3,4\n"),
            "in.csv:1: the header opens a quote that is never closed\n"
            "  hint: close it, or set quote: none if quotes are plain characters");
  EXPECT_EQ(ErrorOf("a,\"b\"c\n1,2\n"),
            "in.csv:1: the header has text after its closing quote\n"
            "  hint: end the field there, double the quotes inside it, or set quote: none");
  CsvOptions options;
  options.skip_rows = 2;
  EXPECT_EQ(ErrorOf(std::string("junk\njunk\n\na,b\0c\n1,2\n", 22), options),
            "in.csv:4: the header has a NUL byte\n  hint: remove it; a text file holds none");
}

TEST_F(CsvLimits, OneGiganticLine) {
  const std::string line(std::size_t{70} << 20, 'x');
  EXPECT_EQ(ErrorOf(line),
            "in.csv:1: the header is longer than 64 MiB\n"
            "  hint: look for a quote that is never closed, or for missing line breaks");
  for (const char* size : {"auto", "1Gi", "1Mi"}) {
    CsvOptions options;
    options.partitions = *Partitioning::Parse(size);
    for (const char* quote : {"", "\""}) {
      EXPECT_EQ(ErrorOf(std::string("a,b\n1,2\n3,") + quote + line + "\n4,5\n", options),
                "in.csv:3: row 2 is longer than 64 MiB\n"
                "  hint: look for a quote that is never closed (quote: none makes it a plain "
                "character), or for missing line breaks")
          << size << quote;
    }
  }
}

TEST_F(CsvLimits, FilesOfOneLoadHaveTheSameColumns) {
  CsvOptions options;
  const auto load = [&](const std::string& other) {
    EXPECT_TRUE(WriteFileAtomic(in_ / "one.csv", "a,b\n1,2\n").ok());
    EXPECT_TRUE(WriteFileAtomic(in_ / "two.csv", other).ok());
    options.paths = {in_ / "one.csv", in_ / "two.csv"};
    const auto report = LoadCsv(options, out_.path(), {});
    std::string error = report.ok() ? "" : report.error().message;
    for (auto at = error.find(in_.path()); at != std::string::npos; at = error.find(in_.path())) {
      error.erase(at, in_.path().size() + 1);
    }
    return error;
  };
  EXPECT_EQ(load("a,b\n3,4\n"), "");
  EXPECT_EQ(load("a,b\n"), "") << "a file may have no rows";
  EXPECT_EQ(load("a,c\n3,4\n"), "column 2 is 'c' in 'two.csv', but 'b' in 'one.csv'");
  EXPECT_EQ(load("b,a\n3,4\n"), "column 1 is 'b' in 'two.csv', but 'a' in 'one.csv'");
  EXPECT_EQ(load("a,b,c\n3,4,5\n"), "'two.csv' has 3 columns, but 'one.csv' has 2");
  EXPECT_EQ(load(""), "'two.csv' is empty");
}

}  // namespace
}  // namespace dml::table
