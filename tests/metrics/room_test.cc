// Where metrics sort does not change what they say, and scratch memory is where it is said to be.

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "base/random.h"
#include "plugins/learn/metrics/metric_registry.h"
#include "plugins/learn/metrics/ranking.h"
#include "plugins/learn/metrics/regression.h"
#include "plugins/learn/scratch_memory.h"

namespace dml::learn {
namespace {

using Numbers = std::vector<double>;

struct Rows {
  Numbers y;
  Numbers output;
  Numbers weight;
};

// Scores of two digits, so that many rows share one.
Rows MakeRows(std::size_t rows, std::size_t classes) {
  const Philox random(31, "room");
  Rows out;
  for (std::size_t i = 0; i < rows; ++i) {
    const double p = std::round(100.0 * random.Uniform(i, 0)) / 100.0;
    out.weight.push_back(i % 7 == 0 ? 0.0 : random.Uniform(i, 1));
    if (classes == 0) {
      out.y.push_back(random.Normal(i, 2));
      out.output.push_back(p);
    } else {
      out.y.push_back(random.Uniform(i, 2) < p ? 1.0 : 0.0);
      out.output.insert(out.output.end(), {1.0 - p, p});
    }
  }
  return out;
}

TEST(Room, ScoresAndCurvesAreTheSameInIt) {
  constexpr std::size_t kRows = 3000;
  for (const std::size_t classes : {0U, 2U}) {
    const Rows rows = MakeRows(kRows, classes);
    Predictions plain{rows.y, rows.output, classes, rows.weight};
    Numbers memory(kRows * kSortedRowBytes / sizeof(double));
    Predictions roomy = plain;
    roomy.room = std::as_writable_bytes(std::span(memory));
    const ModelTask task = classes == 0 ? ModelTask::kRegression : ModelTask::kClassification;
    const auto expected = AllScores(task, plain);
    const auto found = AllScores(task, roomy);
    ASSERT_EQ(found.size(), expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      EXPECT_EQ(found[i].score.value, expected[i].score.value) << found[i].name;
    }
    if (classes == 0) {
      const Numbers shares{0.0, 0.25, 0.5, 0.9, 1.0};
      EXPECT_EQ(ResidualQuantiles(roomy, shares), ResidualQuantiles(plain, shares));
      continue;
    }
    EXPECT_EQ(RocCurve(Ranking(roomy, 1)).y, RocCurve(Ranking(plain, 1)).y);
    EXPECT_EQ(ThresholdTable(Ranking(roomy, 1)).back().gain, 1.0);
  }
}

TEST(Room, ACurveIsThinnedButKeepsItsEnds) {
  const Rows rows = MakeRows(3000, 2);
  const Ranking ranking({rows.y, rows.output, 2, rows.weight}, 1);
  const Curve all = RocCurve(ranking);
  const Curve some = RocCurve(ranking, 20);
  EXPECT_EQ(all.x.size(), ranking.points().size() + 1);
  EXPECT_LE(some.x.size(), 21U);
  EXPECT_GE(some.x.size(), 15U);
  EXPECT_EQ(some.x.front(), 0.0);
  EXPECT_EQ(some.y.back(), 1.0);
}

TEST(ScratchMemory, IsAFileBeyondTheLimit) {
  const std::string folder = ::testing::TempDir() + "scratch-memory";
  for (const std::uint64_t limit : {1000U, 100'000U}) {
    auto memory = ScratchMemory::Make(80'000, limit, folder);
    ASSERT_TRUE(memory.ok()) << memory.error().Render();
    EXPECT_EQ(memory->in_file(), limit < 80'000);
    const std::span<double> first = memory->Take<double>(4000);
    const std::span<double> second = memory->Take<double>(6000);
    EXPECT_EQ(second.data(), first.data() + 4000);
    EXPECT_EQ(first[3999] + second[5999], 0.0);
    second[5999] = 2.5;
    const ScratchMemory moved = std::move(memory).value();
    EXPECT_EQ(second[5999], 2.5);
    EXPECT_EQ(moved.bytes().size(), 80'000U);
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder)) << "the file has no name";
  std::filesystem::remove_all(folder);
}

TEST(ScratchMemory, SaysWhatItCannotHave) {
  const auto no_folder = ScratchMemory::Make(80'000, 1000, "/proc/none");
  ASSERT_FALSE(no_folder.ok());
  EXPECT_NE(no_folder.error().message.find("/proc/none"), std::string::npos);
  const auto no_disk = ScratchMemory::Make(std::uint64_t{1} << 55U, 1000, ::testing::TempDir());
  ASSERT_FALSE(no_disk.ok());
  EXPECT_NE(no_disk.error().message.find("of scratch data in"), std::string::npos)
      << no_disk.error().Render();
  const auto empty = ScratchMemory::Make(0, 0, "");
  ASSERT_TRUE(empty.ok());
  EXPECT_TRUE(empty->bytes().empty());
}

}  // namespace
}  // namespace dml::learn
