#include "plugins/table/csv/csv.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/files.h"
#include "base/json.h"
#include "plugins/table/table.h"
#include "tests/table/temp_dir.h"

namespace dml::table {
namespace {

const std::string kData = std::string(DML_SOURCE_DIR) + "/tests/table/data/";

struct Loaded {
  std::string text;  // "a:int64 b:string" then the rows, "?" for missing
  std::string error;
  LoadReport report;
};

Loaded Load(CsvOptions options, int threads = 1) {
  const TempDir dir;
  LoadExecution execution;
  execution.threads = threads;
  const auto report = LoadCsv(options, dir.path(), execution);
  Loaded out;
  if (!report.ok()) {
    out.error = report.error().Render();
    EXPECT_TRUE(std::filesystem::is_empty(dir.path())) << "something is left behind";
    return out;
  }
  out.report = *report;
  const auto table = Table::OpenDirectory(dir.path());
  EXPECT_TRUE(table.ok()) << table.error().Render();
  if (!table.ok()) return out;
  for (const Field& field : table->schema().fields) {
    out.text += fmt::format("{}:{} ", field.name, ColumnTypeName(field.type));
  }
  for (std::size_t p = 0; p < table->partition_count(); ++p) {
    const auto batch = table->Read(p);
    EXPECT_TRUE(batch.ok()) << batch.error().Render();
    for (std::size_t row = 0; row < batch->rows; ++row) {
      out.text += "\n";
      for (const Column& column : batch->columns) {
        out.text += (column.IsValid(row) ? column.AsText(row) : "?") + "|";
      }
    }
  }
  return out;
}

Loaded LoadText(const std::string& text, CsvOptions options = {}, int threads = 1) {
  const TempDir dir;
  EXPECT_TRUE(WriteFileAtomic(dir / "in.csv", text).ok());
  options.paths = {dir / "in.csv"};
  Loaded out = Load(options, threads);
  for (std::size_t at = out.error.find(dir.path()); at != std::string::npos;
       at = out.error.find(dir.path())) {
    out.error.erase(at, dir.path().size() + 1);
  }
  return out;
}

CsvOptions At(const std::string& path) {
  CsvOptions options;
  options.paths = {path};
  return options;
}

// Each file has its records beside it, as JSON.
TEST(Csv, FilesOfManyDialects) {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kData + "dialects")) {
    if (entry.path().extension() != ".csv") continue;
    ++files;
    const TempDir dir;
    CsvOptions options = At(entry.path());
    const auto json_path = std::filesystem::path(entry.path()).replace_extension(".json");
    const Json expected = Json::parse(*ReadFile(json_path));
    for (const auto& [name, value] : expected[0].items()) options.types[name] = ColumnType::kString;
    const auto report = LoadCsv(options, dir.path(), {});
    ASSERT_TRUE(report.ok()) << report.error().Render();
    const auto batch = Table::OpenDirectory(dir.path())->Read(0);
    ASSERT_EQ(batch->rows, expected.size()) << entry.path();
    for (std::size_t row = 0; row < batch->rows; ++row) {
      for (const auto& [name, value] : expected[row].items()) {
        EXPECT_EQ((*batch->Find(name))->AsText(row), value.get<std::string>()) << entry.path();
      }
    }
  }
  EXPECT_GE(files, 10);
}

TEST(Csv, InfersTheNarrowestTypeThatFitsEveryCell) {
  EXPECT_EQ(LoadText("b,i,f,t,c,id\n"
                     "true,1,1,2026-11-21,red,0042\n"
                     "FALSE,-2,2.5,2026-11-21 10:30:00,blue,0007\n"
                     ",,,,,\n")
                .text,
            "b:bool i:int64 f:float64 t:timestamp c:category id:category \n"
            "true|1|1|2026-11-21|red|0042|\n"
            "false|-2|2.5|2026-11-21 10:30:00|blue|0007|\n"
            "?|?|?|?|?|?|");
}

