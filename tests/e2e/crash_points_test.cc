// The real program, killed at each of its crash points, also when it comes there for the second or
// third time, and resumed: nothing that had finished is executed again.

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <sstream>
#include <string>

#include "base/crash_point.h"
#include "tests/e2e/leavings.h"
#include "tests/e2e/program.h"

namespace dml::e2e {
namespace {

constexpr int kKilled = 128 + SIGKILL;

// Every command leaves a line in `executed`, outside of the home, each time that it is executed.
class CrashPoints : public EndToEnd, public testing::WithParamInterface<std::string_view> {
 protected:
  CrashPoints() {
    Write("p.yaml", std::string("name: crash\non: {finish: {run: 'echo x >> ") + Path("hooked") +
                        R"('}}
steps:
  - id: early
    run: 'echo early >> )" +
                        Path("executed") +
                        R"('
  - id: rows
    uses: generate.regression
    with: {n_samples: 200, n_features: 12, seed: 1}
  - id: parts
    uses: split.train_test
    input: rows
    with: {test_size: 0.25, seed: 7}
  - id: groups
    uses: train.kmeans
    input: parts.test
    with: {n_clusters: 3, n_init: 2, seed: 3}
  - id: count
    input: {rows: parts.train}
    run: 'echo count >> )" +
                        Path("executed") +
                        R"(; ls -R in > lines'
    inputs: {rows: in}
    outputs: {lines: lines}
  - id: last
    needs: count
    run: 'echo last >> )" +
                        Path("executed") + "; touch " + Path("started") + "; while test -e " +
                        Path("hold") +
                        R"(; do sleep 0.02; done'
)");
  }
  [[nodiscard]] StartOptions Crash(std::string_view label) const {
    StartOptions options;
    options.env = {
        "DML_CRASH_AT=" + std::string(label) + "@" + Path("crashed-" + std::string(label)),
        "DML_CHECKPOINT_INTERVAL=0s"};
    return options;
  }
  [[nodiscard]] bool Crashed(std::string_view label) const {
    return Exists("crashed-" + std::string(label));
  }
  // The label is the text before a colon: "commit.stored:3" is the third time.
  [[nodiscard]] static std::string LabelOf(std::string_view point) {
    return std::string(point.substr(0, point.find(':')));
  }
  [[nodiscard]] std::map<std::string, int> Executions() const {
    std::map<std::string, int> executions;
    std::istringstream lines(Exists("executed") ? Read("executed") : std::string());
    for (std::string task; std::getline(lines, task);) ++executions[task];
    return executions;
  }
  // The number of attempts of each task of the first run that has done its work: it has finished,
  // or it is recorded that it succeeded and its outputs are being stored. Nothing if there is no
  // run.
  [[nodiscard]] std::map<std::string, int> FinishedTasks() const {
    std::map<std::string, int> attempts;
    if (Run({"status", "r1"}).code != 0) return attempts;
    const Json status = RunJson({"status", "r1"});
    for (const Json& task : status.at("tasks")) {
      if (task.at("state") != "succeeded" && task.at("state") != "committing") continue;
      attempts[task.at("name")] = task.at("attempts");
    }
    return attempts;
  }
  // Kills what runs at the point until something has died, in a situation where it comes there.
  void DieAt(const std::string& point);
  // Whatever the state: goes on, or begins if nothing was recorded.
  [[nodiscard]] Finished GoOn(const StartOptions& options = {}) const {
    Finished resumed = Run({"resume"}, options);
    if (resumed.code == 2 && resumed.err.find("no unfinished run") != std::string::npos) {
      return Run({"run", "p.yaml"}, options);
    }
    return resumed;
  }
  void Undisturbed(std::set<std::string>& blobs) {
    const std::string home = Path("reference");
    const Finished run = Run({"run", "p.yaml", "--home", home});
    ASSERT_EQ(run.code, 0) << run.err;
    blobs = BlobsOf(home);
    ASSERT_GE(blobs.size(), 4U);
    std::filesystem::remove(Path("hooked"));
    ASSERT_EQ(Executions(), (std::map<std::string, int>{{"early", 1}, {"count", 1}, {"last", 1}}));
    std::filesystem::remove(Path("executed"));
  }
};

void CrashPoints::DieAt(const std::string& point) {
  const std::string label = LabelOf(point);
  const bool in_recovery = label.starts_with("recovery.") || label.starts_with("resume.");
  if (in_recovery || label.starts_with("stop.")) {
    ASSERT_EQ(Run({"run", "p.yaml"}, Crash("launch.handed-over")).code, kKilled);
  }
  if (label.starts_with("recovery.")) {
    // A run of something else sees to the dead one.
    Write("other.yaml", "name: other\nsteps:\n  - {id: a, run: 'true'}\n");
    ASSERT_EQ(Run({"run", "other.yaml"}, Crash(point)).code, kKilled);
  } else if (label.starts_with("resume.")) {
    ASSERT_EQ(Run({"resume"}, Crash(point)).code, kKilled);
  } else if (label.starts_with("stop.")) {
    std::filesystem::remove(Path("started"));
    Write("hold", "");
    Program resumed = Start({"resume"});
    WaitUntil([&] { return Exists("started"); }, "the run goes on");
    EXPECT_EQ(Run({"stop", "r1"}, Crash(point)).code, kKilled);
    EXPECT_EQ(resumed.Wait().code, 143) << "it was asked before that";
    std::filesystem::remove(Path("hold"));
  } else {
    const Finished run = Run({"run", "p.yaml"}, Crash(point));
    // A worker's death costs an attempt and not the run.
    const bool worker = label.starts_with("worker.") || label.starts_with("checkpoint.");
    EXPECT_EQ(run.code, worker ? 0 : kKilled) << run.err;
  }
  EXPECT_TRUE(Crashed(point)) << "nothing died there";
}

TEST_P(CrashPoints, IsSurvived) {
  const std::string point(GetParam());
  const std::string label = LabelOf(point);
  std::set<std::string> expected;
  ASSERT_NO_FATAL_FAILURE(Undisturbed(expected));
  ASSERT_NO_FATAL_FAILURE(DieAt(point));
  EXPECT_EQ(LivingOf(Path(".dml")), std::vector<std::string>());
  const std::map<std::string, int> finished = FinishedTasks();
  const std::map<std::string, int> executed = Executions();
  if (label != point) {
    EXPECT_FALSE(finished.empty()) << "that is what this is about";
  }
  Finished resumed = GoOn();
  if (resumed.code == 2) resumed = Run({"run", "p.yaml"});  // it had ended
  EXPECT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_EQ(BlobsOf(Path(".dml")), expected);
  EXPECT_TRUE(Exists("hooked")) << "the hook was lost";
  if (label == "run.ended" || label == "hooks.due") {
    EXPECT_EQ(Read("hooked"), "x\n");
  }
  EXPECT_EQ(LeavingsOf(Path(".dml")), std::vector<std::string>());
  std::map<std::string, int> attempts = FinishedTasks();
  for (const auto& [task, attempt] : finished) {
    EXPECT_EQ(attempts[task], attempt) << task << " had finished, and was done again";
  }
  std::map<std::string, int> executions = Executions();
  for (const char* task : {"early", "count", "last"}) {
    const auto before = executed.find(task);
    const int times = before == executed.end() ? 0 : before->second;
    if (finished.contains(task)) {
      EXPECT_EQ(executions[task], times) << task << " had finished, and was executed again";
    } else {
      EXPECT_EQ(executions[task], times + 1) << task;
    }
    EXPECT_LE(times, 2) << task << ": once, and once more if what it was in died";
  }
}

std::string NameOfPoint(const testing::TestParamInfo<std::string_view>& point) {
  std::string name(point.param);
  std::ranges::replace_if(
      name, [](char c) { return c == '.' || c == '-' || c == ':'; }, '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(EveryOne, CrashPoints, testing::ValuesIn(kCrashPoints), NameOfPoint);

// In the middle of a run: something has finished by then.
constexpr std::string_view kLater[] = {
    "turn.decided:7",  "turn.persisted:7",   "launch.handed-over:3", "worker.begins:2",
    "worker.done:2",   "checkpoint.saved:2", "commit.begins:3",      "commit.synced:4",
    "commit.linked:4", "commit.stored:3",    "result.persisted:3"};
INSTANTIATE_TEST_SUITE_P(Later, CrashPoints, testing::ValuesIn(kLater), NameOfPoint);

}  // namespace
}  // namespace dml::e2e
