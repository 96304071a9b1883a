#include "base/random.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace dml {
namespace {

TEST(Philox, DrawsDependOnSeedPurposeAndCounterAlone) {
  const Philox a(1, "split");
  EXPECT_EQ(a.Bits(7), Philox(1, "split").Bits(7));
  EXPECT_NE(a.Bits(7), a.Bits(8));
  EXPECT_NE(a.Bits(7, 0), a.Bits(7, 1));
  EXPECT_NE(a.Bits(7), Philox(2, "split").Bits(7));
  EXPECT_NE(a.Bits(7), Philox(1, "bootstrap").Bits(7));
}

TEST(Philox, UniformFillsTheUnitInterval) {
  const Philox random(42, "uniform");
  double sum = 0;
  double sum_squares = 0;
  constexpr int kDraws = 100'000;
  for (int i = 0; i < kDraws; ++i) {
    const double u = random.Uniform(static_cast<std::uint64_t>(i));
    ASSERT_GE(u, 0.0);
    ASSERT_LT(u, 1.0);
    sum += u;
    sum_squares += u * u;
  }
  EXPECT_NEAR(sum / kDraws, 0.5, 0.005);
  EXPECT_NEAR(sum_squares / kDraws, 1.0 / 3, 0.005);
}

TEST(Philox, NormalHasMeanZeroAndVarianceOne) {
  const Philox random(42, "normal");
  double sum = 0;
  double sum_squares = 0;
  constexpr int kDraws = 100'000;
  for (int i = 0; i < kDraws; ++i) {
    const double z = random.Normal(static_cast<std::uint64_t>(i));
    ASSERT_TRUE(std::isfinite(z));
    sum += z;
    sum_squares += z * z;
  }
  EXPECT_NEAR(sum / kDraws, 0.0, 0.02);
  EXPECT_NEAR(sum_squares / kDraws, 1.0, 0.02);
}

TEST(Philox, BelowReachesEveryValueAndNoOther) {
  const Philox random(3, "below");
  std::set<std::uint64_t> seen;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    const std::uint64_t value = random.Below(7, i);
    ASSERT_LT(value, 7U);
    seen.insert(value);
  }
  EXPECT_EQ(seen.size(), 7U);
}

}  // namespace
}  // namespace dml
