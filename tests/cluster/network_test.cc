// Bad networks between a head and its nodes, on the real program.

#include <algorithm>

#include "tests/cluster/scenario.h"

namespace dml::cluster {
namespace {

class NetworkScenario : public Scenario {
 protected:
  [[nodiscard]] std::int64_t Bytes() const {
    std::int64_t bytes = 0;
    for (const auto& proxy : proxies_) bytes += proxy->bytes();
    return bytes;
  }
  void ExpectEachBeganOnce() const {
    const auto begun = Begun();
    EXPECT_EQ(begun, (std::multiset<std::string>{"1", "2", "3", "4", "5", "6"}));
  }
};

TEST_F(NetworkScenario, NothingHappens) {
  OpenGate();
  e2e::Program run = StartRun();
  ExpectDone(run);
  ExpectEachBeganOnce();
  ExpectGoodHistory();
  ExpectNothingIsLeftAfterDown();
}

TEST_F(NetworkScenario, EveryConnectionIsCutInTheMiddleOfTasks) {
  e2e::Program run = StartRun();
  AwaitBegun(kTasks);
  for (const auto& proxy : proxies_) proxy->ResetAll();
  AwaitSaid(run, "connected again");
  OpenGate();
  ExpectDone(run);
  ExpectEachBeganOnce();
  ExpectGoodHistory();
}

// Every connection ends after two files' worth. What a test of transfers alone can say exactly is
// in tests/ssh/faults_test.cc.
TEST_F(NetworkScenario, ConnectionsAreCutInTheMiddleOfTransfers) {
  OpenGate();
  for (const auto& proxy : proxies_) proxy->ResetAfter(4'000'000);
  const std::int64_t before = Bytes();
  e2e::Program run = StartRun();
  ExpectDone(run);
  // 2 MB to two or three nodes, and 2 MB from each of seven tasks; what was on its way is lost with
  // a connection, and no more.
  EXPECT_LT(Bytes() - before, 24'000'000);
  RecordProperty("bytes", std::to_string(Bytes() - before));
  int connections = 0;
  for (const auto& proxy : proxies_) connections += proxy->connections();
  EXPECT_GE(connections, 3 + 3 + 3);
  ExpectEachBeganOnce();
  ExpectGoodHistory();
}

// The same as an outage of a minute, but for its length (see outage_test.cc).
TEST_F(NetworkScenario, AnOutageIsWaitedFor) {
  e2e::Program run = StartRun();
  AwaitBegun(kTasks);
  for (const auto& proxy : proxies_) {
    proxy->RefuseNew(true);
    proxy->ResetAll();
  }
  for (const char* node : {"n1", "n2", "n3"})
    AwaitSaid(run, std::string(node) + ": connection lost");
  const int before = proxies_[0]->refused();
  OpenGate();
  WaitUntil([&] { return proxies_[0]->refused() >= before + 2; }, "the head tries again");
  for (const auto& proxy : proxies_) proxy->RefuseNew(false);
  ExpectDone(run);
  ExpectEachBeganOnce();
  ExpectGoodHistory();
}

TEST_F(NetworkScenario, ASlowLineIsNoDeadLine) {
  OpenGate();
  for (const auto& proxy : proxies_) {
    proxy->SetDelay(Duration::Millis(50));
    proxy->SetRate(4'000'000);
  }
  e2e::Program run = StartRun();
  ExpectDone(run);
  ExpectEachBeganOnce();
  ExpectGoodHistory();
}

}  // namespace
}  // namespace dml::cluster
