#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>

#include "tests/e2e/program.h"

namespace dml::e2e {
namespace {

class Signals : public EndToEnd {
 protected:
  // A step that says its process id and then waits for ever; with `stubborn` it ignores TERM.
  void WriteEndless(bool stubborn) {
    Write("p.yaml", std::string("name: n\nsteps:\n  - id: endless\n    run: '") +
                        (stubborn ? "trap \"\" TERM; " : "") + "echo $$ > " + Path("pid.tmp") +
                        "; mv " + Path("pid.tmp") + " " + Path("pid") +
                        "; while :; do sleep 0.05; done'\n");
  }
  void WaitForStep() {
    WaitUntil([&] { return Exists("pid"); }, "the step runs");
    step_ = std::stoi(Read("pid"));
  }
  void ExpectStepIsGone() const { EXPECT_NE(::kill(step_, 0), 0) << "the step still lives"; }

  pid_t step_ = -1;
};

TEST_F(Signals, InterruptStopsTheTasksAndIsRemembered) {
  WriteEndless(/*stubborn=*/false);
  Program run = Start({"run", "p.yaml"});
  WaitForStep();
  run.Signal(SIGINT);
  const Finished finished = run.Wait();
  EXPECT_EQ(finished.code, 130) << finished.err;
  ExpectStepIsGone();
  EXPECT_EQ(States().at("endless"), "cancelled");
  EXPECT_EQ(RunJson({"ls"})["runs"][0]["outcome"], "cancelled");
}

TEST_F(Signals, TerminateExits143) {
  WriteEndless(/*stubborn=*/false);
  Program run = Start({"run", "p.yaml"});
  WaitForStep();
  run.Signal(SIGTERM);
  EXPECT_EQ(run.Wait().code, 143);
  ExpectStepIsGone();
}

TEST_F(Signals, TheSecondInterruptKillsWhatIgnoresTheFirst) {
  WriteEndless(/*stubborn=*/true);
  Program run = Start({"run", "p.yaml"});
  WaitForStep();
  run.Signal(SIGINT);
  WaitUntil([&] { return run.ErrorSoFar().find("once more") != std::string::npos; },
            "the first signal was heard");
  run.Signal(SIGINT);
  EXPECT_EQ(run.Wait().code, 130);
  ExpectStepIsGone();
}

TEST_F(Signals, AfterAnInterruptTheNextRunContinues) {
  Write("p.yaml", "name: n\nsteps:\n  - {id: first, run: 'echo x >> " + Path("trace") +
                      "'}\n"
                      "  - id: second\n    needs: first\n    run: 'touch " +
                      Path("started") + "; while ! test -e " + Path("go") +
                      "; do sleep 0.05; done'\n");
  Program run = Start({"run", "p.yaml"});
  WaitUntil([&] { return Exists("started"); }, "the second step runs");
  run.Signal(SIGINT);
  EXPECT_EQ(run.Wait().code, 130);
  Write("go", "");
  EXPECT_EQ(Run({"run", "p.yaml"}).code, 0);
  EXPECT_EQ(Read("trace"), "x\n") << "finished work was not redone";
}

TEST_F(Signals, KillOfTheOrchestratorLosesNothingFinished) {
  WriteEndless(/*stubborn=*/false);
  Program run = Start({"run", "p.yaml"});
  WaitForStep();
  run.Signal(SIGKILL);
  EXPECT_EQ(run.Wait().code, 128 + SIGKILL);
  WaitUntil([&] { return ::kill(step_, 0) != 0; }, "the worker ends what it started");
  EXPECT_EQ(Run({"ls"}).code, 0);
}

TEST_F(Signals, AKilledWorkerCostsOneAttemptAndLeavesNothingBehind) {
  Write("p.yaml",
        "name: n\nsteps:\n  - id: victim\n    retry: {limit: 2, backoff: 10ms}\n    run: 'echo $$ "
        ">> " +
            Path("tries") + "; if test $(wc -l < " + Path("tries") +
            ") -eq 1; then kill -9 $PPID; sleep 600; fi'\n");
  const Finished run = Run({"run", "p.yaml"});
  EXPECT_EQ(run.code, 0) << run.err;
  const std::string tries = Read("tries");
  EXPECT_EQ(std::count(tries.begin(), tries.end(), '\n'), 2);
  const pid_t first = std::stoi(tries);
  WaitUntil([&] { return ::kill(first, 0) != 0; }, "the first attempt's command is gone");
}

TEST_F(Signals, HowManyLostWorkersAreForgivenIsSaidByThePipeline) {
  Write("p.yaml",
        "steps:\n  - id: victim\n    retry: {infrastructure_limit: 1, backoff: 10ms}\n"
        "    run: 'echo >> " +
            Path("tries") + "; test -e " + Path("mended") + " || kill -9 $PPID; exit 0'\n");
  const Finished run = Run({"run", "p.yaml"});
  EXPECT_EQ(run.code, 3) << run.err;
  EXPECT_EQ(Read("tries"), "\n\n");
  const char* told =
      "; 2 attempts were lost, and retry.infrastructure_limit is 1: `dml resume` tries as often "
      "again\n";
  EXPECT_NE(run.err.find(told), std::string::npos) << run.err;
  EXPECT_NE(Run({"ls"}).out.find("interrupted"), std::string::npos);
  EXPECT_EQ(Run({"resume"}).code, 3);
  EXPECT_EQ(Read("tries"), "\n\n\n\n") << "as often again";
  Write("mended", "");
  EXPECT_EQ(Run({"resume"}).code, 0);
}

}  // namespace
}  // namespace dml::e2e
