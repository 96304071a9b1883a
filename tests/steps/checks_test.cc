// Every checks/<case>.yaml is loaded with the real step types, and what dml finds wrong with its
// parameters must equal <case>.expected. DML_BLESS=1 rewrites the expectations.

#include <gtest/gtest.h>

#include <string>

#include "base/files.h"
#include "pipelines/load.h"
#include "tests/pipelines/golden_file.h"
#include "tests/steps/builtin_catalog.h"

namespace dml::steps {
namespace {

const std::string kFolder = std::string(DML_SOURCE_DIR) + "/tests/steps/checks/";

pipelines::LoadedPipeline Load(const std::string& text) {
  pipelines::LoadOptions options;
  options.catalog = &Catalog();
  options.read_file = [&text](const std::string&) -> Result<std::string> { return text; };
  return pipelines::LoadPipeline("/project/p.yaml", options);
}

class ChecksTest : public ::testing::TestWithParam<std::string> {};

TEST_P(ChecksTest, SaysWhatIsExpected) {
  const auto text = ReadFile(kFolder + GetParam() + ".yaml");
  ASSERT_TRUE(text.ok());
  golden::Expect(kFolder + GetParam() + ".expected",
                 pipelines::RenderText(Load(*text).diagnostics, 1000));
}

INSTANTIATE_TEST_SUITE_P(Cases, ChecksTest, ::testing::ValuesIn(golden::Cases(kFolder)),
                         [](const auto& golden) { return golden.param; });

// A fault of one combination is found before anything runs, and however many there are, judging
// them ends.
TEST(Checks, JudgeTheFirstThousandTasksOfAStep) {
  const auto pipeline = [](const std::string& values) {
    return "steps:\n  - id: data\n    uses: generate.regression\n  - id: clip\n    uses: "
           "preprocess.clip\n    input: data\n    matrix: {low: [" +
           values + "]}\n    with: {min: \"${matrix.low}\", max: 3}\n";
  };
  EXPECT_EQ(Load(pipeline("1, 2, 4, 5")).diagnostics.size(), 2U);
  std::string many = "0";
  for (int i = 1; i < 3000; ++i) many += ", -" + std::to_string(i);
  EXPECT_TRUE(Load(pipeline(many)).ok());
  EXPECT_EQ(Load(pipeline("9, " + many)).diagnostics.size(), 1U);
}

}  // namespace
}  // namespace dml::steps
