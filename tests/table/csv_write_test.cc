#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "base/files.h"
#include "plugins/table/csv/csv.h"
#include "plugins/table/csv/write_csv.h"
#include "plugins/table/table.h"
#include "tests/table/temp_dir.h"

namespace dml::table {
namespace {

const char kText[] =
    "id,flag,whole,real,when,name\n"
    "0,true,1.0,0.1,2026-11-21,plain\n"
    "-9223372036854775808,false,-3.0,5e-324,2026-11-21 10:30:00.25,\"a,b\"\n"
    "9223372036854775807,,1e+300,-0.0,,\"two\nlines, \"\"quoted\"\"\"\n"
    ",true,,,1969-12-31 23:59:59,\" \"\n";

class CsvRoundTrip : public ::testing::Test {
 protected:
  Table Load(const std::string& path, const std::string& out) {
    std::filesystem::create_directory(dir_ / out);
    CsvOptions options;
    options.paths = {path};
    options.partitions = *Partitioning::Parse("50");
    const auto report = LoadCsv(options, dir_ / out, {});
    EXPECT_TRUE(report.ok()) << report.error().Render();
    return *Table::OpenDirectory(dir_ / out);
  }
  void Write(const Table& table, const std::string& path) {
    auto writer = CsvWriter::Create(path);
    ASSERT_TRUE(writer.ok()) << writer.error().Render();
    for (std::size_t p = 0; p < table.partition_count(); ++p) {
      ASSERT_TRUE(writer->Append(*table.Read(p)).ok());
    }
    EXPECT_FALSE(std::filesystem::exists(path)) << "it appears when it is complete";
    ASSERT_TRUE(writer->Commit().ok());
  }
  static std::string Cells(const Table& table) {
    std::string out;
    for (std::size_t p = 0; p < table.partition_count(); ++p) {
      const Batch batch = *table.Read(p);
      for (std::size_t row = 0; row < batch.rows; ++row) {
        for (const Column& column : batch.columns) {
          out += (column.IsValid(row) ? column.AsText(row) : "?") + "|";
        }
      }
    }
    return out;
  }

  TempDir dir_;
};

TEST_F(CsvRoundTrip, ValuesAndTypesComeBack) {
  ASSERT_TRUE(WriteFileAtomic(dir_ / "in.csv", kText).ok());
  const Table table = Load(dir_ / "in.csv", "first");
  int number = 0;
  for (const char* name : {"out.csv", "out.csv.gz", "out.csv.zst"}) {
    Write(table, dir_ / name);
    const Table again = Load(dir_ / name, "again" + std::to_string(number++));
    EXPECT_EQ(again.schema(), table.schema()) << name;
    EXPECT_EQ(Cells(again), Cells(table)) << name;
  }
  EXPECT_EQ(ReadFile(dir_ / "out.csv.gz")->substr(0, 2), "\x1f\x8b");
  EXPECT_EQ(ReadFile(dir_ / "out.csv.zst")->substr(0, 4), "\x28\xb5\x2f\xfd");
}

TEST_F(CsvRoundTrip, PackedFilesOfManyBlocksComeBack) {
  std::string text = "n,noise\n";
  for (int i = 0; i < 60'000; ++i) {
    text += std::to_string(i) + "," + std::to_string(std::sin(i) * 1e9) + "\n";
  }
  ASSERT_TRUE(WriteFileAtomic(dir_ / "in.csv", text).ok());
  CsvOptions options;
  options.paths = {dir_ / "in.csv"};
  std::filesystem::create_directory(dir_ / "first");
  ASSERT_TRUE(LoadCsv(options, dir_ / "first", {}).ok());
  const Table table = *Table::OpenDirectory(dir_ / "first");
  for (const char* name : {"big.csv.gz", "big.csv.zst"}) {
    Write(table, dir_ / name);
    const std::string bytes = *ReadFile(dir_ / name);
    EXPECT_LT(bytes.size(), text.size());
    Write(table, dir_ / "same.csv" + std::string(name).substr(7));
    options.paths = {dir_ / name};
    std::filesystem::create_directories(dir_ / name + std::string(".table"));
    ASSERT_TRUE(LoadCsv(options, dir_ / name + std::string(".table"), {}).ok());
    EXPECT_EQ(Cells(*Table::OpenDirectory(dir_ / name + std::string(".table"))), Cells(table));
    EXPECT_EQ(*ReadFile(dir_ / "same.csv" + std::string(name).substr(7)), bytes)
        << "equal rows give equal bytes";
  }
}

TEST_F(CsvRoundTrip, AnAbandonedFileLeavesNothing) {
  {
    auto writer = CsvWriter::Create(dir_ / "out.csv.gz");
    ASSERT_TRUE(writer.ok());
  }
  EXPECT_TRUE(std::filesystem::is_empty(dir_.path()));
}

}  // namespace
}  // namespace dml::table
