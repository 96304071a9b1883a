// The real program, killed at each of its crash points, and resumed.

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "base/crash_point.h"
#include "tests/e2e/leavings.h"
#include "tests/e2e/program.h"

namespace dml::e2e {
namespace {

constexpr int kKilled = 128 + SIGKILL;

class CrashPoints : public EndToEnd, public testing::WithParamInterface<std::string_view> {
 protected:
  CrashPoints() {
    Write("p.yaml", std::string("name: crash\non: {finish: {run: 'echo x >> ") + Path("hooked") +
                        R"('}}
steps:
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
    run: 'ls -R in > lines; date > /dev/null'
    inputs: {rows: in}
    outputs: {lines: lines}
  - id: last
    needs: count
    run: 'touch )" + Path("started") +
                        "; while test -e " + Path("hold") +
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
  }
};

TEST_P(CrashPoints, IsSurvived) {
  const std::string label(GetParam());
  std::set<std::string> expected;
  ASSERT_NO_FATAL_FAILURE(Undisturbed(expected));
  const bool in_recovery = label.starts_with("recovery.") || label.starts_with("resume.");
  if (in_recovery || label.starts_with("stop.")) {
    ASSERT_EQ(Run({"run", "p.yaml"}, Crash("launch.handed-over")).code, kKilled);
  }
  if (label.starts_with("recovery.")) {
    // A run of something else sees to the dead one.
    Write("other.yaml", "name: other\nsteps:\n  - {id: a, run: 'true'}\n");
    ASSERT_EQ(Run({"run", "other.yaml"}, Crash(label)).code, kKilled);
  } else if (label.starts_with("resume.")) {
    ASSERT_EQ(Run({"resume"}, Crash(label)).code, kKilled);
  } else if (label.starts_with("stop.")) {
    std::filesystem::remove(Path("started"));
    Write("hold", "");
    Program resumed = Start({"resume"});
    WaitUntil([&] { return Exists("started"); }, "the run goes on");
    EXPECT_EQ(Run({"stop", "r1"}, Crash(label)).code, kKilled);
    EXPECT_EQ(resumed.Wait().code, 143) << "it was asked before that";
    std::filesystem::remove(Path("hold"));
  } else {
    const Finished run = Run({"run", "p.yaml"}, Crash(label));
    // A worker's death costs an attempt and not the run.
    const bool worker = label.starts_with("worker.") || label.starts_with("checkpoint.");
    EXPECT_EQ(run.code, worker ? 0 : kKilled) << run.err;
  }
  EXPECT_TRUE(Crashed(label)) << "nothing died there";
  Finished resumed = GoOn();
  if (resumed.code == 2) resumed = Run({"run", "p.yaml"});  // it had ended
  EXPECT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_EQ(BlobsOf(Path(".dml")), expected);
  EXPECT_TRUE(Exists("hooked")) << "the hook was lost";
  if (label == "run.ended" || label == "hooks.due") {
    EXPECT_EQ(Read("hooked"), "x\n");
  }
  EXPECT_EQ(LeavingsOf(Path(".dml")), std::vector<std::string>());
}

INSTANTIATE_TEST_SUITE_P(EveryOne, CrashPoints, testing::ValuesIn(kCrashPoints),
                         [](const testing::TestParamInfo<std::string_view>& label) {
                           std::string name(label.param);
                           std::ranges::replace(name, '.', '_');
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace dml::e2e
