// kill -9 of whatever there is, and what follows.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <chrono>
#include <fstream>
#include <iterator>

#include "tests/e2e/leavings.h"
#include "tests/e2e/program.h"
#include "tests/send_signal.h"

namespace dml::e2e {
namespace {

class Recover : public EndToEnd {
 protected:
  // first -> waits for the file "go"; says its process id.
  void WriteWaiting() {
    Write("p.yaml", "name: n\nsteps:\n  - {id: first, run: 'echo x >> " + Path("trace") +
                        "'}\n"
                        "  - id: second\n    needs: first\n    run: 'echo $$ > " +
                        Path("pid.tmp") + "; mv " + Path("pid.tmp") + " " + Path("pid") +
                        "; while ! test -e " + Path("go") + "; do sleep 0.05; done'\n");
  }
  void WriteStubborn() {
    Write("p.yaml", "name: n\nsteps:\n  - id: stubborn\n    run: 'trap \"\" TERM; echo $$ > " +
                        Path("pid.tmp") + "; mv " + Path("pid.tmp") + " " + Path("pid") +
                        "; while :; do sleep 0.05; done'\n");
  }
  int WaitForSecond() {
    WaitUntil([&] { return Exists("pid"); }, "the second step runs");
    return std::stoi(Read("pid"));
  }
  static int ParentOf(int pid) {
    std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
    std::string text((std::istreambuf_iterator<char>(stat)), std::istreambuf_iterator<char>());
    return std::stoi(text.substr(text.rfind(')') + 4));
  }
};

TEST_F(Recover, ResumeGoesOnAfterTheDeathOfTheOrchestrator) {
  WriteWaiting();
  Program run = Start({"run", "p.yaml"});
  const int step = WaitForSecond();
  run.Signal(SIGKILL);
  (void)run.Wait();
  WaitUntil([&] { return ::kill(step, 0) != 0; }, "the worker ends what it started");
  Write("go", "");
  const Finished resumed = Run({"resume"});
  EXPECT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_EQ(Read("trace"), "x\n") << "finished work was not redone";
  EXPECT_NE(resumed.err.find("  done before\n"), std::string::npos) << resumed.err;
  EXPECT_EQ(resumed.err.find("reused"), std::string::npos) << resumed.err;
  EXPECT_EQ(RunJson({"ls"})["runs"].size(), 1U) << "it is the same run";
  EXPECT_EQ(LeavingsOf(Path(".dml")), std::vector<std::string>());
  const Finished again = Run({"resume"});
  EXPECT_EQ(again.code, 2);
  EXPECT_NE(again.err.find("no unfinished run"), std::string::npos) << again.err;
}

// Nobody is left who would end the command: the next dml does.
TEST_F(Recover, TheDeathOfOrchestratorAndWorkerLeavesAnOrphanThatResumeEnds) {
  WriteWaiting();
  Program run = Start({"run", "p.yaml"});
  const int step = WaitForSecond();
  const int worker = ParentOf(step);
  // All of its threads: one of them would end the command.
  run.Signal(SIGSTOP);
  siginfo_t stopped{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(run.pid()), &stopped, WSTOPPED), 0);
  SendSignal(worker, SIGKILL);
  run.Signal(SIGKILL);
  (void)run.Wait();
  EXPECT_EQ(::kill(step, 0), 0) << "the command lives on";
  Write("go2", "");
  Program resumed = Start({"resume"});
  WaitUntil([&] { return ::kill(step, 0) != 0; }, "the orphan is ended");
  Write("go", "");
  EXPECT_EQ(resumed.Wait().code, 0);
  EXPECT_EQ(LeavingsOf(Path(".dml")), std::vector<std::string>());
}

TEST_F(Recover, StopEndsARunFromOutsideAndResumeGoesOn) {
  WriteWaiting();
  Program run = Start({"run", "p.yaml"});
  const int step = WaitForSecond();
  const Finished stop = Run({"stop", "latest"});
  EXPECT_EQ(stop.code, 0) << stop.err;
  EXPECT_NE(::kill(step, 0), 0) << "the step still lives";
  EXPECT_EQ(run.Wait().code, 143);
  EXPECT_EQ(States().at("second"), "cancelled");
  EXPECT_EQ(Run({"stop", "latest"}).code, 2) << "it has ended";
  Write("go", "");
  EXPECT_EQ(Run({"resume"}).code, 0);
  EXPECT_EQ(Read("trace"), "x\n");
}

TEST_F(Recover, StopNowKillsAStubbornStep) {
  WriteStubborn();
  Program run = Start({"run", "p.yaml"});
  const int step = WaitForSecond();
  EXPECT_EQ(Run({"stop", "latest", "--now"}).code, 0);
  EXPECT_NE(::kill(step, 0), 0) << "the step still lives";
  (void)run.Wait();
}

// However late it gets to read its signals.
TEST_F(Recover, StopNowIsNotTakenForStop) {
  WriteStubborn();
  Program run = Start({"run", "p.yaml"});
  const int step = WaitForSecond();
  run.Signal(SIGSTOP);
  Program stop = Start({"stop", "latest", "--now"});
  const std::string status = "/proc/" + std::to_string(run.pid()) + "/status";
  WaitUntil(
      [&] {
        std::ifstream file(status);
        const std::string text{std::istreambuf_iterator<char>(file), {}};
        return text.find("ShdPnd:\t0000000000000000") == std::string::npos;
      },
      "the signal is there");
  const auto start = std::chrono::steady_clock::now();
  run.Signal(SIGCONT);
  EXPECT_EQ(run.Wait().code, 143);
  EXPECT_EQ(stop.Wait().code, 0);
  // The grace period of the step is ten seconds.
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(8));
  EXPECT_NE(::kill(step, 0), 0) << "the step still lives";
}

