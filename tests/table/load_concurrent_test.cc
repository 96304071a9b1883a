// Loads on several threads, for ThreadSanitizer too: the same bytes, the same first problem, and a
// stop that leaves nothing.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <map>

#include "base/files.h"
#include "plugins/table/csv/csv.h"
#include "plugins/table/parallel_partitions.h"
#include "tests/table/temp_dir.h"

namespace dml::table {
namespace {

// Quoted line breaks to misguess starts by, and columns whose types change on the way.
std::string Text(int rows) {
  std::string text = "id,late,note\n";
  for (int i = 0; i < rows; ++i) {
    const std::string late = i > rows * 3 / 4 ? fmt::format("{}.5", i) : fmt::format("{}", i);
    text += fmt::format("{},{},\"{}\n7,8,{}\"\n", i, late, i % 11, i % 3 == 0 ? "\"\"" : "x");
  }
  return text;
}

class ConcurrentLoad : public ::testing::Test {
 protected:
  Result<LoadReport> Load(const std::string& text, LoadExecution execution) {
    std::filesystem::remove_all(dir_ / "out");
    std::filesystem::create_directory(dir_ / "out");
    EXPECT_TRUE(WriteFileAtomic(dir_ / "in.csv", text).ok());
    CsvOptions options;
    options.paths = {dir_ / "in.csv"};
    options.partitions = {Partitioning::Kind::kCount, 40};
    return LoadCsv(options, dir_ / "out", execution);
  }
  // The bytes of every file that a load wrote.
  std::map<std::string, std::string> Files() {
    std::map<std::string, std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(dir_ / "out")) {
      files[entry.path().filename()] = *ReadFile(entry.path());
    }
    return files;
  }

  TempDir dir_;
};

TEST_F(ConcurrentLoad, ThreadsDoNotChangeAByte) {
  const std::string text = Text(2000);
  ASSERT_TRUE(Load(text, {}).ok());
  const auto expected = Files();
  EXPECT_EQ(expected.size(), 41U);
  for (const int threads : {2, 3, 7}) {
    LoadExecution execution;
    execution.threads = threads;
    for (int again = 0; again < 3; ++again) {
      ASSERT_TRUE(Load(text, execution).ok());
      EXPECT_EQ(Files(), expected) << threads;
    }
  }
}

TEST_F(ConcurrentLoad, TheFirstProblemOfTheTextIsReported) {
  std::string text = Text(2000);
  text.insert(text.find("\n1500,") + 1, "ragged\n");
  text.insert(text.find("\n300,") + 1, "also,ragged\n");
  for (const int threads : {1, 2, 3, 7}) {
    LoadExecution execution;
    execution.threads = threads;
    const auto report = Load(text, execution);
    ASSERT_FALSE(report.ok());
    EXPECT_EQ(report.error().message, "row 301 has 2 fields instead of 3") << threads;
    EXPECT_TRUE(Files().empty());
  }
}

TEST_F(ConcurrentLoad, AStopLeavesNothing) {
  std::stop_source source;
  LoadExecution execution;
  execution.threads = 3;
  execution.stop = source.get_token();
  execution.progress = [&](double fraction, const std::string&) {
    if (fraction > 0.2) source.request_stop();
  };
  const auto report = Load(Text(2000), execution);
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().kind, ErrorKind::kCancelled);
  EXPECT_TRUE(Files().empty());
}

TEST(ParallelPartitions, TheFailureOfTheLowestNumberCounts) {
  LoadExecution execution;
  execution.threads = 4;
  std::atomic<int> calls{0};
  const auto result = ForEachPartition(100, execution, [&](std::size_t number) -> Result<void> {
    ++calls;
    if (number >= 3) return Error::Task(fmt::format("number {}", number));
    return {};
  });
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().message, "number 3");
  EXPECT_LT(calls, 100) << "nothing new begins after a failure";
}

}  // namespace
}  // namespace dml::table
