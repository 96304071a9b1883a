#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>

#include "tests/e2e/program.h"

// Who asks during a run hears why a task waits, and how long another has been running.

namespace dml::e2e {
namespace {

class Explain : public EndToEnd {
 protected:
  // Tasks that end when the file "go" is there.
  [[nodiscard]] std::string UntilGo() const {
    return "while ! test -e " + Path("go") + "; do sleep 0.05; done";
  }
  void WaitForState(const std::string& task, const std::string& state) {
    const auto there = [&] {
      const Finished status = Run({"status", "-o", "json"});
      const Json run = Json::parse(status.out, nullptr, false);
      if (status.code != 0 || !run.is_object()) return false;
      return std::ranges::any_of(run["tasks"], [&](const Json& facts) {
        return facts["name"] == task && facts["state"] == state;
      });
    };
    WaitUntil(there, state.c_str());
  }
  std::string Waits(const std::string& task) { return RunJson({"explain", task})["waits"]; }
};

TEST_F(Explain, SaysWhomAndWhatATaskWaitsFor) {
  Write("p.yaml", "steps:\n  - {id: t, foreach: [1, 2], run: '" + UntilGo() +
                      "; echo ${item}', resources: {cpus: 2}}\n"
                      "  - {id: d, run: 'true', needs: t}\n");
  Program run = Start({"run", "p.yaml", "-j2"});
  WaitForState("t[0]", "running");
  WaitForState("t[1]", "ready");
  EXPECT_EQ(Waits("t[0]"), "");
  EXPECT_EQ(Waits("t[1]"), "waits for 2 cpus; 2 of 2 are in use by t[0]");
  EXPECT_EQ(Waits("d"), "waits for t[0] (running), t[1] (ready)");
  const std::string text = Run({"explain", "d"}).out;
  EXPECT_NE(text.find("d in r1: blocked\n  waits for t[0] (running), t[1] (ready)\n"),
            std::string::npos)
      << text;
  Write("go", "");
  EXPECT_EQ(run.Wait().code, 0);
  EXPECT_EQ(Waits("d"), "");
}

// Whoever resumes a run may give it more, or fewer, cores than it began with.
TEST_F(Explain, KnowsTheCoresThatAResumedRunGoesWith) {
  Write("p.yaml",
        "steps:\n  - {id: t, foreach: [1, 2, 3], run: '" + UntilGo() + "; echo ${item}'}\n");
  const auto hear = [&](const std::string& why) {
    const auto told = [&] {
      return Run({"explain", "t[2]"}).out.find("  " + why + "\n") != std::string::npos;
    };
    WaitUntil(told, why.c_str());
  };
  const auto kill = [](Program& run) {
    run.Signal(SIGKILL);
    (void)run.Wait();
  };
  Program first = Start({"run", "p.yaml", "-j1"});
  hear("waits for 1 cpu; 1 of 1 is in use by t[0]");
  kill(first);
  Program second = Start({"resume", "-j2"});
  hear("waits for 1 cpu; 2 of 2 are in use by t[0], t[1]");
  kill(second);
  Program third = Start({"resume"});
  hear("waits for 1 cpu; 1 of 1 is in use by t[0]");  // as the run began
  Write("go", "");
  EXPECT_EQ(third.Wait().code, 0);
}

TEST_F(Explain, SaysWhenTheNextAttemptIs) {
  Write("p.yaml",
        "steps:\n  - {id: a, run: 'exit 7', retry: {limit: 1, backoff: 1h, max_interval: 1h}}\n");
  Program run = Start({"run", "p.yaml"});
  WaitForState("a", "backoff");
  const std::string waits = Waits("a");
  EXPECT_TRUE(waits.starts_with("next attempt at 20")) << waits;
  EXPECT_NE(waits.find("Z after attempt 1: the command ended with exit code 7"), std::string::npos)
      << waits;
  EXPECT_EQ(waits.find("; next attempt"), std::string::npos) << waits;
  run.Signal(SIGINT);
  EXPECT_EQ(run.Wait().code, 130);
}

TEST_F(Explain, SaysThatNobodyIsAtTheRun) {
  Write("p.yaml", "steps:\n  - {id: a, run: '" + UntilGo() +
                      "'}\n"
                      "  - {id: b, run: 'true', needs: a}\n");
  Program run = Start({"run", "p.yaml"});
  WaitForState("a", "running");
  run.Signal(SIGKILL);
  (void)run.Wait();
  for (const char* task : {"a", "b"}) {
    EXPECT_EQ(Waits(task), "the run is not being worked on: `dml resume r1` goes on with it");
  }
  Write("go", "");
  EXPECT_EQ(Run({"resume"}).code, 0);
  EXPECT_EQ(Waits("b"), "");
}

// Steps that run as one attempt hold what one holds, and wait for whom the first of them waits for.
TEST_F(Explain, StepsThatRunTogetherWaitTogether) {
  Write("p.yaml", "steps:\n  - {id: gate, run: '" + UntilGo() +
                      "'}\n"
                      "  - {id: raw, uses: generate.regression, with: {n_samples: 10}}\n"
                      "  - {id: f, uses: filter, input: raw, needs: gate, with: {where: 'y > 0'}}\n"
                      "  - {id: g, uses: derive, input: f, with: {columns: {z: 'y + 1'}}}\n");
  Program run = Start({"run", "p.yaml"});
  WaitForState("gate", "running");
  WaitForState("raw", "succeeded");
  EXPECT_EQ(Waits("g"), "waits for gate (running)");
  EXPECT_EQ(Waits("f"), "waits for gate (running)");
  Write("go", "");
  EXPECT_EQ(run.Wait().code, 0);
}

TEST_F(Explain, StatusTellsHowLongATaskHasBeenRunning) {
  Write("p.yaml", "steps:\n  - {id: a, run: '" + UntilGo() + "'}\n");
  Program run = Start({"run", "p.yaml"});
  WaitForState("a", "running");
  const auto seconds = [&] { return RunJson({"status"})["tasks"][0]["seconds"].get<double>(); };
  const double before = seconds();
  EXPECT_GT(before, 0);
  WaitUntil([&] { return seconds() > before + 0.2; }, "time passes");
  run.Signal(SIGKILL);
  (void)run.Wait();
  EXPECT_EQ(seconds(), 0) << "nobody knows how long it went on";
}

}  // namespace
}  // namespace dml::e2e
