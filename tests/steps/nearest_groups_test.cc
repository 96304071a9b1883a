#include "plugins/steps/split/nearest_groups.h"

#include <gtest/gtest.h>

#include <limits>
#include <numeric>
#include <set>

namespace dml::steps {
namespace {

using Sizes = std::vector<std::uint64_t>;

std::uint64_t RowsOf(const Sizes& sizes, const std::vector<bool>& taken) {
  std::uint64_t rows = 0;
  for (std::size_t g = 0; g < sizes.size(); ++g) rows += taken[g] ? sizes[g] : 0;
  return rows;
}

std::uint64_t Taken(const Sizes& sizes, std::uint64_t wanted, std::uint64_t seed,
                    std::uint64_t steps_max = kGroupStepsMax) {
  return RowsOf(sizes, NearestGroups(sizes, wanted, Philox(seed, "test"), steps_max));
}

// By trying every subset but none and all.
std::uint64_t LeastMiss(const Sizes& sizes, std::uint64_t wanted) {
  std::uint64_t least = std::numeric_limits<std::uint64_t>::max();
  for (std::uint32_t set = 1; set + 1 < 1U << sizes.size(); ++set) {
    std::uint64_t rows = 0;
    for (std::size_t g = 0; g < sizes.size(); ++g) rows += (set >> g & 1U) != 0 ? sizes[g] : 0;
    least = std::min(least, rows > wanted ? rows - wanted : wanted - rows);
  }
  return least;
}

TEST(NearestGroups, AreTheNearestOfAllSubsets) {
  const Philox random(5, "sizes");
  for (std::uint64_t round = 0; round < 300; ++round) {
    Sizes sizes;
    const std::uint64_t count = 2 + random.Below(9, round, 0);
    for (std::uint64_t g = 1; g <= count; ++g) sizes.push_back(1 + random.Below(70, round, g));
    const auto rows = std::accumulate(sizes.begin(), sizes.end(), std::uint64_t{0});
    const std::uint64_t wanted = 1 + random.Below(rows - 1, round, 100);
    const std::uint64_t got = Taken(sizes, wanted, round);
    EXPECT_EQ(got > wanted ? got - wanted : wanted - got, LeastMiss(sizes, wanted))
        << "round " << round;
    EXPECT_GT(got, 0U);
    EXPECT_LT(got, rows);
  }
}

Sizes SinglesAndFour(std::uint64_t singles, std::uint64_t large) {
  Sizes sizes(singles, 1);
  sizes.insert(sizes.end(), 4, large);
  return sizes;
}

TEST(NearestGroups, HitWhatManySmallAndFewLargeGroupsCanHit) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    EXPECT_EQ(Taken(SinglesAndFour(800, 50), 810, seed), 810U) << "seed " << seed;
  }
}

// Groups of one size count together: as many rows and groups are no matter.
TEST(NearestGroups, HitItAmongManyGroups) {
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    EXPECT_EQ(Taken(SinglesAndFour(20'000, 5'000), 36'001, seed), 36'001U) << "seed " << seed;
  }
  Sizes sizes;
  for (std::uint64_t g = 1; g <= 1000; ++g) sizes.push_back(2 * g);
  EXPECT_EQ(Taken(sizes, 200'200, 1), 200'200U);
  const std::uint64_t odd = Taken(sizes, 300'001, 1);
  EXPECT_TRUE(odd == 300'000 || odd == 300'002) << odd;
}

TEST(NearestGroups, WithoutASearchAreStillNear) {
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    EXPECT_NEAR(static_cast<double>(Taken(SinglesAndFour(800, 50), 810, seed, 0)), 810.0, 50.0);
  }
}

TEST(NearestGroups, AreDrawnBySeed) {
  const Sizes sizes{7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47};
  std::set<std::vector<bool>> seen;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const auto taken = NearestGroups(sizes, 100, Philox(seed, "test"));
    EXPECT_EQ(taken, NearestGroups(sizes, 100, Philox(seed, "test")));
    EXPECT_EQ(RowsOf(sizes, taken), 100U);
    seen.insert(taken);
  }
  EXPECT_GT(seen.size(), 5U);
}

}  // namespace
}  // namespace dml::steps
