#include <gtest/gtest.h>

#include "tests/pipelines/test_catalog.h"

// A file of megabytes on one line, with an error in every step, must not cost the square of its
// length: where in a text an error is, is told of the first 200.

namespace dml::pipelines::testing {
namespace {

constexpr std::size_t kSteps = 300;

// The diagnostics of many steps that run `command`.
std::vector<Diagnostic> ErrorsOf(const std::string& command) {
  std::string text = "steps:\n  - {id: a, run: x}\n";
  for (std::size_t i = 0; i < kSteps; ++i) {
    text += "  - {id: s" + std::to_string(1000 + i) + ", run: '" + command + "'}\n";
  }
  return TestWorld().Load(text).diagnostics;
}

void ExpectColumns(const std::vector<Diagnostic>& errors) {
  constexpr int kText = 22;
  ASSERT_EQ(errors.size(), kSteps);
  EXPECT_GT(errors.front().where.column, kText) << errors.front().message;
  EXPECT_EQ(errors.back().where.column, kText) << errors.back().message;
}

TEST(ManyErrors, OfReferencesAreFoundAtTheirTextsInTheEnd) {
  ExpectColumns(ErrorsOf("echo ${params.nope}"));
  ExpectColumns(ErrorsOf("echo ${nope.nope}"));
}

TEST(ManyErrors, OfMetricsAreFoundAtTheirTextsInTheEnd) {
  ExpectColumns(ErrorsOf("echo ${steps.a.metrics.x}"));
}

}  // namespace
}  // namespace dml::pipelines::testing
