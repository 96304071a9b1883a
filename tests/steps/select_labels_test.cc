// How the report of select.best names the candidates.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/steps/step_lab.h"

namespace dml::steps {
namespace {

class SelectLabels : public StepLab {
 protected:
  Artifact Fit(const std::string& uses, Json params) {
    std::string csv = "x,y\n";
    for (int i = 0; i < 40; ++i) csv += fmt::format("{},{}\n", i, 2 * i + 1 + (i * 17 % 5) * 0.3);
    params["target"] = "y";
    params["validate"] = {{"scoring", {"r2"}}};
    const StepRun run = Run(uses, params, {{"data", Csv(csv)}});
    EXPECT_TRUE(run.ok()) << run.Failure();
    return run.outputs.at("model");
  }
};

TEST_F(SelectLabels, AmongSeveralKindsTheKindComesFirst) {
  const Inputs inputs{{"model", Fit("train.ridge", {{"alpha", 10}})},
                      {"model", Fit("train.ridge", {{"alpha", 1}})},
                      {"model", Fit("train.decision_tree", {{"max_depth", 1}, {"seed", 3}})}};
  const StepRun run = Run("select.best", {{"metric", "cv.r2"}}, inputs);
  ASSERT_TRUE(run.ok()) << run.Failure();
  const std::string panels = Bytes(run.outputs.at("report"));
  EXPECT_NE(panels.find("\"ridge alpha=10\""), std::string::npos) << panels;
  EXPECT_NE(panels.find("is ridge alpha=1: "), std::string::npos) << panels;
  EXPECT_NE(panels.find("\"decision_tree\""), std::string::npos) << panels;
}

}  // namespace
}  // namespace dml::steps
