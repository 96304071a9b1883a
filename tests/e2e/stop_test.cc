// Goal: `dml stop` ends a run whatever state its owner is in, and says whom it waits for.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/process.h"
#include "tests/e2e/program.h"

namespace dml::e2e {
namespace {

class Stop : public EndToEnd {
 protected:
  // A run of one endless step, which does `at_first` before it says its process id.
  Program StartEndless(const std::string& at_first = "") {
    Write("p.yaml", "name: n\nsteps:\n  - id: a\n    run: '" + at_first + " echo $$ > " +
                        Path("pid.tmp") + "; mv " + Path("pid.tmp") + " " + Path("pid") +
                        "; while :; do sleep 0.05; done'\n");
    Program run = Start({"run", "p.yaml"});
    WaitUntil([&] { return Exists("pid"); }, "the step runs");
    step_ = std::stoi(Read("pid"));
    return run;
  }
  static void Freeze(const Program& run) {
    run.Signal(SIGSTOP);
    siginfo_t stopped{};
    EXPECT_EQ(::waitid(P_PID, static_cast<id_t>(run.pid()), &stopped, WSTOPPED), 0);
  }

  int step_ = -1;
};

TEST_F(Stop, AProcessThatIsStoppedIsWokenToHearIt) {
  Program run = StartEndless();
  Freeze(run);
  const Finished stop = Run({"stop", "latest"});
  EXPECT_EQ(stop.code, 0) << stop.err;
  EXPECT_FALSE(StartOf(step_)) << "the step still lives";
  EXPECT_EQ(run.Wait().code, 143);
}

TEST_F(Stop, NowKillsAProcessThatIsStoppedAndWhatItHasLeft) {
  Program run = StartEndless("trap \"\" TERM;");
  Freeze(run);
  const Finished stop = Run({"stop", "latest", "--now"});
  EXPECT_EQ(stop.code, 0) << stop.err;
  EXPECT_NE(stop.err.find("process " + std::to_string(run.pid())), std::string::npos) << stop.err;
  EXPECT_NE(stop.err.find("is stopped"), std::string::npos) << stop.err;
  EXPECT_FALSE(StartOf(step_)) << "the step still lives";
  EXPECT_EQ(run.Wait().code, 128 + SIGKILL);
  EXPECT_EQ(States().at("a"), "cancelled");
}

TEST_F(Stop, SaysWhomItWaitsFor) {
  Program run = StartEndless("trap \"sleep 1.8; exit\" TERM;");
  const Finished stop = Run({"stop", "latest"});
  EXPECT_EQ(stop.code, 0) << stop.err;
  EXPECT_NE(stop.err.find("waiting for process " + std::to_string(run.pid())), std::string::npos)
      << stop.err;
  EXPECT_EQ(run.Wait().code, 143);
}

TEST_F(Stop, GivesADocument) {
  Program run = StartEndless();
  const Json stopped = RunJson({"stop", "latest"});
  EXPECT_EQ(stopped, Json({{"run", "r1"}, {"stopped", true}, {"outcome", "cancelled"}}));
  EXPECT_EQ(run.Wait().code, 143);
}

}  // namespace
}  // namespace dml::e2e
