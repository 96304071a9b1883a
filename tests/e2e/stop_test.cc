// Goal: `dml stop` ends a run whatever state its owner is in, and says whom it waits for.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <filesystem>

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
  Program run = StartEndless("trap \"sleep 4; exit\" TERM;");
  const Finished stop = Run({"stop", "latest"});
  EXPECT_EQ(stop.code, 0) << stop.err;
  EXPECT_NE(stop.err.find("waiting for process " + std::to_string(run.pid())), std::string::npos)
      << stop.err;
  EXPECT_EQ(run.Wait().code, 143);
}

// Two people who ask at the same time, and `timeout`, which asks a command and then its group.
TEST_F(Stop, AskedForTwiceTheTasksKeepTheirMoment) {
  Program run = StartEndless("trap \"sleep 5; echo whole > " + Path("last") + "; exit\" TERM;");
  Program first = Start({"stop", "latest"});
  WaitUntil([&] { return run.ErrorSoFar().find("stopping") != std::string::npos; },
            "the first is heard");
  const Finished second = Run({"stop", "latest"});
  EXPECT_EQ(second.code, 0) << second.err;
  EXPECT_EQ(first.Wait().code, 0);
  const Finished stopped = run.Wait();
  EXPECT_EQ(stopped.code, 143);
  EXPECT_EQ(stopped.err.find("killing"), std::string::npos) << stopped.err;
  EXPECT_EQ(Read("last"), "whole\n") << "the task was not given its moment";
}

TEST_F(Stop, AfterItCtrlCAndNowStillKill) {
  for (const bool by_terminal : {true, false}) {
    Program run = StartEndless("trap \"\" TERM;");
    run.Signal(SIGTERM);
    WaitUntil([&] { return run.ErrorSoFar().find("stopping") != std::string::npos; },
              "the first is heard");
    run.Signal(by_terminal ? SIGINT : SIGUSR1);  // as `dml stop --now` does
    const Finished stopped = run.Wait();
    EXPECT_EQ(stopped.code, 143);
    EXPECT_NE(stopped.err.find("killing"), std::string::npos) << stopped.err;
    std::filesystem::remove(Path("pid"));
  }
}

// Whoever clears the locks away makes the run neither dead nor anybody else's.
TEST_F(Stop, TheOwnerIsKnownWithoutTheFolderOfLocks) {
  Program run = StartEndless();
  std::filesystem::remove_all(Path(".dml/locks"));
  const Finished second = Run({"resume"});
  EXPECT_EQ(second.code, 4) << second.err;
  const std::string who = "r1 is run by process " + std::to_string(run.pid());
  EXPECT_NE(second.err.find(who), std::string::npos) << second.err;
  EXPECT_EQ(Run({"resume", "r1"}).code, 4);
  EXPECT_EQ(RunJson({"ls"})["runs"][0]["outcome"], "running");
  Write("q.yaml", "steps: [{id: b, run: 'true'}]\n");
  EXPECT_EQ(Run({"run", "q.yaml"}).code, 0);
  EXPECT_EQ(RunJson({"ls"})["runs"][1]["outcome"], "running") << "nobody takes it for dead";
  EXPECT_EQ(Run({"stop", "r1"}).code, 0);
  EXPECT_FALSE(StartOf(step_)) << "the step still lives";
  EXPECT_EQ(run.Wait().code, 143);
  EXPECT_FALSE(Exists(".dml/runs/r1/.owner"));
}

TEST_F(Stop, GivesADocument) {
  Program run = StartEndless();
  const Json stopped = RunJson({"stop", "latest"});
  EXPECT_EQ(stopped, Json({{"run", "r1"}, {"stopped", true}, {"outcome", "cancelled"}}));
  EXPECT_EQ(run.Wait().code, 143);
}

}  // namespace
}  // namespace dml::e2e