TEST(Csv, TheLastRowMayDecideTheType) {
  std::string text = "a,b\n";
  for (int i = 0; i < 60'000; ++i) text += fmt::format("{},{}\n", i, i);
  CsvOptions options;
  options.partitions = *Partitioning::Parse("64Ki");
  EXPECT_EQ(LoadText(text + "1.5,x\n", options).report.schema,
            (Schema{{{"a", ColumnType::kFloat64, 1}, {"b", ColumnType::kString, 1}}}));
  EXPECT_EQ(LoadText(text + "1,2\n", options).report.schema,
            (Schema{{{"a", ColumnType::kInt64, 1}, {"b", ColumnType::kInt64, 1}}}));
}

TEST(Csv, LineEndsAndMarks) {
  const std::string expected = "a:int64 b:category \n1|x|\n2|y|";
  EXPECT_EQ(LoadText("a,b\n1,x\n2,y\n").text, expected);
  EXPECT_EQ(LoadText("a,b\n1,x\n2,y").text, expected);
  EXPECT_EQ(LoadText("a,b\r\n1,x\r\n2,y\r\n").text, expected);
  EXPECT_EQ(LoadText("a,b\r1,x\r2,y").text, expected);
  EXPECT_EQ(LoadText("\xEF\xBB\xBF"
                     "a,b\n\n1,x\n\n\n2,y\n\n")
                .text,
            expected);
}

TEST(Csv, TimesFinerThanMicrosecondsStayTexts) {
  EXPECT_EQ(LoadText("t,u\n2020-01-01 00:00:00.123456789,2020-01-01 00:00:00.5\n"
                     "2020-01-01,2020-01-01 00:00:00.100000000\n")
                .text,
            "t:category u:timestamp \n"
            "2020-01-01 00:00:00.123456789|2020-01-01 00:00:00.5|\n"
            "2020-01-01|2020-01-01 00:00:00.1|");
  CsvOptions options;
  options.types = {{"t", ColumnType::kTimestamp}};
  const std::string error = LoadText("t\n2020-01-01 00:00:00.1234567\n", options).error;
  EXPECT_NE(error.find("six decimals at most"), std::string::npos) << error;
}

TEST(Csv, QuotesKeepTheSpacesOfNames) {
  const std::string text = "\"\tq\t\", a ,\" \"\n1,2,3\n";
  EXPECT_EQ(LoadText(text).text, "\tq\t:int64 a:int64 column_3:int64 \n1|2|3|");
  CsvOptions options;
  options.trim = true;
  EXPECT_EQ(LoadText(text, options).text, "q:int64 a:int64 column_3:int64 \n1|2|3|");
}

TEST(Csv, Dialects) {
  CsvOptions options;
  options.trim = true;
  options.null_values = {"?"};
  options.header = CsvHeader::kNo;
  options.columns = {"n", "s"};
  EXPECT_EQ(LoadText("39, State-gov\n50, ?\n", options).text,
            "n:int64 s:category \n39|State-gov|\n50|?|");
  options = {};
  options.null_values = {"-999", "0.0"};
  EXPECT_EQ(LoadText("i,f,s\n1,1.5,a\n-999,0.0,-999\n3,-999,b\n-9990,2,c\n", options).text,
            "i:int64 f:float64 s:category \n1|1.5|a|\n?|?|?|\n3|?|b|\n-9990|2|c|");
  options = {};
  options.quote = "";
  options.delimiter = "\t";
  EXPECT_EQ(LoadText("a\tb\nham\tsay \"hi\nspam\t\"x\n", options).text,
            "a:category b:category \nham|say \"hi|\nspam|\"x|");
  options = {};
  options.delimiter = "::";
  options.header = CsvHeader::kNo;
  EXPECT_EQ(LoadText("1::0002844::a:b\n2::0110912::c\n", options).text,
            "column_1:int64 column_2:category column_3:category \n"
            "1|0002844|a:b|\n2|0110912|c|");
  options = {};
  options.delimiter = "auto";
  options.decimal = ',';
  EXPECT_EQ(LoadText("a;b\n1,5;2\n-2,25;3\n", options).text,
            "a:float64 b:int64 \n1.5|2|\n-2.25|3|");
  options = {};
  options.comment = "#";
  options.skip_rows = 1;
  EXPECT_EQ(LoadText("junk,\"junk\n# hello\na,b\n#1,2\n3,4\n", options).text,
            "a:int64 b:int64 \n3|4|");
}

TEST(Csv, NamesAreUniqueAndNotEmpty) {
  const Loaded loaded = LoadText("a,a,,a.1\n1,2,3,4\n");
  EXPECT_EQ(loaded.text, "a:int64 a.2:int64 column_3:int64 a.1:int64 \n1|2|3|4|");
  EXPECT_EQ(loaded.report.warnings.size(), 2U);
}

TEST(Csv, ProblemsNameThePlaceAndTheRemedy) {
  EXPECT_EQ(LoadText("a,b\n1,2\n\n3\n").error,
            "in.csv:4: row 2 has 1 field instead of 2\n"
            "  hint: complete it, or set ragged: pad to fill with missing values");
  EXPECT_EQ(LoadText("a,b\n1,2,3,\"4\n5\"\n").error,
            "in.csv:2: row 1 has 4 fields instead of 2\n"
            "  hint: quote fields that hold the delimiter, or check delimiter, quote and columns");
  EXPECT_EQ(LoadText("a,b\n1,\"x\ny\"\n2,\"z\n").error,
            "in.csv:4: row 2, column 'b' opens a quote that is never closed\n"
            "  hint: close it, or set quote: none if quotes are plain characters");
  EXPECT_EQ(LoadText("a,b\n1,\"x\"y\n").error,
            "in.csv:2: row 1, column 'b' has text after its closing quote\n"
            "  hint: end the field there, double the quotes inside it, or set quote: none");
  EXPECT_EQ(LoadText("a,b\n1,\xE9t\xE9\n").error,
            "in.csv:2: row 1, column 'b' is not UTF-8\n"
            "  hint: set encoding: latin1, or convert the file to UTF-8");
  EXPECT_EQ(LoadText("").error, "'in.csv' is empty");
  EXPECT_EQ(LoadText("\n\n").error,
            "'in.csv' holds no record\n  hint: check the file, skip_rows and comment");
  EXPECT_EQ(LoadText("a,b\n").error,
            "'in.csv' has a header but no rows\n"
            "  hint: check the file and the options header and skip_rows");
  CsvOptions options;
  options.types["b"] = ColumnType::kInt64;
  EXPECT_EQ(LoadText("a,b\n1,2\n1,two\n", options).error,
            "in.csv:3: row 2, column 'b' holds 'two', which is not int64\n"
            "  hint: mend the cell, list it in null_values, or declare another type for the "
            "column");
  EXPECT_EQ(Load(At("/nowhere/x.csv")).error,
            "cannot open '/nowhere/x.csv': No such file or directory\n"
            "  hint: relative paths start at the folder of the pipeline file");
}

TEST(Csv, FilesThatAreAlmostRight) {
  const auto load = [](const std::string& name) { return Load(At(kData + "files/" + name)); };
  const auto expect_error = [&](const std::string& name, const std::string& part) {
    const std::string error = load(name).error;
    EXPECT_NE(error.find(part), std::string::npos) << name << ": " << error;
  };
  EXPECT_EQ(load("blank_cells.csv").text,
            "a:float64 b:float64 c:float64 d:category \n?|?|?|none of these|\n?|?|?|.|");
  EXPECT_EQ(load("old_mac.csv").text, "city:category two\rlines:int64 \nRiga|1|\nOslo|2|");
  EXPECT_EQ(load("packed.csv.gz").text, "a:int64 b:category \n1|x|\n2|y|");
  EXPECT_EQ(load("marked.csv").text, "foo:int64 bar:category \n1|\xCA\xA4|\n2|x|");
  expect_error("long_row.csv", "long_row.csv:3: row 2 has 4 fields instead of 3");
  expect_error("short_row.csv", "short_row.csv:3: row 2 has 4 fields instead of 5");
  expect_error("nul_byte.csv", "nul_byte.csv:3: row 2, column 'name' has a NUL byte");
  expect_error("latin1.csv", "latin1.csv:2: row 1, column 'drink' is not UTF-8");
  expect_error("utf16_be.csv", "utf16_be.csv' is UTF-16 text");
  expect_error("utf16_le.csv", "utf16_le.csv' is UTF-16 text");
  expect_error("cut_short.csv.gz", "cut_short.csv.gz' cannot be unpacked: the gzip data ends");
  CsvOptions options = At(kData + "files/latin1.csv");
  options.encoding = CsvEncoding::kLatin1;
  EXPECT_EQ(Load(options).text, "drink:category price:int64 \ncaf\xC3\xA9|3|\nth\xC3\xA9|2|");
}

// Whatever the borders cut, and whoever reads, the rows are the same.
TEST(Csv, EveryPartitionSizeAndThreadCountGivesTheSameRows) {
  std::string text = "id,note,x,when\r\n";
  for (int i = 0; i < 60; ++i) {
    const char* const notes[] = {
        "plain",         "\"a,b\"", "\"line\nbreak\"",  "\"say \"\"hi\"\"\"", "",
        "\"\r\n,\"\"\"", "\"\"",    "\xC3\xA9t\xC3\xA9"};
    text += fmt::format("{},{},{},2026-01-{:02}{}", i, notes[i % 8], i * 0.25, i % 28 + 1,
                        i % 3 == 0   ? "\r\n"
                        : i % 3 == 1 ? "\n"
                                     : "\r");
  }
  const std::string expected = LoadText(text).text;
  EXPECT_NE(expected.find("say \"hi\""), std::string::npos);
  for (const int size : {1, 2, 3, 7, 16, 37, 100, 333, 1000}) {
    for (const int threads : {1, 2, 3, 7}) {
      CsvOptions options;
      options.partitions = {Partitioning::Kind::kBytes, size};
      const Loaded loaded = LoadText(text, options, threads);
      ASSERT_EQ(loaded.text, expected) << size << " bytes, " << threads << " threads";
    }
  }
}

TEST(Csv, GuessedStartsAreVerified) {
  // Inside the quoted text every line looks like a record, and its number of rows like a type.
  std::string text = "a,b\n";
  for (int i = 0; i < 50; ++i) text += "1,\"\n2,x\n3,y\n\"\n";
  const std::string expected = LoadText(text).text;
  for (const int count : {2, 5, 17, 100}) {
    CsvOptions options;
    options.partitions = {Partitioning::Kind::kCount, count};
    const Loaded loaded = LoadText(text, options, 3);
    EXPECT_EQ(loaded.text, expected);
    EXPECT_EQ(loaded.report.partition_rows.size(), static_cast<std::size_t>(count));
  }
}

TEST(Csv, TextIsACategoryWhenItsValuesRepeat) {
  std::string few = "s\n";
  std::string many = "s\n";
  for (int i = 0; i < 400; ++i) {
    few += fmt::format("v{}\n", i % 100);
    many += fmt::format("v{}\n", i % 300);
  }
  for (const char* size : {"auto", "100", "7"}) {
    CsvOptions options;
    options.partitions = *Partitioning::Parse(size);
    EXPECT_EQ(LoadText(few, options).report.schema.fields[0].type, ColumnType::kCategory);
    EXPECT_EQ(LoadText(many, options).report.schema.fields[0].type, ColumnType::kString);
  }
}

}  // namespace
}  // namespace dml::table
