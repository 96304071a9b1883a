// Trees equal scikit-learn's where its answer is unique, and forests are as good as its forests
// (tests/trees/fixtures/make_fixtures.py).

#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "base/json.h"
#include "plugins/learn/tree/tree_fit.h"
#include "tests/trees/tree_source.h"

namespace dml::learn {
namespace {

using Numbers = std::vector<double>;

TreeOptions OptionsOf(const Json& json, std::size_t classes) {
  TreeOptions options;
  if (json.contains("max_depth")) options.max_depth = json.at("max_depth").get<int>();
  if (json.contains("max_leaf_nodes")) {
    options.max_leaf_nodes = json.at("max_leaf_nodes").get<int>();
  }
  if (json.contains("criterion")) options.criterion = SplitCriterion::kEntropy;
  options.ccp_alpha = json.value("ccp_alpha", 0.0);
  const auto class_weight = json.find("class_weight");
  if (class_weight != json.end() && class_weight->is_string()) {
    options.class_weight = ClassWeighting::kBalanced;
  } else if (class_weight != json.end()) {
    options.class_weight = ClassWeighting::kGiven;
    for (std::size_t c = 0; c < classes; ++c) {
      options.class_weights.push_back(class_weight->value(std::to_string(c), 1.0));
    }
  }
  options.min_samples_leaf = json.value("min_samples_leaf", 1);
  options.min_impurity_decrease = json.value("min_impurity_decrease", 0.0);
  return options;
}

TEST(TreeFixtures, EqualScikitLearn) {
  const Json cases = Json::parse(std::ifstream(DML_SOURCE_DIR "/tests/trees/fixtures/trees.json"));
  ASSERT_GE(cases.size(), 18U);
  for (const Json& c : cases) {
    SCOPED_TRACE(c.at("options").dump());
    const TreeSource source(4, c.at("x").get<Numbers>(), c.at("y").get<Numbers>(),
                            c.at("weight").get<Numbers>());
    const auto classes = c.at("classes").get<std::size_t>();
    const auto fit =
        FitDecisionTree(source, classes, OptionsOf(c.at("options"), classes), Execution{});
    ASSERT_TRUE(fit.ok()) << fit.error().Render();
    EXPECT_EQ(fit->certificate.numbers.at("leaves"), c.at("leaves"));
    EXPECT_EQ(fit->certificate.numbers.at("depth"), c.at("depth"));
    const Numbers answer = PredictAll(*fit->predictor, 4, c.at("new").get<Numbers>());
    const auto expected = c.at("answer").get<Numbers>();
    ASSERT_EQ(answer.size(), expected.size());
    for (std::size_t i = 0; i < answer.size(); ++i) ASSERT_NEAR(answer[i], expected[i], 1e-9) << i;
    const auto importances = c.at("importances").get<Numbers>();
    for (std::size_t f = 0; f < 4; ++f) {
      EXPECT_NEAR(fit->predictor->FeatureWeights()[f], importances[f], 1e-9) << f;
    }
  }
}

}  // namespace
}  // namespace dml::learn