TEST_F(Recover, ASecondRunOfThePipelineExitsWith4AndSaysWhoIsAtIt) {
  WriteWaiting();
  Program run = Start({"run", "p.yaml"});
  (void)WaitForSecond();
  for (const std::vector<std::string>& args :
       {std::vector<std::string>{"run", "p.yaml"}, {"resume", "r1"}}) {
    const Finished second = Run(args);
    EXPECT_EQ(second.code, 4) << second.err;
    EXPECT_NE(second.err.find("process " + std::to_string(run.pid())), std::string::npos)
        << second.err;
    EXPECT_EQ(second.err.find("resuming"), std::string::npos) << "it is not ours: " << second.err;
  }
  Write("go", "");
  EXPECT_EQ(run.Wait().code, 0);
  EXPECT_EQ(RunJson({"ls"})["runs"].size(), 1U) << "the refused one left no trace";
}

TEST_F(Recover, ResumeUsesThePipelineAsItWas) {
  WriteWaiting();
  Program run = Start({"run", "p.yaml"});
  (void)WaitForSecond();
  run.Signal(SIGKILL);
  (void)run.Wait();
  Write("p.yaml", "this is no pipeline any more");
  Write("go", "");
  const Finished resumed = Run({"resume"});
  EXPECT_EQ(resumed.code, 0) << resumed.err;
}

TEST_F(Recover, RetryRunsWhatFailedOnceMore) {
  Write("p.yaml", "name: n\nparams: {word: one}\nsteps:\n  - {id: first, run: 'echo x >> " +
                      Path("trace") + "'}\n  - {id: second, needs: first, run: 'test -e " +
                      Path("go") +
                      "; echo ${params.word}'}\n  - {id: third, needs: first, run: "
                      "'test -e " +
                      Path("go") + "'}\n");
  EXPECT_EQ(Run({"run", "p.yaml"}).code, 1);
  const Finished resumed = Run({"resume", "r1"});
  EXPECT_EQ(resumed.code, 2) << resumed.err;
  EXPECT_NE(resumed.err.find("dml retry r1"), std::string::npos) << resumed.err;
  Write("go", "");
  const Finished retried = Run({"retry", "r1", "-S", "word=two"});
  EXPECT_EQ(retried.code, 0) << retried.err;
  EXPECT_EQ(Read("trace"), "x\n") << "what had succeeded was reused";
  const Finished log = Run({"logs", "second"});
  EXPECT_NE(log.out.find("two"), std::string::npos) << log.out;
  EXPECT_EQ(Run({"retry", "latest", "first"}).code, 0);
  EXPECT_EQ(Read("trace"), "x\nx\n");
}

