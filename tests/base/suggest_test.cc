#include "base/suggest.h"

#include <gtest/gtest.h>

#include <vector>

namespace dml {
namespace {

const std::vector<std::string> kNames{"n_clusters", "max_iter", "tol", "random_state"};

TEST(Suggest, FindsAMistypedName) {
  EXPECT_EQ(Nearest("n_cluster", kNames), "n_clusters");
  EXPECT_EQ(Nearest("max_ietr", kNames), "max_iter");
  EXPECT_EQ(Nearest("TOL", kNames), "tol");
}

TEST(Suggest, StaysSilentWhenNothingIsClose) {
  EXPECT_EQ(Nearest("learning_rate", kNames), "");
  EXPECT_EQ(Nearest("", kNames), "");
  EXPECT_EQ(DidYouMean("zzz", kNames), "");
}

}  // namespace
}  // namespace dml
