#include "plugins/table/table.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "base/files.h"
#include "plugins/table/column_builder.h"
#include "plugins/table/partition_file.h"
#include "tests/table/temp_dir.h"

namespace dml::table {
namespace {

// One column of each type; rows with i % 3 == 2 are missing.
Batch EveryType(int rows, int seed) {
  Schema schema{{{"f", ColumnType::kFloat64, 1},
                 {"g", ColumnType::kFloat32, 1},
                 {"i", ColumnType::kInt64, 1},
                 {"b", ColumnType::kBool, 1},
                 {"t", ColumnType::kTimestamp, 1},
                 {"c", ColumnType::kCategory, 1},
                 {"s", ColumnType::kString, 1},
                 {"x", ColumnType::kSparse, 10}}};
  Batch batch{schema, {}, static_cast<std::size_t>(rows), 0};
  for (const Field& field : schema.fields) {
    ColumnBuilder builder(field);
    for (int i = 0; i < rows; ++i) {
      const int value = i * 7 + seed;
      if (i % 3 == 2) {
        builder.AppendMissing();
      } else if (field.name == "f" || field.name == "g") {
        builder.AppendDouble(value / 8.0);
      } else if (field.name == "i" || field.name == "t") {
        builder.AppendInt64(value);
      } else if (field.name == "b") {
        builder.AppendBool(value % 2 == 0);
      } else if (field.name == "c") {
        builder.AppendText(std::string(1, static_cast<char>('a' + value % 5)));
      } else if (field.name == "s") {
        builder.AppendText("text " + std::to_string(value));
      } else {
        builder.AppendSparse(std::vector<std::int32_t>{1, 4},
                             std::vector<double>{0.5, 1.0 * value});
      }
    }
    batch.columns.push_back(builder.Finish());
  }
  return batch;
}

std::string Text(const Batch& batch) {
  std::string out;
  for (std::size_t row = 0; row < batch.rows; ++row) {
    for (const Column& column : batch.columns) {
      out += column.IsValid(row) ? column.AsText(row) : "?";
      out += '|';
    }
    out += '\n';
  }
  return out;
}

std::string Bytes(const Batch& batch) {
  const TempDir dir;
  EXPECT_TRUE(WritePartitionFile(dir / "p", batch).ok());
  return *ReadFile(dir / "p");
}

TEST(Table, ReadsBackWhatWasWritten) {
  const TempDir dir;
  const Batch first = EveryType(20, 0);
  const Batch second = EveryType(0, 0);
  const Batch third = EveryType(11, 3);
  TableWriter writer(dir.path(), first.schema);
  ASSERT_TRUE(writer.Write(2, third).ok());
  ASSERT_TRUE(writer.Write(0, first).ok());
  ASSERT_TRUE(writer.Write(1, second).ok());
  ASSERT_TRUE(writer.Finish().ok());

  const auto table = Table::OpenDirectory(dir.path());
  ASSERT_TRUE(table.ok()) << table.error().Render();
  EXPECT_EQ(table->rows(), 31U);
  EXPECT_EQ(table->schema(), first.schema);
  EXPECT_EQ(Text(*table->Read(0)), Text(first));
  EXPECT_EQ(Text(*table->Read(1)), "");
  EXPECT_EQ(Text(*table->Read(2)), Text(third));
  EXPECT_EQ(table->Read(2)->first_row, 20U);
  EXPECT_EQ(table->Read(2, {"s", "f"})->schema.Names(), (std::vector<std::string>{"s", "f"}));
}

TEST(Table, PartitionsShareOneDictionary) {
  const TempDir dir;
  const Field field{"c", ColumnType::kCategory, 1};
  TableWriter writer(dir.path(), Schema{{field}});
  std::size_t partition = 0;
  for (const char* word : {"pear", "apple", "fig"}) {
    ColumnBuilder builder(field);
    builder.AppendText(word);
    ASSERT_TRUE(writer.Write(partition++, Batch{Schema{{field}}, {builder.Finish()}, 1, 0}).ok());
  }
  ASSERT_TRUE(writer.Finish().ok());
  const auto table = Table::OpenDirectory(dir.path());
  ASSERT_TRUE(table.ok());
  EXPECT_EQ(**table->dictionary("c"), (Dictionary{"apple", "fig", "pear"}));
  EXPECT_EQ(table->Read(0)->columns[0].codes()[0], 2);
  EXPECT_EQ(&table->Read(0)->columns[0].dictionary(), &table->Read(2)->columns[0].dictionary());
}

TEST(Table, SlicesAndSelectionsHaveTheBytesOfEqualRows) {
  const Batch whole = EveryType(40, 0);
  std::vector<std::uint32_t> rows;
  for (std::uint32_t row = 5; row < 21; ++row) rows.push_back(row);
  EXPECT_EQ(Text(whole.Slice(5, 21)), Text(whole.Take(rows)));
  EXPECT_EQ(Bytes(whole.Slice(5, 21)), Bytes(whole.Take(rows)));
  EXPECT_EQ(Bytes(whole.Slice(5, 30).Slice(0, 16)), Bytes(whole.Take(rows)));
  EXPECT_NE(Bytes(whole.Slice(5, 21)), Bytes(whole.Slice(6, 22)));
}

TEST(Table, BuffersAreAligned) {
  const TempDir dir;
  ASSERT_TRUE(WritePartitionFile(dir / "p", EveryType(13, 0)).ok());
  const auto file = TensorFile::Open(dir / "p");
  ASSERT_TRUE(file.ok());
  for (const TensorView& view : (*file)->tensors()) {
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(view.data.data()) % 64, 0U) << view.name;
  }
}

// Every byte of a small partition file, changed one at a time, gives a table or an error.
TEST(Table, DamageIsAnErrorAndNeverACrash) {
  const std::string good = Bytes(EveryType(4, 0));
  int rejected = 0;
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (const int flip : {1, 0x80}) {
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ flip);
      const auto file = TensorFile::Parse(std::as_bytes(std::span(bad)), "bad");
      const auto partition =
          file.ok() ? PartitionFile::Open(*file, "bad") : Result<PartitionFile>(file.error());
      rejected += partition.ok() ? 0 : 1;
      if (!partition.ok()) continue;
      for (const Field& field : partition->schema().fields) {
        if (const auto column = partition->ReadColumn(field); column.ok()) {
          for (std::size_t row = 0; row < column->size(); ++row) (void)column->AsText(row);
        }
      }
    }
  }
  EXPECT_GT(rejected, 1000);
}

