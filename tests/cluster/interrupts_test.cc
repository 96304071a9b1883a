// Ctrl-C at awkward moments: while nodes are set up, and while data is on its way.

#include <signal.h>

#include <algorithm>
#include <filesystem>

#include "base/files.h"
#include "tests/cluster/scenario.h"
#include "tests/e2e/leavings.h"

namespace dml::cluster {
namespace {

namespace fs = std::filesystem;

constexpr int kInterrupted = 130;
// Blobs of two megabytes are seconds on their way, and the worker program a minute.
constexpr std::int64_t kSlow = 400'000;
// What is on its way already still arrives.
constexpr std::int64_t kVerySlow = 100'000;

// Whether a file below `folder` fits.
template <typename Fits>
bool AnyFile(const std::string& folder, Fits fits) {
  std::error_code gone;
  for (fs::recursive_directory_iterator at(folder, gone), end; !gone && at != end;
       at.increment(gone)) {
    if (fits(at->path())) return true;
  }
  return false;
}

class InterruptScenario : public Scenario {
 protected:
  // No time limit ends what a signal does not end.
  void TakeDownAndBePatient() {
    ASSERT_EQ(Dml({"cluster", "down"}).code, 0);
    const std::string limit = "connect_timeout: 20s";
    std::string text = Read("cluster.yaml");
    ASSERT_TRUE(text.starts_with(limit)) << text;
    Write("cluster.yaml", "connect_timeout: 10m" + text.substr(limit.size()));
  }
  void SetRates(std::int64_t bytes_per_second) const {
    for (const auto& proxy : proxies_) proxy->SetRate(bytes_per_second);
  }
  // The worker program on its way.
  [[nodiscard]] bool HasHalfAProgram(std::size_t i) {
    return AnyFile(servers_.server(i).root() + "/bin", [](const fs::path& path) {
      return path.filename().string().starts_with("new.");
    });
  }
  [[nodiscard]] bool HasHalfABlob(std::size_t i) {
    return AnyFile(servers_.server(i).root() + "/blobs",
                   [](const fs::path& path) { return path.extension() == ".part"; });
  }
  static void ExpectEndsOf(e2e::Program& program) {
    program.Signal(SIGINT);
    const e2e::Finished ended = program.Wait();
    EXPECT_EQ(ended.code, kInterrupted) << ended.out << ended.err;
  }
  // A set-up that nothing disturbs, a run, and a farewell.
  void ExpectAllIsWell() {
    const e2e::Finished setup = Dml({"cluster", "setup"});
    EXPECT_EQ(setup.code, 0) << setup.out << setup.err;
    EXPECT_EQ(Dml({"cluster", "check"}).code, 0);
    OpenGate();
    e2e::Program run = StartRun();
    ExpectDone(run);
    ExpectGoodHistory();
    ExpectNothingIsLeftAfterDown();
  }
  // What an interrupted run leaves: halves of blobs on nodes, for whoever resumes it, and no more.
  void ExpectResumable() {
    EXPECT_EQ(e2e::LeavingsOf(Path("there")), std::vector<std::string>());
    for (std::size_t i = 0; i < servers_.size(); ++i) {
      WaitUntil([&] { return Commands(i) == 0; }, "the commands end");
    }
    SetRates(0);
    e2e::Program resumed = StartDml({"resume", "--home", Path("there")});
    ExpectDone(resumed);
    ExpectGoodHistory();
    ExpectNothingIsLeftAfterDown();
  }
};

TEST_F(InterruptScenario, OfASetUpThatWaitsForASilentNode) {
  TakeDownAndBePatient();
  proxies_[0]->Freeze(true);
  e2e::Program setup = StartDml({"cluster", "setup"});
  WaitUntil([&] { return servers_.server(1).agent() > 0 && servers_.server(2).agent() > 0; },
            "the others are set up");
  ExpectEndsOf(setup);
  EXPECT_FALSE(fs::exists(servers_.server(0).root()));
  proxies_[0]->Freeze(false);
  ExpectAllIsWell();
}

TEST_F(InterruptScenario, OfASetUpThatCopiesTheWorkerProgram) {
  TakeDownAndBePatient();
  SetRates(kSlow);
  e2e::Program setup = StartDml({"cluster", "setup"});
  WaitUntil([&] { return HasHalfAProgram(0) && HasHalfAProgram(1) && HasHalfAProgram(2); },
            "all programs are on their way");
  ExpectEndsOf(setup);
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    WaitUntil([&] { return !HasHalfAProgram(i); }, "no half of a program is left");
    WaitUntil([&] { return servers_.server(i).Processes().empty(); }, "every process there ends");
  }
  SetRates(0);
  ExpectAllIsWell();
}

TEST_F(InterruptScenario, OfARunWhoseInputsAreOnTheirWay) {
  OpenGate();
  SetRates(kSlow);
  e2e::Program run = StartRun();
  WaitUntil([&] { return HasHalfABlob(0) || HasHalfABlob(1) || HasHalfABlob(2); },
            "an input is on its way");
  ExpectEndsOf(run);
  ExpectResumable();
}

// What has ended well is waited for at the first, which says so, and left there at the second.
TEST_F(InterruptScenario, OfARunWhoseResultsAreOnTheirWay) {
  e2e::Program run = StartRun();
  AwaitBegun(kTasks);
  SetRates(kVerySlow);
  OpenGate();
  WaitUntil(
      [&] {
        return AnyFile(Path("there/runs/r1"), [](const fs::path& path) {
          std::error_code gone;
          const auto size = fs::file_size(path, gone);
          return !gone && path.parent_path().filename() != "logs" && size > kVerySlow;
        });
      },
      "a result is on its way");
  run.Signal(SIGINT);
  AwaitSaid(run, "once more");
  ExpectEndsOf(run);
  ExpectResumable();
}

}  // namespace
}  // namespace dml::cluster
