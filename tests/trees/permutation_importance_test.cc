// Shuffling the feature that decides costs everything, shuffling noise nothing.

#include "plugins/learn/metrics/permutation_importance.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/random.h"
#include "plugins/learn/tree/tree_fit.h"
#include "tests/trees/tree_source.h"

namespace dml::learn {
namespace {

TEST(PermutationImportance, FindsTheFeatureThatDecides) {
  const Philox random(4, "test");
  Tile rows;
  rows.rows = 1000;
  rows.features = 2;
  for (std::size_t i = 0; i < rows.rows; ++i) {
    rows.x.push_back(random.Uniform(i, 0));
    // Few distinct values: the tree divides them exactly and needs no other feature.
    rows.x.push_back(static_cast<double>(random.Below(100, i, 1)) / 100.0);
    rows.y.push_back(rows.x[2 * i + 1] > 0.5 ? 1.0 : 0.0);
  }
  const auto fit = FitDecisionTree(TreeSource(2, rows.x, rows.y), 2, {}, Execution{});
  ASSERT_TRUE(fit.ok());
  for (const char* metric : {"accuracy", "log_loss"}) {
    const auto scorer = FindScorer(metric, ModelTask::kClassification);
    const auto one = PermutationImportances(*fit->predictor, rows, *scorer, 3, 9, 1);
    const auto three = PermutationImportances(*fit->predictor, rows, *scorer, 3, 9, 3);
    ASSERT_TRUE(one.ok());
    EXPECT_EQ((*one)[0].mean, 0.0) << metric;
    EXPECT_GT((*one)[1].mean, 0.4) << metric;
    EXPECT_EQ((*one)[1].mean, (*three)[1].mean) << metric;
    EXPECT_EQ((*one)[1].deviation, (*three)[1].deviation) << metric;
  }
}

}  // namespace
}  // namespace dml::learn
