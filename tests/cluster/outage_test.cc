// Long outages: the cables of two nodes are out for a minute, and nodes that never come back.

#include <poll.h>

#include "base/files.h"
#include "tests/cluster/scenario.h"

namespace dml::cluster {
namespace {

constexpr int kOutageMs = 60'000;

class OutageScenario : public Scenario {};

TEST_F(OutageScenario, OfAMinuteIsSurvived) {
  e2e::Program run = StartRun();
  AwaitBegun(kTasks);
  servers_.server(0).PullCable();
  servers_.server(1).PullCable();
  ::poll(nullptr, 0, kOutageMs);
  OpenGate();
  EXPECT_NE(run.ErrorSoFar().find("n1: connection lost"), std::string::npos);
  servers_.server(0).PlugIn();
  servers_.server(1).PlugIn();
  ExpectDone(run);
  EXPECT_EQ(Begun().size(), static_cast<std::size_t>(kTasks));
  ExpectGoodHistory();
}

// All nodes are taken away from a run: it says until when it waits, why each task does, and ends
// after twice the lease and its margin with code 3. Once there are nodes again, what is
// missing is done.
TEST_F(OutageScenario, ForEverEndsTheRunWhichCanBeRetried) {
  ASSERT_EQ(Dml({"cluster", "down"}).code, 0);
  Write("cluster.yaml", "lease: 2s\n" + *ReadFile(Path("cluster.yaml")));
  ASSERT_EQ(Dml({"cluster", "setup"}).code, 0);
  e2e::Program run = StartRun();
  AwaitBegun(kTasks);
  ASSERT_EQ(Dml({"cluster", "down", "--force"}).code, 0);
  AwaitSaid(run, "no node is connected any more; if none comes back, ");
  WaitUntil(
      [&] {
        for (int task = 0; task < kTasks; ++task) {
          const std::string name = "work[" + std::to_string(task) + "]";
          const e2e::Finished why = Dml({"explain", name, "--home", Path("there")});
          if (why.out.find(": not connected; what runs there") == std::string::npos) return false;
        }
        return true;
      },
      "it is said why they wait");
  const e2e::Finished ended = run.Wait();
  EXPECT_EQ(ended.code, 3) << ended.err;
  EXPECT_NE(ended.err.find("no node is left to run it"), std::string::npos) << ended.err;
  ASSERT_EQ(Dml({"cluster", "setup"}).code, 0);
  OpenGate();
  const e2e::Finished resumed = Dml({"retry", "r1", "--home", Path("there")});
  EXPECT_EQ(resumed.code, 0) << resumed.err;
}

}  // namespace
}  // namespace dml::cluster
