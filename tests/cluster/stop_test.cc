// `dml stop` of a run one of whose nodes cannot be reached.

#include <signal.h>

#include "tests/cluster/scenario.h"

namespace dml::cluster {
namespace {

class StopScenario : public Scenario {
 protected:
  // A run whose tasks live on all nodes, the first of which is then out of reach.
  e2e::Program StartAndLoseTheFirst() {
    e2e::Program run = StartRun();
    AwaitBegun(kTasks);
    EXPECT_GT(Commands(0), 0U);
    proxies_[0]->RefuseNew(true);
    proxies_[0]->ResetAll();
    AwaitSaid(run, "n1: connection lost");
    return run;
  }
  [[nodiscard]] e2e::Program StartStop(std::vector<std::string> more = {}) const {
    std::vector<std::string> args{"stop", "latest", "--home", Path("there")};
    args.insert(args.end(), more.begin(), more.end());
    return StartDml(args);
  }
  void AwaitEndOfCommandsBut(std::size_t spared) {
    for (std::size_t i = 0; i < servers_.size(); ++i) {
      if (i != spared) WaitUntil([&] { return Commands(i) == 0; }, "the commands end");
    }
  }
  // What was cancelled there ends once somebody of that home is back; nothing counts twice.
  void ExpectTheRestIsEndedByAResume() {
    EXPECT_GT(Commands(0), 0U) << "nobody could tell it";
    proxies_[0]->RefuseNew(false);
    const auto before = Begun();
    e2e::Program resumed = StartDml({"resume", "--home", Path("there")});
    AwaitBegun(before.size() + kTasks);
    WaitUntil([&] { return Commands(0) + Commands(1) + Commands(2) == kTasks; },
              "only what was begun anew lives");
    OpenGate();
    ExpectDone(resumed);
    ExpectGoodHistory();
    ExpectNothingIsLeftAfterDown();
  }
};

TEST_F(StopScenario, WaitsForANodeThatComesBack) {
  e2e::Program run = StartAndLoseTheFirst();
  e2e::Program stop = StartStop();
  AwaitSaid(run, "n1: cancel pending");
  proxies_[0]->RefuseNew(false);
  ExpectDone(stop);
  AwaitEndOfCommandsBut(servers_.size());
  EXPECT_EQ(run.Wait().code, 128 + SIGTERM);
  OpenGate();
  e2e::Program resumed = StartDml({"resume", "--home", Path("there")});
  ExpectDone(resumed);
  ExpectGoodHistory();
  ExpectNothingIsLeftAfterDown();
}

TEST_F(StopScenario, AtOnceWaitsForNobodyAndSaysSo) {
  e2e::Program run = StartAndLoseTheFirst();
  e2e::Program stop = StartStop({"--now"});
  ExpectDone(stop);
  const e2e::Finished stopped = run.Wait();
  EXPECT_EQ(stopped.code, 128 + SIGTERM) << stopped.err;
  EXPECT_NE(stopped.err.find("n1: cancel pending: 'work["), std::string::npos) << stopped.err;
  AwaitEndOfCommandsBut(0);
  ExpectTheRestIsEndedByAResume();
}

TEST_F(StopScenario, OfARunWhoseHeadIsDeadSaysSo) {
  e2e::Program run = StartAndLoseTheFirst();
  run.Signal(SIGKILL);
  EXPECT_EQ(run.Wait().code, 128 + SIGKILL);
  e2e::Program stop = StartStop();
  const e2e::Finished stopped = stop.Wait();
  EXPECT_EQ(stopped.code, 0) << stopped.err;
  EXPECT_NE(stopped.err.find("n1: cancel pending: attempt 1 of task "), std::string::npos)
      << stopped.err;
  AwaitEndOfCommandsBut(0);
  ExpectTheRestIsEndedByAResume();
}

}  // namespace
}  // namespace dml::cluster
