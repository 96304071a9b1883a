// A long outage: the cables of two nodes are out for a minute.

#include <poll.h>

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

}  // namespace
}  // namespace dml::cluster
