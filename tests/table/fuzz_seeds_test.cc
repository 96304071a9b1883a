// What the fuzzer of partition files begins with: a column of every type, with and without missing
// cells, and no rows at all. DML_BLESS=1 writes the files.

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include "base/files.h"
#include "plugins/table/column_builder.h"
#include "plugins/table/partition_file.h"
#include "tests/table/temp_dir.h"

namespace dml::table {
namespace {

const std::string kSeeds = std::string(DML_SOURCE_DIR) + "/tests/fuzz/seeds/table/";

// Every third cell is missing, if any is to be.
Column SmallColumn(const Field& field, int rows, bool missing) {
  ColumnBuilder builder(field);
  for (int i = 0; i < rows; ++i) {
    if (missing && i % 3 == 2) {
      builder.AppendMissing();
      continue;
    }
    switch (field.type) {
      case ColumnType::kFloat64:
      case ColumnType::kFloat32:
        builder.AppendDouble(i / 4.0);
        break;
      case ColumnType::kInt64:
      case ColumnType::kTimestamp:
        builder.AppendInt64(i);
        break;
      case ColumnType::kBool:
        builder.AppendBool(i % 2 == 0);
        break;
      case ColumnType::kCategory:
      case ColumnType::kString:
        builder.AppendText(i % 2 == 0 ? "a" : "bc");
        break;
      case ColumnType::kSparse:
        builder.AppendSparse(std::vector<std::int32_t>{1, 2}, std::vector<double>{0.5, 1.0 * i});
        break;
    }
  }
  return builder.Finish();
}

Batch Small(const std::vector<Field>& fields, int rows, bool missing) {
  Batch batch{Schema{fields}, {}, static_cast<std::size_t>(rows), 0};
  for (const Field& field : fields) batch.columns.push_back(SmallColumn(field, rows, missing));
  return batch;
}

const std::vector<Field> kNumbers{{"f", ColumnType::kFloat64, 1},
                                  {"g", ColumnType::kFloat32, 1},
                                  {"i", ColumnType::kInt64, 1},
                                  {"b", ColumnType::kBool, 1},
                                  {"t", ColumnType::kTimestamp, 1}};
const std::vector<Field> kTexts{{"c", ColumnType::kCategory, 1}, {"s", ColumnType::kString, 1}};
const std::vector<Field> kSparse{{"x", ColumnType::kSparse, 4}};

std::vector<Field> Every() {
  std::vector<Field> every = kNumbers;
  every.insert(every.end(), kTexts.begin(), kTexts.end());
  every.insert(every.end(), kSparse.begin(), kSparse.end());
  return every;
}

void ExpectSeed(const std::string& name, const Batch& batch) {
  const TempDir dir;
  ASSERT_TRUE(WritePartitionFile(dir / "p", batch).ok());
  const std::string bytes = *ReadFile(dir / "p");
  if (std::getenv("DML_BLESS") != nullptr) std::ofstream(kSeeds + name, std::ios::binary) << bytes;
  const auto there = ReadFile(kSeeds + name);
  EXPECT_TRUE(there.ok() && *there == bytes)
      << name << " is of another form; DML_BLESS=1 table_test --gtest_filter='FuzzSeeds.*'";
}

TEST(FuzzSeeds, OfPartitionFiles) {
  ExpectSeed("numbers", Small(kNumbers, 3, /*missing=*/false));
  ExpectSeed("numbers_missing", Small(kNumbers, 4, /*missing=*/true));
  ExpectSeed("texts", Small(kTexts, 3, /*missing=*/false));
  ExpectSeed("texts_missing", Small(kTexts, 4, /*missing=*/true));
  ExpectSeed("sparse", Small(kSparse, 4, /*missing=*/true));
  ExpectSeed("no_rows", Small(Every(), 0, /*missing=*/false));
}

// A seed that is refused at the door teaches the fuzzer nothing.
TEST(FuzzSeeds, OfPartitionFilesAreRead) {
  std::set<ColumnType> types;
  for (const auto& entry : std::filesystem::directory_iterator(kSeeds)) {
    SCOPED_TRACE(entry.path().string());
    const auto file = TensorFile::Open(entry.path().string());
    ASSERT_TRUE(file.ok()) << file.error().message;
    const auto partition = PartitionFile::Open(*file, entry.path().string());
    ASSERT_TRUE(partition.ok()) << partition.error().message;
    for (const Field& field : partition->schema().fields) {
      types.insert(field.type);
      const auto column = partition->ReadColumn(field);
      ASSERT_TRUE(column.ok()) << column.error().message;
      EXPECT_EQ(column->size(), partition->rows());
    }
  }
  EXPECT_EQ(types.size(), Every().size()) << "there is a column of every type";
}

}  // namespace
}  // namespace dml::table
