// A bad network between the head and a node: breaks in the middle of transfers, silence, delay.

#include <gtest/gtest.h>

#include "tests/ssh/cluster_fixture.h"
#include "tests/ssh/fault_proxy.h"

namespace dml::ssh {
namespace {

class FaultTest : public ClusterFixture {
 protected:
  FaultTest() : ClusterFixture(std::vector<ServerOptions>(1)), proxy_(servers_.server(0).port()) {}

  void ConnectThroughProxy() {
    Cluster cluster = servers_.AllHosts();
    cluster.hosts[0].port = proxy_.port();
    SetUpHost(cluster.hosts[0]);
    Connect(cluster);
  }

  static std::string Numbers(std::size_t bytes) {
    std::string text;
    for (int i = 0; text.size() < bytes; ++i) text += Sha256::Of(std::to_string(i)).Hex() + "\n";
    return text;
  }

  FaultProxy proxy_;
};

TEST_F(FaultTest, ABreakInTheMiddleOfTransfersIsResumed) {
  ConnectThroughProxy();
  const std::string big = Numbers(30'000'000);
  LaunchSpec spec = Script(1, "cat in.dat > o.txt");
  AddInput(spec, big);
  proxy_.ResetAfter(25'000'000);
  const std::int64_t before = proxy_.bytes();
  ASSERT_TRUE(runner_->Launch({spec}).ok());
  sink_.WaitForEnds(1);
  EXPECT_EQ(sink_.End(runners::KeyOf(1)), "success");
  EXPECT_TRUE(OutputOf(spec) == big);
  EXPECT_GE(proxy_.connections(), 3);
  // 60 MB had to pass; what broke in the middle was not sent again from its beginning.
  EXPECT_LT(proxy_.bytes() - before, 75'000'000);
}

TEST_F(FaultTest, ManyResetsLoseAndRepeatNothing) {
  ConnectThroughProxy();
  std::vector<LaunchSpec> batch;
  const std::string runs = servers_.Path("runs");
  for (std::size_t i = 0; i < 30; ++i) {
    batch.push_back(Script(i, "echo " + std::to_string(i) + " >> " + runs +
                                  "; sleep 0.05; cat in.dat > o.txt; cat in.dat"));
    AddInput(batch.back(), Numbers(100'000 + 1000 * i));
  }
  ASSERT_TRUE(runner_->Launch(batch).ok());
  for (int i = 0; i < 6; ++i) {
    WaitUntil([&] { return sink_.ends() >= static_cast<std::size_t>(4 * i + 2); }, "progress");
    proxy_.ResetAll();
  }
  sink_.WaitForEnds(30);
  for (std::size_t i = 0; i < 30; ++i) {
    EXPECT_EQ(sink_.End(runners::KeyOf(i)), "success") << i;
    EXPECT_TRUE(OutputOf(batch[i]) == Numbers(100'000 + 1000 * i)) << i;
    EXPECT_TRUE(LogOf(batch[i]) == Numbers(100'000 + 1000 * i)) << i;
  }
  // Every task began exactly once.
  std::multiset<int> begun;
  std::ifstream lines(runs);
  for (int task = 0; lines >> task;) begun.insert(task);
  EXPECT_EQ(begun.size(), 30U);
  EXPECT_EQ(std::set<int>(begun.begin(), begun.end()).size(), 30U);
}

TEST_F(FaultTest, DelayDoesNotMatterToResults) {
  ConnectThroughProxy();
  proxy_.SetDelay(Duration::Millis(25));
  std::vector<LaunchSpec> batch;
  for (std::size_t i = 0; i < 4; ++i) {
    batch.push_back(Script(i, "cat in.dat > o.txt"));
    AddInput(batch.back(), Numbers(2'000'000));
  }
  ASSERT_TRUE(runner_->Launch(batch).ok());
  sink_.WaitForEnds(4);
  for (const LaunchSpec& spec : batch) EXPECT_TRUE(OutputOf(spec) == Numbers(2'000'000));
}

// A stopped agent says nothing, although the connection is fine.
TEST_F(FaultTest, SilenceIsNoticedAndSurvived) {
  ConnectThroughProxy();
  const std::string go = servers_.Path("go");
  const LaunchSpec spec =
      Script(1, "while ! test -e " + go + "; do sleep 0.02; done; echo result > o.txt");
  ASSERT_TRUE(runner_->Launch({spec}).ok());
  WaitUntil([&] { return servers_.server(0).agent() > 0; }, "the agent");
  ::kill(servers_.server(0).agent(), SIGSTOP);
  WaitUntil([&] { return Notices().find("does not answer") != std::string::npos; }, "the silence");
  std::ofstream(go).put('\n');
  ::kill(servers_.server(0).agent(), SIGCONT);
  sink_.WaitForEnds(1);
  EXPECT_EQ(sink_.End(runners::KeyOf(1)), "success");
  EXPECT_EQ(OutputOf(spec), "result\n");
}

}  // namespace
}  // namespace dml::ssh
