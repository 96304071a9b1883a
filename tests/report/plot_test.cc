#include "orchestrator/report/html/plot.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace dml::report {
namespace {

TEST(Ticks, AreRoundAndInside) {
  EXPECT_EQ(Ticks({0, 1}, 5), (std::vector<double>{0, 0.2, 0.4, 0.6000000000000001, 0.8, 1}));
  for (double tick : Ticks({-3.7, 118.2}, 6)) {
    EXPECT_GE(tick, -3.7);
    EXPECT_LE(tick, 118.2);
    EXPECT_EQ(std::fmod(tick, 20), 0);
  }
}

TEST(Ticks, NeverMany) {
  for (double span : {1e-300, 1e-9, 1.0, 7.3, 1e9, 1e300}) {
    EXPECT_LE(Ticks({0, span}, 6).size(), 14U) << span;
    EXPECT_GE(Ticks({0, span}, 6).size(), 2U) << span;
  }
}

TEST(RangeOf, IgnoresWhatIsNotANumber) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(RangeOf({nan, 2, 5, nan}).low, 2);
  EXPECT_EQ(RangeOf({nan, 2, 5, nan}).high, 5);
  EXPECT_LT(RangeOf({nan}).low, RangeOf({nan}).high);
  EXPECT_LT(RangeOf({3, 3}).low, 3);
  EXPECT_GT(RangeOf({3, 3}).high, 3);
  EXPECT_LT(RangeOf({1e16, 1e16 + 2}).low, 1e16);
}

TEST(Rounded, ExtendsOutwards) {
  const Range range = Rounded({0.13, 9.7}, 5);
  EXPECT_EQ(range.low, 0);
  EXPECT_EQ(range.high, 10);
}

}  // namespace
}  // namespace dml::report
