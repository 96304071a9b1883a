// Columns that an estimator cannot take are all named at once.

#include <gtest/gtest.h>

#include "tests/steps/step_lab.h"

namespace dml::steps {
namespace {

class ColumnsOfText : public StepLab {
 protected:
  // Each column is a category but the last, the target.
  std::string Failure(int columns) {
    std::string header;
    std::string row;
    for (int c = 1; c <= columns; ++c) {
      header += "c" + std::to_string(c) + ",";
      row += "a,";
    }
    std::string csv = header + "y\n";
    for (int i = 0; i < 20; ++i) csv += row + std::to_string(i) + "\n";
    return Run("train.ridge", {{"target", "y"}}, {{"data", Csv(csv)}}).Failure();
  }
};

TEST_F(ColumnsOfText, AreNamedAllAtOnce) {
  const std::string one = Failure(1);
  EXPECT_NE(one.find("the column 'c1' is categorical, and an estimator needs numbers"),
            std::string::npos)
      << one;
  EXPECT_NE(one.find("- one_hot: {columns: [c1]}, or leave it out with drop: [c1]"),
            std::string::npos)
      << one;
  const std::string two = Failure(2);
  EXPECT_NE(two.find("the columns 'c1', 'c2' are categorical, and an estimator needs numbers"),
            std::string::npos)
      << two;
  EXPECT_NE(two.find("- one_hot: {columns: categorical}, or leave them out with drop: [c1, c2]"),
            std::string::npos)
      << two;
  const std::string many = Failure(8);
  EXPECT_NE(many.find("'c1', 'c2', 'c3', 'c4', 'c5' and 3 more are categorical"), std::string::npos)
      << many;
}

}  // namespace
}  // namespace dml::steps
