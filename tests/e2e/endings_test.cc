// Goal: a command ends when what it waits for is over or when it is told to, with the right code.

#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <filesystem>

#include "tests/e2e/program.h"

namespace dml::e2e {
namespace {

namespace fs = std::filesystem;

class Endings : public EndToEnd {
 protected:
  // A run whose only step says nothing and waits for the file "go".
  Program StartQuiet() {
    Write("p.yaml", "name: n\nsteps:\n  - {id: quiet, run: 'touch " + Path("began") +
                        "; while ! test -e " + Path("go") + "; do sleep 0.05; done'}\n");
    Program run = Start({"run", "p.yaml"});
    WaitUntil([&] { return Exists("began"); }, "the step runs");
    return run;
  }
  // `dml logs -f`, once it has looked into the store.
  Program StartFollowing() {
    Program logs = Start({"logs", "quiet", "-f"});
    WaitUntil([&] { return HasOpen(logs.pid(), "dml.db"); }, "the store is open");
    return logs;
  }
  static bool HasOpen(pid_t pid, const std::string& name) {
    std::error_code gone;
    fs::directory_iterator fd("/proc/" + std::to_string(pid) + "/fd", gone);
    for (; !gone && fd != fs::directory_iterator(); fd.increment(gone)) {
      if (fs::read_symlink(fd->path(), gone).filename() == name) return true;
    }
    return false;
  }
};

TEST_F(Endings, FollowingATaskThatSaysNothingEndsWithTheTask) {
  Program run = StartQuiet();
  Program logs = StartFollowing();
  Write("go", "");
  const Finished followed = logs.Wait();
  EXPECT_EQ(followed.code, 0);
  EXPECT_NE(followed.err.find("'quiet' wrote nothing"), std::string::npos) << followed.err;
  EXPECT_EQ(run.Wait().code, 0);
}

TEST_F(Endings, FollowingBeginsBeforeTheTaskAndGoesThroughItsAttempts) {
  Write("p.yaml", "name: n\nsteps:\n  - {id: first, run: 'while ! test -e " + Path("go") +
                      "; do sleep 0.05; done'}\n"
                      "  - {id: second, needs: [first], retry: {limit: 1, backoff: 10ms}, "
                      "run: 'echo one; test -e " +
                      Path("again") + " || { touch " + Path("again") +
                      "; exit 1; }; sleep 0.5; echo two'}\n");
  Program run = Start({"run", "p.yaml"});
  WaitUntil([&] { return Run({"status"}).out.find("second") != std::string::npos; }, "it runs");
  Program all = Start({"logs", "second", "-f"});
  Program one = Start({"logs", "second", "-f", "--attempt", "1"});
  for (const Program* logs : {&all, &one}) {
    WaitUntil([&] { return logs->ErrorSoFar().find("waiting for attempt 1") != std::string::npos; },
              "it waits");
  }
  Write("go", "");
  const Finished followed = all.Wait();
  EXPECT_EQ(followed.code, 0);
  EXPECT_EQ(followed.out, "one\none\ntwo\n");
  EXPECT_NE(followed.err.find("attempt 2 of 'second'"), std::string::npos) << followed.err;
  EXPECT_EQ(one.Wait().out, "one\n");
  EXPECT_EQ(run.Wait().code, 0);
  EXPECT_EQ(Run({"logs", "second", "--attempt", "1"}).out, "one\n");
  const Finished third = Run({"logs", "second", "--attempt", "3"});
  EXPECT_EQ(third.code, 2);
  EXPECT_NE(third.err.find("'second' has no attempt 3 in r1\n  hint: it has had 2"),
            std::string::npos)
      << third.err;
}

TEST_F(Endings, FollowingATaskThatNeverBeginsEndsWithItsRun) {
  Write("p.yaml", "name: n\nsteps:\n  - {id: quiet, run: 'while ! test -e " + Path("go") +
                      "; do sleep 0.05; done; exit 1'}\n"
                      "  - {id: never, needs: [quiet], run: 'true'}\n");
  Program run = Start({"run", "p.yaml"});
  WaitUntil([&] { return Run({"status"}).out.find("never") != std::string::npos; }, "it runs");
  Program logs = Start({"logs", "never", "-f"});
  WaitUntil([&] { return logs.ErrorSoFar().find("waiting for attempt 1") != std::string::npos; },
            "it waits");
  Write("go", "");
  const Finished followed = logs.Wait();
  EXPECT_EQ(followed.code, 2);
  EXPECT_NE(followed.err.find("'never' did not run in r1"), std::string::npos) << followed.err;
  EXPECT_EQ(run.Wait().code, 1);
}

TEST_F(Endings, FollowingATaskOfADeadRunEnds) {
  Program run = StartQuiet();
  Program logs = StartFollowing();
  run.Signal(SIGKILL);
  EXPECT_EQ(logs.Wait().code, 0);
  EXPECT_EQ(run.Wait().code, 128 + SIGKILL);
}

TEST_F(Endings, AnInterruptEndsTheHooksAndLeavesTheOutcome) {
  Write("p.yaml",
        "name: n\non:\n  finish:\n"
        "    - {run: 'echo $$ > pid.tmp; mv pid.tmp pid; sleep 600', timeout: 10m}\n"
        "    - {run: 'touch second'}\n"
        "steps:\n  - {id: a, run: 'exit 1'}\n");
  Program run = Start({"run", "p.yaml"});
  WaitUntil([&] { return Exists("pid"); }, "the hook runs");
  const auto start = std::chrono::steady_clock::now();
  run.Signal(SIGINT);
  const Finished finished = run.Wait();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(60));
  EXPECT_EQ(finished.code, 1) << finished.err;
  EXPECT_NE(finished.err.find("ended on request"), std::string::npos) << finished.err;
  EXPECT_NE(::kill(std::stoi(Read("pid")), 0), 0) << "the hook still lives";
  EXPECT_FALSE(Exists("second"));
}

TEST_F(Endings, AHookMayLeaveSomethingThatWritesForEver) {
  Write("p.yaml",
        "name: n\non: {finish: {run: 'yes & exit 3'}}\nsteps:\n  - {id: a, run: 'true'}\n");
  const Finished finished = Run({"run", "p.yaml"});
  EXPECT_EQ(finished.code, 0);
  EXPECT_NE(finished.err.find("exit code 3"), std::string::npos) << finished.err;
}

// A secret that is part of what it is replaced by.
TEST_F(Endings, AHookMayKnowAnySecret) {
  Write("p.yaml",
        "name: n\non: {finish: {run: 'echo \"${env.TOKEN} is it\"; exit 1'}}\n"
        "steps:\n  - {id: a, run: 'true'}\n");
  const Finished finished = Run({"run", "p.yaml"}, {.env = {"TOKEN=*"}});
  EXPECT_EQ(finished.code, 0);
  EXPECT_NE(finished.err.find("exit code 1: *** is it"), std::string::npos) << finished.err;
}

TEST_F(Endings, AFileThatMayNotGrowIsAnErrorOfPredict) {
  std::string rows = "x,y\n";
  for (int i = 0; i < 30'000; ++i) rows += std::to_string(i) + "," + std::to_string(2 * i) + "\n";
  Write("rows.csv", rows);
  Write("p.yaml",
        "name: n\nsteps:\n  - {id: rows, uses: load.csv, with: {path: rows.csv}}\n"
        "  - {id: model, uses: train.ridge, input: rows, with: {target: y}}\n");
  const Finished run = Run({"run", "p.yaml"});
  ASSERT_EQ(run.code, 0) << run.err;
  StartOptions small;
  small.file_size_max = 100'000;
  const Finished predict = Run({"predict", "model", "rows.csv", "-o", "out.csv"}, small);
  EXPECT_EQ(predict.code, 3) << predict.err;
  EXPECT_NE(predict.err.find("File too large"), std::string::npos) << predict.err;
  EXPECT_FALSE(Exists("out.csv"));
}

}  // namespace
}  // namespace dml::e2e
