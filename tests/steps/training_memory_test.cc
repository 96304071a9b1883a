// A fit that is refused memory knows what it was for.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <iostream>
#include <new>
#include <string>

#include "base/memory_refused.h"
#include "tests/sanitized.h"
#include "tests/steps/limited_memory.h"
#include "tests/steps/step_lab.h"

namespace dml::steps {
namespace {

class TrainingMemory : public StepLab {
 protected:
  // Whether a fit to `data` with 12 MiB more is refused memory for `need`; in a process of its own.
  bool Needs(const std::string& need, const std::string& uses, const Json& params,
             const Artifact& data) {
    const pid_t child = ::fork();
    if (child == 0) {
      LimitMemory(std::int64_t{12} << 20);
      try {
        const StepRun run = Run(uses, params, {{"data", data}});
        std::cerr << "it was not refused: " << run.Failure() << "\n";
        ::_exit(1);
      } catch (const MemoryRefused& refused) {
        if (refused.need() != need) std::cerr << "instead: " << refused.need() << "\n";
        ::_exit(refused.need() == need && !refused.remedy().empty() ? 0 : 1);
      } catch (const std::bad_alloc&) {
        std::cerr << "nobody says for what\n";
        ::_exit(1);
      }
    }
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }
};

#if !defined(DML_SANITIZED)  // they take memory of their own
TEST_F(TrainingMemory, ThatIsRefusedIsSaid) {
  const StepRun numbers = Run("generate.regression", {{"n_samples", 200'000}, {"n_features", 20}});
  ASSERT_TRUE(numbers.ok()) << numbers.Failure();
  EXPECT_TRUE(Needs("a fit to 200000 rows with 20 features needs about 30.5 MiB besides its result",
                    "train.decision_tree", {{"target", "y"}, {"task", "regression"}},
                    numbers.outputs.at("data")));
  const StepRun wide = Run("generate.classification", {{"n_samples", 3000}, {"n_features", 1200}});
  ASSERT_TRUE(wide.ok()) << wide.Failure();
  EXPECT_TRUE(Needs("a fit to 3000 rows with 1200 features and 2 classes needs more",
                    "train.logistic_regression", {{"target", "class"}}, wide.outputs.at("data")));
}
#endif

// A name made into as many features as there are people: days of work would have come before the
// system ended the process.
TEST_F(TrainingMemory, OfTreesIsKnownFromTheCells) {
  std::string csv = "name,y\n";
  for (int i = 0; i < 3000; ++i)
    csv += "person" + std::to_string(i) + (i % 2 == 0 ? ",1\n" : ",0\n");
  const Inputs inputs{{"data", Csv(csv)}};
  memory_bytes_ = std::int64_t{6} << 20;
  const Json params = {{"target", "y"},
                       {"preprocess", Json::array({{{"one_hot", {{"columns", {"name"}}}}}})}};
  for (const char* step : {"train.decision_tree", "train.random_forest"}) {
    const std::string failure = Run(step, params, inputs).Failure();
    EXPECT_NE(failure.find("a byte for each of 3000 features in each of 3000 rows, which is 8.58 "
                           "MiB, and there are 6 MiB"),
              std::string::npos)
        << failure;
  }
}

TEST_F(TrainingMemory, OfAForestIsKnownFromItsFirstTree) {
  const StepRun rows = Run("generate.classification", {{"n_samples", 3000}, {"flip_y", 0.5}});
  ASSERT_TRUE(rows.ok()) << rows.Failure();
  const Inputs inputs{{"data", rows.outputs.at("data")}};
  memory_bytes_ = std::int64_t{4} << 20;
  const std::string failure = Run("train.random_forest", {{"target", "class"}}, inputs).Failure();
  EXPECT_NE(failure.find("100 trees like the first"), std::string::npos) << failure;
  EXPECT_NE(failure.find("there are 4 MiB"), std::string::npos) << failure;
  const StepRun shallow =
      Run("train.random_forest", {{"target", "class"}, {"max_depth", 5}}, inputs);
  EXPECT_TRUE(shallow.ok()) << shallow.Failure();
}

}  // namespace
}  // namespace dml::steps
