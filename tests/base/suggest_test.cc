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

// Every single letter is one edit from every other.
TEST(Suggest, StaysSilentWhenEveryLetterIsWrong) {
  const std::vector<std::string> columns{"a", "b", "id"};
  EXPECT_EQ(Nearest("z", columns), "");
  EXPECT_EQ(Nearest("B", columns), "b");
  EXPECT_EQ(Nearest("ix", columns), "id");
  EXPECT_EQ(Nearest("xy", columns), "");
  EXPECT_EQ(Nearest("i", columns), "id") << "one of two letters is right";
  const std::vector<std::string> options{"-S", "-j", "--set"};
  EXPECT_EQ(Nearest("-k", options), "");
  EXPECT_EQ(Nearest("-s", options), "-S");
  EXPECT_EQ(Nearest("--st", options), "--set");
  EXPECT_EQ(Nearest("--", options), "");
}

TEST(Suggest, FindsANameByItsPart) {
  const std::vector<std::string> steps{"load.csv",
                                       "train.linear_regression",
                                       "train.kmeans",
                                       "train.logistic_regression",
                                       "evaluate.clustering",
                                       "train.decision_tree"};
  EXPECT_EQ(Nearest("train.logistic", steps), "train.logistic_regression");
  EXPECT_EQ(Nearest("kmeans", steps), "train.kmeans");
  EXPECT_EQ(Nearest("KMeans", steps), "train.kmeans");
  EXPECT_EQ(Nearest("csv", steps), "load.csv");
  EXPECT_EQ(Nearest("train.tree", steps), "train.decision_tree");
  EXPECT_EQ(Nearest("write.tree", steps), "") << "of another family";
  EXPECT_EQ(Nearest("egression", steps), "") << "no beginning of a word";
  EXPECT_EQ(Nearest("cl", steps), "") << "too little to go by";
}

}  // namespace
}  // namespace dml