TEST(Table, TruncationIsAnError) {
  const std::string good = Bytes(EveryType(4, 0));
  for (std::size_t size = 0; size < good.size(); ++size) {
    const std::string cut = good.substr(0, size);
    EXPECT_FALSE(TensorFile::Parse(std::as_bytes(std::span(cut)), "cut").ok()) << size;
  }
}

// Where the search begins must not tell what it finds.
TEST(Schema, FindsEveryColumnWhateverWasAskedBefore) {
  Schema wide;
  for (int i = 0; i < 50; ++i) wide.fields.push_back({"c" + std::to_string(i)});
  const Schema narrow{{{"c7"}, {"c3"}}};
  for (int step = 0; step < 200; ++step) {
    const int i = step * 37 % 50;
    EXPECT_EQ(wide.IndexOf("c" + std::to_string(i)), i);
    EXPECT_EQ(narrow.IndexOf(step % 3 == 0 ? "c3" : "c7"), step % 3 == 0 ? 1 : 0);
    EXPECT_EQ(narrow.IndexOf("c" + std::to_string(i + 8)), -1);
  }
  EXPECT_EQ(Schema{}.IndexOf("c1"), -1);
}

TEST(Schema, AnUnknownColumnIsAnswered) {
  const Schema schema{{{"age", ColumnType::kInt64, 1}, {"income", ColumnType::kFloat64, 1}}};
  const auto found = schema.Find("incme");
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().Render(),
            "there is no column 'incme'; did you mean 'income'?\n"
            "  hint: the columns are: age, income");
}

}  // namespace
}  // namespace dml::table
