#include <gtest/gtest.h>

#include "tests/pipelines/test_catalog.h"

// What is right, but does nothing.

namespace dml::pipelines::testing {
namespace {

std::string WarningsOf(const std::string& text) {
  const LoadedPipeline loaded = TestWorld().Load(text);
  EXPECT_TRUE(loaded.ok()) << RenderText(loaded.diagnostics);
  return RenderText(loaded.warnings, kPrintedDiagnosticsMax, "warning");
}

TEST(Warnings, AParameterThatNobodyReads) {
  const std::string text =
      "params: {seed: 1, seeds: 2, deep: {a: 1}, forgotten: 3}\n"
      "steps:\n"
      "  - {id: a, run: [x, \"${params.seeds}\", \"${params.deep.a}\"], if: params.seed > 0}\n";
  const std::string warnings = WarningsOf(text);
  EXPECT_NE(warnings.find(":1:43: warning: the parameter 'forgotten' is not used"),
            std::string::npos)
      << warnings;
  EXPECT_EQ(warnings.find("seed"), warnings.find("seed: 1")) << "seed is used: " << warnings;
  EXPECT_EQ(warnings.find("'deep'"), std::string::npos) << warnings;
}

TEST(Warnings, AMatrixThatAStepDoesNothingWith) {
  const std::string head =
      "steps:\n  - {id: raw, uses: load.csv, with: {path: a.csv}}\n"
      "  - {id: parts, uses: split.train_test, input: raw, matrix: {seed: [1, 2]}, with: {seed: ";
  EXPECT_EQ(WarningsOf(head + "\"${matrix.seed}\"}}\n"), "");
  EXPECT_NE(
      WarningsOf(head + "3}}\n")
          .find(":3:62: warning: nothing in step 'parts' depends on 'seed': all of its values give "
                "the same result"),
      std::string::npos)
      << WarningsOf(head + "3}}\n");
  // What is paired with a step of the same matrix gets other data in every task.
  const std::string paired =
      head +
      "\"${matrix.seed}\"}}\n  - {id: again, uses: split.train_test, input: parts.train, "
      "matrix: {seed: [1, 2]}}\n";
  EXPECT_EQ(WarningsOf(paired), "");
  EXPECT_EQ(WarningsOf("steps:\n  - {id: a, matrix: {n: [1, 2]}, run: [x]}\n"), "")
      << "a command may be run twice for its own sake";
}

TEST(Warnings, AnExcludeThatMatchesNothing) {
  const auto pipeline = [](const std::string& exclude) {
    return "steps:\n  - {id: a, matrix: {n: [10, 20], k: [x, y], exclude: [" + exclude +
           "]}, run: [x, \"${matrix.n}\"]}\n";
  };
  EXPECT_EQ(WarningsOf(pipeline("{n: 10, k: y}")), "");
  const std::string number = WarningsOf(pipeline("{n: 11}"));
  EXPECT_NE(number.find("warning: this 'exclude' removes nothing: 'n' never is the number 11"),
            std::string::npos)
      << number;
  EXPECT_NE(WarningsOf(pipeline("{n: \"10\"}")), "") << "a text is no number";
  EXPECT_NE(WarningsOf(pipeline("{n: 10, k: z}")), "");
}

}  // namespace
}  // namespace dml::pipelines::testing
