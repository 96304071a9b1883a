// Goal: a hook is run although its process is killed before it could; at least once, and only once
// unless it was killed in the middle.

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>

#include "base/process.h"
#include "tests/e2e/program.h"
#include "tests/send_signal.h"

namespace dml::e2e {
namespace {

class Hooks : public EndToEnd {
 protected:
  static StartOptions CrashAt(const std::string& label) {
    StartOptions options;
    options.env = {"DML_CRASH_AT=" + label};
    return options;
  }
  void WritePipeline(const std::string& step) {
    Write("p.yaml",
          "name: n\non:\n"
          "  success: {run: 'echo success $DML_RUN $DML_OUTCOME >> hooked'}\n"
          "  failure: {run: 'echo failure $DML_RUN $DML_OUTCOME >> hooked'}\n"
          "  finish: {run: 'echo finish $DML_EVENT >> hooked'}\n"
          "steps:\n  - {id: a, run: '" +
              step + "'}\n");
  }
};

TEST_F(Hooks, ResumeRunsWhatAKilledProcessDidNotGetTo) {
  WritePipeline("true");
  EXPECT_EQ(Run({"run", "p.yaml"}, CrashAt("hooks.due")).code, 128 + SIGKILL);
  EXPECT_FALSE(Exists("hooked"));
  const Finished resumed = Run({"resume"});
  EXPECT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_NE(resumed.err.find("hooks of r1"), std::string::npos) << resumed.err;
  EXPECT_EQ(Read("hooked"), "success r1 succeeded\nfinish finish\n");
  EXPECT_EQ(Run({"resume"}).code, 2) << "that was all";
  EXPECT_EQ(Read("hooked"), "success r1 succeeded\nfinish finish\n");
}

// Who does not know of it starts the pipeline again: what is left over comes first.
TEST_F(Hooks, TheNextRunOfThePipelineDoesToo) {
  WritePipeline("true");
  EXPECT_EQ(Run({"run", "p.yaml"}, CrashAt("hooks.due")).code, 128 + SIGKILL);
  Write("q.yaml",
        "name: q\non: {finish: {run: 'echo q >> hooked'}}\nsteps: [{id: b, run: 'true'}]\n");
  EXPECT_EQ(Run({"run", "q.yaml"}).code, 0);
  EXPECT_EQ(Read("hooked"), "q\n") << "another pipeline leaves them alone";
  const Finished again = Run({"run", "p.yaml"});
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_EQ(Read("hooked"),
            "q\nsuccess r1 succeeded\nfinish finish\nsuccess r3 succeeded\nfinish finish\n");
}

TEST_F(Hooks, OfAFailedRunToo) {
  WritePipeline("false");
  EXPECT_EQ(Run({"run", "p.yaml"}, CrashAt("run.ended")).code, 128 + SIGKILL);
  EXPECT_EQ(Run({"resume", "r1"}).code, 0);
  EXPECT_EQ(Read("hooked"), "failure r1 failed\nfinish finish\n");
}

// Whether it had ended nobody knows: it is run again, and those after it once.
TEST_F(Hooks, OneThatWasUnderWayIsRunAgain) {
  WritePipeline("true");
  EXPECT_EQ(Run({"run", "p.yaml"}, CrashAt("hook.ended")).code, 128 + SIGKILL);
  EXPECT_EQ(Run({"resume"}).code, 0);
  EXPECT_EQ(Read("hooked"), "success r1 succeeded\nsuccess r1 succeeded\nfinish finish\n");
}

// With the pipeline as it was, and together with a run that is to be gone on with.
TEST_F(Hooks, AreThoseOfTheRun) {
  WritePipeline("true");
  EXPECT_EQ(Run({"run", "p.yaml"}, CrashAt("hooks.due")).code, 128 + SIGKILL);
  Write("q.yaml", "name: q\nsteps:\n  - {id: b, run: 'echo b >> trace'}\n");
  EXPECT_EQ(Run({"run", "q.yaml"}, CrashAt("launch.handed-over")).code, 128 + SIGKILL);
  Write("p.yaml", "name: n\non: {finish: {run: 'echo other >> hooked'}}\nsteps: []\n");
  const Finished resumed = Run({"resume"});
  EXPECT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_EQ(Read("hooked"), "success r1 succeeded\nfinish finish\n");
  EXPECT_EQ(RunJson({"ls"})["runs"][0]["outcome"], "succeeded") << "and q is done as well";
}

// kill -9 of dml leaves nothing of a hook running, in whatever session.
TEST_F(Hooks, OneEndsWithItsProcess) {
  Write("p.yaml",
        "name: n\non: {finish: {run: 'trap \"\" TERM HUP; echo $$ > pid; setsid sleep 311 & echo "
        "$! > left; sleep 311'}}\nsteps: [{id: a, run: 'true'}]\n");
  Program run = Start({"run", "p.yaml"});
  WaitUntil([&] { return Exists("left") && Read("left").ends_with('\n'); }, "the hook runs");
  const int hook = std::stoi(Read("pid"));
  const int left = std::stoi(Read("left"));
  EXPECT_TRUE(StartOf(hook) && StartOf(left));
  run.Signal(SIGKILL);
  (void)run.Wait();
  WaitUntil([&] { return !StartOf(hook) && !StartOf(left); }, "all of it has ended");
}

// The process number in the fourth field of its line.
int ParentOf(int pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  std::getline(stat, line);
  return std::stoi(line.substr(line.rfind(')') + 4));
}

// Two copies of a hook never run side by side. Whoever keeps the hook is killed with dml.
TEST_F(Hooks, OneThatOutlivedItsProcessIsEndedBeforeItIsRunAgain) {
  Write("p.yaml", "name: n\non: {finish: {run: 'echo $$ >> " + Path("shells") +
                      "; setsid sh -c \"trap \\\"\\\" TERM HUP; echo \\$\\$ >> " + Path("pids") +
                      "; while ! test -e " + Path("go") +
                      "; do sleep 0.05; done\" & wait'}}\nsteps: [{id: a, run: 'true'}]\n");
  Program run = Start({"run", "p.yaml"});
  const auto lines = [&] { return std::ranges::count(Read("pids"), '\n'); };
  WaitUntil([&] { return lines() == 1; }, "the hook runs");
  const int first = std::stoi(Read("pids"));
  const int keeper = ParentOf(std::stoi(Read("shells")));
  ASSERT_EQ(ParentOf(keeper), run.pid());
  run.Signal(SIGSTOP);
  SendSignal(keeper, SIGKILL);
  run.Signal(SIGKILL);
  (void)run.Wait();
  EXPECT_TRUE(StartOf(first)) << "nobody has ended it yet";
  Program resumed = Start({"resume"});
  WaitUntil([&] { return lines() == 2; }, "it runs again");
  EXPECT_FALSE(StartOf(first)) << "the first still lives";
  Write("go", "");
  EXPECT_EQ(resumed.Wait().code, 0);
}

// Whoever cancels a run whose dml is dead does what that would have done.
TEST_F(Hooks, OfARunThatIsStoppedWhenItsProcessIsDeadAreRun) {
  for (const bool frozen : {false, true}) {
    Write("p.yaml",
          "name: n\non: {finish: {run: 'echo $DML_OUTCOME >> hooked'}}\n"
          "steps: [{id: a, run: 'touch " +
              Path("begun") + "; sleep 311'}]\n");
    Program run = Start({"run", "p.yaml"});
    WaitUntil([&] { return Exists("begun"); }, "the step runs");
    ::unlink(Path("begun").c_str());
    run.Signal(frozen ? SIGSTOP : SIGKILL);
    if (!frozen) (void)run.Wait();
    const Finished stopped = Run(frozen ? std::vector<std::string>{"stop", "latest", "--now"}
                                        : std::vector<std::string>{"stop", "latest"});
    EXPECT_EQ(stopped.code, 0) << stopped.err;
    EXPECT_EQ(Read("hooked"), frozen ? "cancelled\ncancelled\n" : "cancelled\n");
  }
}

// Whoever stops a run need not have what its hooks refer to.
TEST_F(Hooks, WhatTheyReferToIsNoBusinessOfWhoStopsTheRun) {
  Write("p.yaml",
        "name: n\non: {finish: {run: 'echo $DML_OUTCOME ${env.TOKEN} >> hooked'}}\n"
        "steps: [{id: a, run: 'touch " +
            Path("begun") + "; sleep 311'}]\n");
  StartOptions options;
  options.env = {"TOKEN=word"};
  Program run = Start({"run", "p.yaml"}, options);
  WaitUntil([&] { return Exists("begun"); }, "the step runs");
  const Finished stopped = Run({"stop", "latest", "-o", "json"});
  EXPECT_EQ(Json::parse(stopped.out)["outcome"], "cancelled");
  EXPECT_EQ(stopped.err.find("TOKEN"), std::string::npos) << stopped.err;
  EXPECT_EQ(run.Wait().code, 143);
  EXPECT_EQ(Read("hooked"), "cancelled word\n");
  ::unlink(Path("begun").c_str());
  Program killed = Start({"resume"}, options);
  WaitUntil([&] { return Exists("begun"); }, "the step runs again");
  killed.Signal(SIGKILL);
  (void)killed.Wait();
  const Finished without = Run({"stop", "latest", "-o", "json"});
  EXPECT_EQ(Json::parse(without.out)["outcome"], "cancelled");
  EXPECT_NE(without.err.find("the hooks of r1 cannot run"), std::string::npos) << without.err;
  EXPECT_EQ(Read("hooked"), "cancelled word\n");
  Write("q.yaml", "steps: [{id: b, run: 'true'}]\n");
  EXPECT_EQ(Run({"run", "q.yaml"}, options).code, 0);
  EXPECT_EQ(Read("hooked"), "cancelled word\n") << "another pipeline leaves them alone";
  Write("p.yaml", "on: {success: {run: 'true'}}\nsteps: [{id: c, run: 'true'}]\n");
  EXPECT_EQ(Run({"run", "p.yaml"}, options).code, 0);
  EXPECT_EQ(Read("hooked"), "cancelled word\ncancelled word\n") << "they were due until now";
}

TEST_F(Hooks, OneAtWorkIsLeftToItsProcess) {
  Write("p.yaml",
        "name: n\non: {finish: {run: 'echo x >> hooked; while ! test -e go; do sleep 0.05; "
        "done'}}\nsteps: [{id: a, run: 'true'}]\n");
  Program run = Start({"run", "p.yaml"});
  WaitUntil([&] { return Exists("hooked"); }, "the hook runs");
  const Finished refused = Run({"resume", "r1"});
  EXPECT_EQ(refused.code, 4) << refused.err;
  const std::string who = "the hooks of r1 are at work in process " + std::to_string(run.pid());
  EXPECT_NE(refused.err.find(who), std::string::npos) << refused.err;
  EXPECT_EQ(refused.err.find("was killed"), std::string::npos) << refused.err;
  Write("go", "");
  EXPECT_EQ(run.Wait().code, 0);
  EXPECT_EQ(Read("hooked"), "x\n");
}

TEST_F(Hooks, WhatOneLeavesRunningEndsWithIt) {
  Write("p.yaml",
        "name: n\non:\n"
        "  success: {run: 'setsid sleep 311 & echo $! > left; exit 0'}\n"
        "  finish: {run: 'trap \"\" TERM; setsid sleep 311 & echo $! > late; sleep 311', "
        "timeout: 3s}\n"
        "steps: [{id: a, run: 'true'}]\n");
  const Finished run = Run({"run", "p.yaml"});
  EXPECT_EQ(run.code, 0);
  EXPECT_NE(run.err.find("killed after its timeout"), std::string::npos) << run.err;
  EXPECT_FALSE(StartOf(std::stoi(Read("left"))));
  EXPECT_FALSE(StartOf(std::stoi(Read("late"))));
}

TEST_F(Hooks, TheLastWordsOfOneThatFailsAreFew) {
  Write("p.yaml",
        "name: n\non:\n"
        "  success: {run: 'head -c 70000 /dev/zero | tr \"\\0\" x; echo the reason; exit 3'}\n"
        "  finish: {run: 'head -c 70000 /dev/zero; exit 4'}\n"
        "steps: [{id: a, run: 'true'}]\n");
  const Finished run = Run({"run", "-q", "p.yaml"});
  EXPECT_EQ(run.code, 0);
  EXPECT_NE(run.err.find("exit code 3: ..."), std::string::npos) << run.err;
  EXPECT_NE(run.err.find("xxthe reason"), std::string::npos) << run.err;
  EXPECT_NE(run.err.find("exit code 4"), std::string::npos) << run.err;
  EXPECT_LT(run.err.size(), 1200U);
}

}  // namespace
}  // namespace dml::e2e