// A later run of a part, or of another parameter, has not made up for it.
TEST_F(Recover, ResumeFindsTheRunThatNoOtherHasMadeUpFor) {
  Write("p.yaml",
        "params: {n: 1}\nsteps:\n  - {id: a, run: 'true'}\n"
        "  - {id: b, needs: a, run: 'echo ${params.n} >> " +
            Path("trace") + "'}\n");
  StartOptions crash;
  crash.env = {"DML_CRASH_AT=run.begun"};
  EXPECT_EQ(Run({"run", "p.yaml"}, crash).code, 128 + SIGKILL);
  EXPECT_EQ(Run({"run", "p.yaml", "--until", "a"}).code, 0);
  EXPECT_EQ(Run({"run", "p.yaml", "-S", "n=2"}).code, 0);
  const Finished resumed = Run({"resume"});
  EXPECT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_NE(resumed.err.find("resuming r1"), std::string::npos) << resumed.err;
  EXPECT_EQ(Read("trace"), "2\n1\n");
  EXPECT_EQ(Run({"run", "p.yaml"}, crash).code, 128 + SIGKILL);
  EXPECT_EQ(Run({"run", "p.yaml"}).code, 0);
  EXPECT_EQ(Run({"resume"}).code, 2) << "the same once more was all of it";
}

TEST_F(Recover, RetryFromAStepWantsThatStep) {
  Write("p.yaml", "steps:\n  - {id: a, run: 'true'}\n  - {id: b, needs: a, run: 'echo b >> " +
                      Path("trace") + "'}\n  - {id: other, run: 'echo other >> " + Path("trace") +
                      "'}\n");
  EXPECT_EQ(Run({"run", "p.yaml", "--until", "a"}).code, 0);
  EXPECT_EQ(Run({"retry", "latest"}).code, 0);
  EXPECT_FALSE(Exists("trace")) << "what the run was about, and no more";
  EXPECT_EQ(Run({"retry", "latest", "--from", "a"}).code, 0);
  EXPECT_FALSE(Exists("trace")) << "a part of what the run was about";
  EXPECT_EQ(Run({"retry", "latest", "--from", "b"}).code, 0);
  EXPECT_EQ(Read("trace"), "b\n") << "and nothing that nobody asked for";
}

// The failure before the death counts, and its pause has begun.
TEST_F(Recover, BudgetsUsedStayUsed) {
  Write("p.yaml", "steps:\n  - id: a\n    retry: {limit: 1, backoff: 5s}\n    run: 'echo x >> " +
                      Path("trace") + "; exit 1'\n");
  Program run = Start({"run", "p.yaml"});
  WaitUntil([&] { return run.ErrorSoFar().find("will be repeated") != std::string::npos; },
            "the first failure");
  run.Signal(SIGKILL);
  static_cast<void>(run.Wait());
  EXPECT_EQ(Run({"resume"}).code, 1);
  EXPECT_EQ(Read("trace"), "x\nx\n");
}

// What a command started in a session of its own dies with the attempt, whoever else dies.
TEST_F(Recover, TheDeathOfAWorkerLeavesNothingOfItsCommand) {
  Write("p.yaml", "steps:\n  - id: a\n    run: 'setsid sh -c \"sleep 500 & echo \\$! > " +
                      Path("left.tmp") + "\"; mv " + Path("left.tmp") + " " + Path("left") +
                      "; test -e " + Path("go") + " || { echo $PPID > " + Path("pid.tmp") +
                      "; mv " + Path("pid.tmp") + " " + Path("pid") + "; sleep 500; }'\n");
  Program run = Start({"run", "p.yaml"});
  const int worker = WaitForSecond();
  const int left = std::stoi(Read("left"));
  EXPECT_EQ(::kill(left, 0), 0);
  Write("go", "");
  EXPECT_TRUE(SendSignal(worker, SIGKILL));
  const Finished finished = run.Wait();
  EXPECT_EQ(finished.code, 0) << finished.err;
  EXPECT_NE(::kill(left, 0), 0) << "of the first attempt";
  EXPECT_NE(::kill(std::stoi(Read("left")), 0), 0) << "of the second, which ended well";
}

// Who pipes the progress into `head` has read enough; the run goes on.
TEST_F(Recover, AClosedPipeIsNoEndOfTheRun) {
  Write("p.yaml", "steps:\n  - {id: a, run: 'echo a >> " + Path("trace") +
                      "'}\n  - {id: b, needs: a, run: 'echo b >> " + Path("trace") + "'}\n");
  StartOptions options;
  options.error_is_closed = true;
  EXPECT_EQ(Run({"run", "p.yaml"}, options).code, 0);
  EXPECT_EQ(Read("trace"), "a\nb\n");
}

}  // namespace
}  // namespace dml::e2e
