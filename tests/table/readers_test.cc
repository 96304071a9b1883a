#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstring>

#include "base/files.h"
#include "plugins/table/column_builder.h"
#include "plugins/table/csv/csv.h"
#include "plugins/table/csv/write_csv.h"
#include "plugins/table/generate.h"
#include "plugins/table/readers/jsonl.h"
#include "plugins/table/readers/matrix.h"
#include "plugins/table/readers/svmlight.h"
#include "plugins/table/table.h"
#include "tests/table/temp_dir.h"

namespace dml::table {
namespace {

// The table in a folder as text, or the error.
std::string Show(const Result<LoadReport>& report, const TempDir& dir) {
  if (!report.ok()) {
    std::string text = report.error().Render();
    for (auto at = text.find(dir.path()); at != std::string::npos; at = text.find(dir.path())) {
      text.erase(at, dir.path().size() + 1);
    }
    return text;
  }
  const auto table = Table::OpenDirectory(dir.path());
  if (!table.ok()) return table.error().Render();
  std::string out;
  for (const Field& field : table->schema().fields) {
    out += fmt::format("{}:{} ", field.name, ColumnTypeName(field.type));
  }
  out += '\n';
  for (std::size_t p = 0; p < table->partition_count(); ++p) {
    out += FormatCsv(*table->Read(p), {',', false, "?"});
  }
  return out;
}

std::string Write(const TempDir& dir, const std::string& text) {
  EXPECT_TRUE(WriteFileAtomic(dir / "in", text).ok());
  return dir / "in";
}

std::string Svmlight(const std::string& text, SvmlightOptions options = {}) {
  const TempDir dir;
  options.paths = {Write(dir, text)};
  return Show(LoadSvmlight(options, dir.path(), {}), dir);
}

TEST(Svmlight, ReadsRows) {
  const std::string text = "+1 1:0.5 3:2 # a comment\n\n-1 2:1 \n# nothing\n1\n";
  EXPECT_EQ(Svmlight(text), "label:int64 features:sparse \n1,0:0.5 2:2\n-1,1:1\n1,\n");
  EXPECT_EQ(Svmlight(text, {{}, false, 0, *Partitioning::Parse("10")}),
            "label:int64 features:sparse \n1,0:0.5 2:2\n-1,1:1\n1,\n");
  EXPECT_EQ(Svmlight("0.5 qid:7 0:1 4:2\n"),
            "label:float64 qid:int64 features:sparse \n0.5,7,0:1 4:2\n");
}

TEST(Svmlight, ProblemsNameTheLine) {
  EXPECT_EQ(Svmlight("1 1:2\n1 3:1 2:1\n"),
            "in:2: the feature index 2 does not ascend\n  hint: sort the features of each line by "
            "index");
  EXPECT_EQ(Svmlight("1 1:2\nyes 1:1\n"),
            "in:2: the label 'yes' is not a number\n  hint: svmlight lines start with a number");
  EXPECT_EQ(Svmlight("1 5\n"),
            "in:1: '5' is not of the form index:value\n  hint: check the file; svmlight has one "
            "row a line");
  EXPECT_EQ(Svmlight("1 9:1\n", {{}, false, 4, {}}),
            "'in' has 9 features, more than the 4 declared");
  EXPECT_EQ(Svmlight("1 0:1\n", {{}, false, 0, {}}),
            "'in' has a feature 0, but indices are to start at 1\n  hint: set zero_based: true");
}

std::string Jsonl(const std::string& text) {
  const TempDir dir;
  JsonlOptions options;
  options.paths = {Write(dir, text)};
  return Show(LoadJsonl(options, dir.path(), {}), dir);
}

TEST(Jsonl, ColumnsAreTheUnionOfTheKeys) {
  EXPECT_EQ(Jsonl("{\"b\":1,\"a\":\"x\"}\n\n{\"a\":null,\"c\":[1,2],\"b\":2.5,\"d\":true}\n"
                  "{\"t\":\"2026-01-02\"}\r\n"),
            "b:float64 a:category c:category d:bool t:timestamp \n"
            "1.0,x,?,?,?\n2.5,?,\"[1,2]\",true,?\n?,?,?,?,2026-01-02\n");
}

TEST(Jsonl, ProblemsNameTheByte) {
  EXPECT_EQ(Jsonl("{\"a\":1} {\"a\":2}\n"),
            "in:1: the line is not valid JSON at byte 9\n"
            "  hint: write one object a line, in UTF-8");
  for (const char* line : {"{\"a\":NaN}\n", "{\"a\":Infinity}\n"}) {
    EXPECT_EQ(Jsonl(line),
              "in:1: the line is not valid JSON at byte 6\n"
              "  hint: JSON has no NaN and no Infinity: write null");
  }
  EXPECT_EQ(Jsonl("{\"a\":-Infinity}\n"),
            "in:1: the line is not valid JSON at byte 7\n"
            "  hint: JSON has no NaN and no Infinity: write null");
}

TEST(Jsonl, ProblemsNameTheLine) {
  EXPECT_EQ(Jsonl("{\"a\":1}\n{\"a\":\n"),
            "in:2: the line is not valid JSON\n  hint: write one object a line, in UTF-8");
  EXPECT_EQ(Jsonl("[1]\n"),
            "in:1: the line is not a JSON object\n  hint: write one object a line, in UTF-8");
}

TEST(Jsonl, WholeNumbersAmongDecimalsThatFloat64RoundsAreNamed) {
  const TempDir dir;
  JsonlOptions options;
  options.paths = {Write(dir, "{\"n\":1.5}\n{\"n\":null}\n{\"n\":9007199254740993}\n")};
  const auto report = LoadJsonl(options, dir.path(), {});
  ASSERT_TRUE(report.ok());
  ASSERT_EQ(report->warnings.size(), 1U);
  EXPECT_NE(report->warnings[0].find("the whole number 9007199254740993 in row 3"),
            std::string::npos);
  options.types["n"] = ColumnType::kFloat64;
  options.paths = {Write(dir, "{\"n\":\"1e400\"}\n")};
  EXPECT_FALSE(LoadJsonl(options, dir.path(), {}).ok());
}

// A .npy file of version 1.
std::string Npy(const std::string& descr, bool fortran, const std::string& shape,
                const std::string& data) {
  std::string header = fmt::format("{{'descr': '{}', 'fortran_order': {}, 'shape': {}, }}", descr,
                                   fortran ? "True" : "False", shape);
  header.resize(118, ' ');
  return std::string("\x93NUMPY\x01\x00\x76\x00", 10) + header + data;
}

template <typename T>
std::string Raw(std::initializer_list<T> values) {
  std::string out(values.size() * sizeof(T), '\0');
  std::memcpy(out.data(), std::data(values), out.size());
  return out;
}

std::string LoadNpyText(const std::string& bytes) {
  const TempDir dir;
  NpyOptions options;
  options.path = Write(dir, bytes);
  return Show(LoadNpy(options, dir.path(), {}), dir);
}

TEST(Npy, AnotherTypeIsRefusedWithTheRemedy) {
  EXPECT_EQ(LoadNpyText(Npy("<f2", false, "(1,)", std::string(2, '\0'))),
            "'in' is not a .npy file that dml reads: elements of type '<f2' are not supported\n"
            "  hint: save numbers of another type: array.astype('float64')");
}

TEST(Npy, OrdersAndTypes) {
  EXPECT_EQ(LoadNpyText(Npy("<f8", false, "(2, 3)", Raw<double>({1, 2, 3, 4, 5, 0.0 / 0.0}))),
            "column_1:float64 column_2:float64 column_3:float64 \n1.0,2.0,3.0\n4.0,5.0,?\n");
  EXPECT_EQ(LoadNpyText(Npy("<f4", true, "(2, 3)", Raw<float>({1, 4, 2, 5, 3, 6}))),
            "column_1:float32 column_2:float32 column_3:float32 \n1.0,2.0,3.0\n4.0,5.0,6.0\n");
  EXPECT_EQ(LoadNpyText(Npy("|u1", false, "(3,)", "\x01\x02\xFF")), "column_1:int64 \n1\n2\n255\n");
  EXPECT_EQ(LoadNpyText(Npy(">i4", false, "(1,)", std::string("\0\0\1\0", 4))),
            "column_1:int64 \n256\n");
  EXPECT_EQ(LoadNpyText(Npy("|b1", false, "(2, 1)", std::string("\1\0", 2))),
            "column_1:bool \ntrue\nfalse\n");
}

TEST(Npy, DamageIsAnError) {
  EXPECT_EQ(LoadNpyText(Npy("<f8", false, "(2, 3)", "short")),
            "'in' has a size that does not fit its 2 x 3 elements\n"
            "  hint: the file is damaged or was cut short");
  EXPECT_EQ(LoadNpyText(Npy("<c16", false, "(2,)", "")),
            "'in' is not a .npy file that dml reads: its elements are records or of an odd type");
  EXPECT_EQ(LoadNpyText("a,b\n1,2\n3,4\n5,6\n"),
            "'in' is not a .npy file that dml reads: no magic number");
}

TEST(Idx, ImagesWithLabels) {
  const TempDir dir;
  const std::string images("\0\0\x08\x03\0\0\0\2\0\0\0\1\0\0\0\2\1\2\3\xFF", 20);
  const std::string labels("\0\0\x08\x01\0\0\0\2\7\1", 10);
  ASSERT_TRUE(WriteFileAtomic(dir / "labels", labels).ok());
  const IdxOptions options{Write(dir, images), dir / "labels", *Partitioning::Parse("2")};
  EXPECT_EQ(Show(LoadIdx(options, dir.path(), {}), dir),
            "pixel_1:int64 pixel_2:int64 label:int64 \n1,2,7\n3,255,1\n");
}

TEST(Npy, LabelsOfAnotherFileAreTheLastColumn) {
  const TempDir dir;
  ASSERT_TRUE(WriteFileAtomic(dir / "y", Npy("|u1", false, "(2,)", "\x07\x01")).ok());
  NpyOptions options;
  options.path = Write(dir, Npy("<f8", false, "(2, 1)", Raw<double>({1.5, 2})));
  options.labels = dir / "y";
  EXPECT_EQ(Show(LoadNpy(options, dir.path(), {}), dir),
            "column_1:float64 label:int64 \n1.5,7\n2.0,1\n");
  ASSERT_TRUE(WriteFileAtomic(dir / "y", Npy("|u1", false, "(3,)", "\x07\x01\x01")).ok());
  EXPECT_EQ(Show(LoadNpy(options, dir.path(), {}), dir),
            "'y' has 3 x 1 labels for 2 rows of 'in'\n  hint: give one label per row");
}

TEST(WriteCsv, ReadsBackAsTheSameTable) {
  const TempDir dir;
  const std::string text =
      "f,i,s,t,b\n0.1,1,\"a,\"\"b\"\"\",2026-01-02 03:04:05.5,true\n"
      "1e+300,-9223372036854775808,\" x\",1969-12-31,false\n,,,,\n";
  CsvOptions options;
  options.paths = {Write(dir, text)};
  ASSERT_TRUE(LoadCsv(options, dir.path(), {}).ok());
  const auto batch = Table::OpenDirectory(dir.path())->Read(0);
  auto writer = CsvWriter::Create(dir / "out.csv");
  ASSERT_TRUE(writer.ok() && writer->Append(*batch).ok());
  EXPECT_FALSE(ReadFile(dir / "out.csv").ok()) << "visible before it is complete";
  ASSERT_TRUE(writer->Commit().ok());
  EXPECT_EQ(*ReadFile(dir / "out.csv"), text);
}

Batch TextColumn(const std::string& name, const std::vector<std::string>& cells) {
  Batch batch;
  batch.rows = cells.size();
  ColumnBuilder column({name, ColumnType::kString});
  for (const std::string& cell : cells) column.AppendText(cell);
  batch.Set({name, ColumnType::kString}, column.Finish());
  return batch;
}

TEST(WriteCsv, RefusesANulByteThatNobodyCouldReadBack) {
  const TempDir dir;
  const std::string nul("a\0b", 3);
  auto writer = CsvWriter::Create(dir / "out.csv");
  ASSERT_TRUE(writer.ok() && writer->Append(TextColumn("t", {"fine", "too"})).ok());
  const auto refused = writer->Append(TextColumn("t", {"x", nul}));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(refused.error().message, "row 4, column 't' has a NUL byte");
  auto named = CsvWriter::Create(dir / "named.csv");
  EXPECT_EQ(named->Append(TextColumn(nul, {"x"})).error().message,
            "the name of column 1 has a NUL byte");
}

TEST(WriteCsv, AnEmptyNameOfASingleColumnIsNoBlankLine) {
  const TempDir dir;
  auto writer = CsvWriter::Create(dir / "in");
  ASSERT_TRUE(writer.ok() && writer->Append(TextColumn("", {"x", ""})).ok());
  ASSERT_TRUE(writer->Commit().ok());
  EXPECT_EQ(*ReadFile(dir / "in"), "\"\"\nx\n\"\"\n");
  CsvOptions options;
  options.paths = {dir / "in"};
  const auto report = LoadCsv(options, dir.path(), {});
  EXPECT_EQ(Show(report, dir), "column_1:category \nx\n?\n");
}

// More partitions than a process can map would make a table that nothing reads.
TEST(Generate, RefusesMorePartitionsThanCanBeRead) {
  GenerateOptions options;
  options.rows = 300'000;
  options.features = 1;
  options.partition_rows = 1;
  TempDir folder;
  const auto report = GenerateRegression(options, folder.path(), {});
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().message,
            "the table would have 300000 partitions, and 20000 is the most");
  EXPECT_EQ(report.error().hint, "write a larger partition_rows");
  EXPECT_FALSE(Partitioning::Parse("20001").ok());
  EXPECT_TRUE(Partitioning::Parse("20000").ok());
}

TEST(Generate, TheSameBitsForAnyNumberOfThreads) {
  GenerateOptions options;
  options.rows = 1000;
  options.features = 4;
  options.informative = 2;
  options.partition_rows = 64;
  std::vector<std::string> seen;
  for (const int threads : {1, 2, 3, 7}) {
    LoadExecution execution;
    execution.threads = threads;
    std::string bytes;
    for (const auto make : {GenerateRegression, GenerateClassification, GenerateBlobs}) {
      const TempDir dir;
      ASSERT_TRUE(make(options, dir.path(), execution).ok());
      const auto table = Table::OpenDirectory(dir.path());
      ASSERT_EQ(table->rows(), 1000U);
      for (std::size_t p = 0; p < table->partition_count(); ++p) {
        bytes += *ReadFile(dir / fmt::format("part-{:05}.safetensors", p));
      }
    }
    seen.push_back(bytes);
  }
  EXPECT_EQ(seen[0], seen[1]);
  EXPECT_EQ(seen[0], seen[2]);
  EXPECT_EQ(seen[0], seen[3]);
}

}  // namespace
}  // namespace dml::table
