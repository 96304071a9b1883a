#include "cli/worker/step_executor.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "base/files.h"

namespace dml::cli {
namespace {

namespace fs = std::filesystem;

// Reads the files of its input, appends its word to each line it had, and writes one file.
class AppendStep final : public plugins::Step {
 public:
  explicit AppendStep(std::string word) : word_(std::move(word)) {}
  Result<void> Run(plugins::StepContext& context) const override {
    std::string text;
    for (const Artifact& input : context.inputs) {
      for (const ArtifactFile& file : input.files) {
        DML_TRY(const std::string content, ReadFile(file.path));
        text += content;
      }
    }
    DML_TRY(const std::string folder, context.OutputDirectory("data"));
    context.monitor->Progress(1, word_);
    context.metrics[word_] = text.size();
    context.warnings.push_back(word_);
    std::ofstream(folder + "/part") << text << word_;
    if (word_ == "throw") throw std::runtime_error("thrown");
    return {};
  }

 private:
  std::string word_;
};

class RecordingMonitor final : public runners::TaskMonitor {
 public:
  void Progress(double fraction, const std::string&) override { fractions.push_back(fraction); }
  void Log(const std::string&) override {}
  std::vector<double> fractions;
};

class StepExecutorTest : public ::testing::Test {
 protected:
  StepExecutorTest() {
    std::string name = (fs::temp_directory_path() / "dml-exec-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    StepSpec spec;
    spec.name = "append";
    spec.inputs = {{"data", PortKind::kTable, false, false, false, ""}};
    spec.outputs = {{"data", PortKind::kTable, true, false, false, ""}};
    registry_.Add({spec, [](const Json& params) -> Result<std::unique_ptr<plugins::Step>> {
                     return std::unique_ptr<plugins::Step>(
                         std::make_unique<AppendStep>(params.at("word").get<std::string>()));
                   }});
  }
  ~StepExecutorTest() override { fs::remove_all(folder_); }

  runners::LaunchSpec Chain(const std::vector<std::string>& words) const {
    std::vector<runners::NativeStep> steps;
    for (const std::string& word : words) steps.push_back({"append", {{"word", word}}});
    runners::LaunchSpec spec;
    spec.work = steps;
    spec.attempt_dir = folder_;
    return spec;
  }

  std::string folder_;
  plugins::StepRegistry registry_;
  RecordingMonitor monitor_;
};

TEST_F(StepExecutorTest, AChainFeedsEachStepFromTheOneBefore) {
  StepExecutor executor(registry_);
  const auto outcome = executor.Execute(Chain({"a", "b", "c"}), monitor_, {});
  ASSERT_TRUE(outcome.ok()) << outcome.error().Render();
  EXPECT_EQ(*ReadFile(folder_ + "/out/data/part"), "abc");
  EXPECT_EQ(outcome->metrics, (Json{{"a", 0}, {"b", 1}, {"c", 2}}));
  EXPECT_EQ(outcome->warnings, (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_FALSE(fs::exists(folder_ + "/scratch")) << "intermediates are removed";
  ASSERT_EQ(monitor_.fractions.size(), 3U);
  EXPECT_DOUBLE_EQ(monitor_.fractions[1], 2.0 / 3);
}

TEST_F(StepExecutorTest, WhatALibraryThrowsIsTheFailureOfTheTask) {
  StepExecutor executor(registry_);
  const auto outcome = executor.Execute(Chain({"throw"}), monitor_, {});
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().kind, ErrorKind::kTask);
  EXPECT_NE(outcome.error().message.find("thrown"), std::string::npos);
}

TEST_F(StepExecutorTest, AnUnknownStepIsInvalid) {
  StepExecutor executor(registry_);
  runners::LaunchSpec spec = Chain({"a"});
  std::get<std::vector<runners::NativeStep>>(spec.work)[0].uses = "nothing";
  const auto outcome = executor.Execute(spec, monitor_, {});
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().kind, ErrorKind::kInvalid);
}

}  // namespace
}  // namespace dml::cli
