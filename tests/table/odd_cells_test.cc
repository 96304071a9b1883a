// Columns that are text for the sake of a few cells.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/files.h"
#include "plugins/table/csv/csv.h"
#include "plugins/table/table.h"
#include "tests/table/temp_dir.h"

namespace dml::table {
namespace {

using Warnings = std::vector<std::string>;

class OddCells : public ::testing::Test {
 protected:
  Warnings Load(const std::string& text, CsvOptions options = {}, int threads = 2) {
    const TempDir in;
    const TempDir out;
    EXPECT_TRUE(WriteFileAtomic(in / "in.csv", text).ok());
    if (options.paths.empty()) options.paths = {in / "in.csv"};
    LoadExecution execution;
    execution.threads = threads;
    const auto report = LoadCsv(options, out.path(), execution);
    EXPECT_TRUE(report.ok()) << report.error().Render();
    if (!report.ok()) return {};
    EXPECT_EQ(Table::OpenDirectory(out.path())->rows(), report->rows);
    return report->warnings;
  }
};

// A column `b` of `rows` different numbers in which `cells` stand in those rows, counted from 0.
std::string Numbers(int rows, const std::vector<std::pair<int, std::string>>& cells) {
  std::string text = "a,b\n";
  for (int row = 0; row < rows; ++row) {
    std::string cell = fmt::format("{}.5", row);
    for (const auto& [where, what] : cells) cell = where == row ? what : cell;
    text += fmt::format("{},{}\n", row, cell);
  }
  return text;
}

std::string Told(int odd, int of, const std::string& place, const std::string& cell) {
  return fmt::format(
      "All but {} of {} values of 'b' are numbers, so that it is text: {} holds '{}'. List such a "
      "cell in null_values if it means missing (the list takes the place of NA, NaN and the like), "
      "declare types: {{b: float64}} to refuse it, or as_text: [b] if the column is text.",
      odd, of, place, cell);
}

TEST_F(OddCells, AreNamedWithTheirLineWhoeverReadsThem) {
  const std::string text =
      Numbers(5000, {{30, "oops"}, {40, ""}, {41, "NA"}, {4000, "?"}, {4001, "?"}});
  CsvOptions options;
  for (const int count : {1, 2, 7, 200}) {
    for (const int threads : {1, 4}) {
      options.partitions = {Partitioning::Kind::kCount, count};
      EXPECT_EQ(Load(text, options, threads), Warnings{Told(3, 4998, "line 32", "oops")})
          << count << ", " << threads;
    }
  }
}

TEST_F(OddCells, InTheLastPartitionAreFoundAsWell) {
  CsvOptions options;
  options.partitions = {Partitioning::Kind::kCount, 9};
  EXPECT_EQ(Load(Numbers(1000, {{999, "oops"}}), options),
            Warnings{Told(1, 1000, "line 1001", "oops")});
}

TEST_F(OddCells, OneInTwentyIsTheMost) {
  EXPECT_EQ(Load(Numbers(20, {{3, "x"}})), Warnings{Told(1, 20, "line 5", "x")});
  EXPECT_EQ(Load(Numbers(19, {{3, "x"}})), Warnings{}) << "too few to tell";
  EXPECT_EQ(Load(Numbers(40, {{3, "x"}, {9, "y"}})), Warnings{Told(2, 40, "line 5", "x")});
  EXPECT_EQ(Load(Numbers(39, {{3, "x"}, {9, "y"}})), Warnings{});
}

TEST_F(OddCells, TimesHaveThemToo) {
  std::string text = "b\n";
  for (int i = 0; i < 28; ++i) text += fmt::format("2026-02-{:02}\n", i + 1);
  EXPECT_EQ(Load(text + "2026-02-29\n"),
            Warnings{"All but 1 of 29 values of 'b' are times, so that it is text: line 30 holds "
                     "'2026-02-29'. List such a cell in null_values if it means missing (the list "
                     "takes the place of NA, NaN and the like), declare types: {b: timestamp} to "
                     "refuse it, or as_text: [b] if the column is text."});
}

// What a user has declared is meant so, and what is a key is text rightly.
TEST_F(OddCells, KeysAndDeclaredColumnsAreLeftAlone) {
  const std::string text = Numbers(100, {{30, "oops"}});
  CsvOptions as_text;
  as_text.as_text = {"b"};
  EXPECT_EQ(Load(text, as_text), Warnings{});
  CsvOptions declared;
  declared.types = {{"b", ColumnType::kString}};
  EXPECT_EQ(Load(text, declared), Warnings{});
  CsvOptions missing;
  missing.null_values = {"oops"};
  EXPECT_EQ(Load(text, missing), Warnings{});
  EXPECT_EQ(Load(Numbers(100, {{30, "007"}})), Warnings{}) << "a leading zero";
  EXPECT_EQ(Load(Numbers(100, {{3, "oops"}, {30, "007"}})), Warnings{});
}

TEST_F(OddCells, ManyDifferentOnesAreASecondKindOfKey) {
  std::vector<std::pair<int, std::string>> cells;
  for (int i = 0; i < 100; ++i) cells.emplace_back(i, fmt::format("C{}", i));
  EXPECT_EQ(Load(Numbers(2500, cells)), Warnings{Told(100, 2500, "line 2", "C0")});
  cells.emplace_back(100, "C100");
  EXPECT_EQ(Load(Numbers(2500, cells)), Warnings{});
  for (auto& [row, cell] : cells) cell = "?";
  EXPECT_EQ(Load(Numbers(2500, cells)), Warnings{Told(101, 2500, "line 2", "?")}) << "of one kind";
}

TEST_F(OddCells, OfManyColumnsTheFirstAreTold) {
  std::string text;
  for (int c = 0; c < 8; ++c) text += fmt::format("{}c{}", c > 0 ? "," : "", c);
  for (int row = 0; row < 30; ++row) {
    for (int c = 0; c < 8; ++c) {
      text += (c > 0 ? "," : "\n") + (row == c ? "oops" : fmt::format("{}", row * c));
    }
  }
  const Warnings warnings = Load(text + "\n");
  ASSERT_EQ(warnings.size(), 6U);
  EXPECT_NE(warnings[4].find("values of 'c4' are numbers, so that it is text: line 6 holds"),
            std::string::npos)
      << warnings[4];
  EXPECT_EQ(warnings[5], "3 more columns are text for a few cells that are no numbers or times.");
}

// Lines are those of an editor: quoted line breaks count, and every file begins anew.
TEST_F(OddCells, LinesAreThoseOfTheirFile) {
  const TempDir in;
  std::string quoted = "a,b\n";
  for (int i = 0; i < 30; ++i) quoted += fmt::format("\"x\ny{}\",{}\n", i, i);
  ASSERT_TRUE(WriteFileAtomic(in / "1.csv", quoted).ok());
  ASSERT_TRUE(WriteFileAtomic(in / "2.csv", quoted + "z,oops\n").ok());
  CsvOptions options;
  options.paths = {in / "1.csv", in / "2.csv"};
  EXPECT_EQ(Load("", options),
            Warnings{Told(1, 61, fmt::format("line 62 of '{}'", in / "2.csv"), "oops")});
}

TEST_F(OddCells, AreShownInPrintAndInShort) {
  EXPECT_EQ(Load(Numbers(100, {{30, "tab\t" + std::string(60, 'x')}})),
            Warnings{Told(1, 100, "line 32", "tab\\x09" + std::string(36, 'x') + "...")});
}

// Too large a number is as odd as a word: a column of floats would refuse it.
TEST_F(OddCells, NumbersBeyondFloat64AreOdd) {
  EXPECT_EQ(Load(Numbers(100, {{30, "1e400"}, {50, "oops"}})),
            Warnings{Told(2, 100, "line 32", "1e400")});
  EXPECT_EQ(Load(Numbers(100, {{30, " 7"}, {50, "oops"}})),
            Warnings{Told(1, 100, "line 52", "oops")})
      << "spaces around numbers do not count";
}

}  // namespace
}  // namespace dml::table
