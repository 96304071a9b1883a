#include "pipelines/help/step_reference.h"

#include <gtest/gtest.h>

#include "tests/pipelines/test_catalog.h"

namespace dml::pipelines {
namespace {

TEST(StepReference, ShowsHowAStepIsWritten) {
  const std::string split = StepText(testing::TestCatalog(), "split.train_test");
  EXPECT_NE(split.find("\nin a pipeline\n"
                       "  - id: NAME\n"
                       "    uses: split.train_test\n"
                       "    input: STEP\n\n"),
            std::string::npos)
      << split;
  const std::string train = StepText(testing::TestCatalog(), "train.logistic_regression");
  EXPECT_NE(train.find("    with: {target: COLUMN}\n"), std::string::npos) << train;
  const std::string transform = StepText(testing::TestCatalog(), "impute");
  EXPECT_NE(transform.find("\ninside preprocess: of a model\n  - impute"), std::string::npos)
      << transform;
}

TEST(StepReference, AFamilyIsWhatComesBeforeTheDot) {
  const std::string text = FamilyText(testing::TestCatalog(), "load");
  EXPECT_TRUE(text.starts_with("load.csv")) << text;
  EXPECT_EQ(text.find("train."), std::string::npos) << text;
  EXPECT_EQ(FamilyText(testing::TestCatalog(), "lo"), "");
}

}  // namespace
}  // namespace dml::pipelines
