#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "orchestrator/state/run_view.h"
#include "tests/engine/fake_step.h"

namespace dml::engine {

using Names = std::vector<std::string>;

// Whole runs in a home of their own through the real loop, store and committer; only the runner is
// a fake.
class SessionTest : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    home_ = std::make_unique<Home>(Home::Open(folder_ + "/home", "/").value());
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  struct Ran {
    RunResult result;
    Names launched;
    RecordingObserver observer;
    std::vector<runners::LaunchSpec> specs;
  };
  using Prepare = std::function<void(ImmediateRunner&)>;

  Ran Run(const pipelines::ExpandedPipeline& pipeline, const RunOptions& options = {},
          const Prepare& prepare = {}) {
    Ran ran;
    RunSession session(*home_, pipeline, options, clock_, ran.observer);
    ImmediateRunner runner(session.events());
    if (prepare) prepare(runner);
    auto result = session.Run(runner);
    EXPECT_TRUE(result.ok()) << result.error().Render();
    if (result.ok()) ran.result = *result;
    ran.launched = runner.Names();
    ran.specs = runner.launched;
    return ran;
  }
  [[nodiscard]] std::vector<state::TaskView> Tasks(RunId run) const {
    return state::RunView::Open(home_->path())->Tasks(run).value();
  }
  [[nodiscard]] std::size_t CountAttemptFolders(RunId run) const {
    std::size_t count = 0;
    std::error_code none;
    for (const auto& entry : std::filesystem::directory_iterator(home_->RunPath(run), none)) {
      count += entry.path().filename() == "logs" ? 0U : 1U;
    }
    return count;
  }

  std::string folder_ = testing::TempDir() + "/session_" +
                        testing::UnitTest::GetInstance()->current_test_info()->test_suite_name() +
                        testing::UnitTest::GetInstance()->current_test_info()->name();
  std::unique_ptr<Home> home_;
  SystemClock clock_;
};

}  // namespace dml::engine
