#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "plugins/steps/split/holdout.h"

namespace dml::steps {
namespace {

using Codes = std::vector<std::uint32_t>;

// How many rows of each class every fold has.
std::vector<std::vector<int>> CountByFold(const Codes& fold_of, const Codes& classes,
                                          std::size_t folds) {
  const std::size_t class_count = std::ranges::max(classes) + 1;
  std::vector<std::vector<int>> counts(folds, std::vector<int>(class_count));
  for (std::size_t row = 0; row < fold_of.size(); ++row) {
    ++counts.at(fold_of[row]).at(classes[row]);
  }
  return counts;
}

TEST(Folds, DifferByOneRowAndTheFirstAreTheLarger) {
  const auto folds = AssignFolds(13, 5, 7);
  ASSERT_TRUE(folds.ok());
  EXPECT_EQ(CountByFold(*folds, Codes(13), 5),
            (std::vector<std::vector<int>>{{3}, {3}, {3}, {2}, {2}}));
}

TEST(Folds, FollowTheSeedAndNothingElse) {
  EXPECT_EQ(*AssignFolds(100, 5, 7), *AssignFolds(100, 5, 7));
  EXPECT_NE(*AssignFolds(100, 5, 7), *AssignFolds(100, 5, 8));
  EXPECT_FALSE(std::ranges::is_sorted(*AssignFolds(100, 5, 7)));
}

// The sizes are scikit-learn's: StratifiedKFold(4) of 9, 6 and 2 rows.
TEST(Folds, StratifiedFoldsShareEveryClassAndTheWhole) {
  Codes classes;
  for (std::uint32_t row = 0; row < 17; ++row) {
    classes.push_back(row < 9 ? 0 : row < 15 ? 1 : 2);
  }
  std::ranges::reverse(classes);
  const auto folds = AssignFoldsStratified(classes, 4, 1);
  ASSERT_TRUE(folds.ok());
  EXPECT_EQ(CountByFold(*folds, classes, 4),
            (std::vector<std::vector<int>>{{3, 1, 1}, {2, 2, 0}, {2, 2, 0}, {2, 1, 1}}));
}

TEST(Folds, StratifiedByOneClassIsPlain) {
  EXPECT_EQ(*AssignFoldsStratified(Codes(50), 3, 9), *AssignFolds(50, 3, 9));
}

TEST(Folds, AGroupStaysTogetherAndFoldsAreBalanced) {
  Codes groups;
  for (std::uint32_t group = 0; group < 12; ++group) groups.insert(groups.end(), group + 1, group);
  const auto folds = AssignFoldsGrouped(groups, 3, 4);
  ASSERT_TRUE(folds.ok());
  std::vector<std::set<std::uint32_t>> of_group(12);
  for (std::size_t row = 0; row < groups.size(); ++row) {
    of_group[groups[row]].insert((*folds)[row]);
  }
  for (const auto& found : of_group) EXPECT_EQ(found.size(), 1U);
  EXPECT_EQ(CountByFold(*folds, Codes(groups.size()), 3),
            (std::vector<std::vector<int>>{{26}, {26}, {26}}));
}

TEST(Folds, GroupsOfOneSizeAreDrawn) {
  Codes groups;
  for (std::uint32_t row = 0; row < 60; ++row) groups.push_back(row / 2);
  EXPECT_NE(*AssignFoldsGrouped(groups, 5, 1), *AssignFoldsGrouped(groups, 5, 2));
  EXPECT_EQ(*AssignFoldsGrouped(groups, 5, 1), *AssignFoldsGrouped(groups, 5, 1));
}

TEST(Folds, TooFewRowsClassesOrGroupsAreErrors) {
  EXPECT_EQ(AssignFolds(4, 5, 0).error().Render(),
            "4 rows cannot make 5 folds\n  hint: use at most 4 folds");
  EXPECT_EQ(AssignFolds(4, 1, 0).error().Render(),
            "1 folds leave nothing to train on\n  hint: use at least 2 folds");
  EXPECT_EQ(AssignFoldsStratified(Codes{0, 1, 2, 0, 1, 2}, 3, 0).error().Render(),
            "2 rows of the largest class cannot make 3 folds\n  hint: use at most 2 folds");
  EXPECT_TRUE(AssignFoldsStratified(Codes{0, 0, 0, 1}, 3, 0).ok());
  EXPECT_EQ(AssignFoldsGrouped(Codes{0, 0, 0, 1}, 3, 0).error().Render(),
            "2 groups cannot make 3 folds\n  hint: use at most 2 folds");
  EXPECT_EQ(AssignFoldsGrouped(Codes{7, 7, 7}, 3, 0).error().Render(),
            "3 folds need as many groups, and there is 1\n"
            "  hint: no number of folds divides so few: look at the column, and at the filters "
            "before this step");
  EXPECT_FALSE(AssignFoldsGrouped({}, 2, 0).ok());
  EXPECT_FALSE(AssignFoldsStratified({}, 2, 0).ok());
}

}  // namespace
}  // namespace dml::steps
