// A bad network between the head and a node: breaks in the middle of transfers, silence, delay.

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

#include "runners/ssh/placement_notes.h"
#include "tests/send_signal.h"
#include "tests/ssh/cluster_fixture.h"
#include "tests/ssh/fault_proxy.h"

namespace dml::ssh {
namespace {

class FaultTest : public ClusterFixture {
 protected:
  FaultTest()
      : ClusterFixture(std::vector<ServerOptions>(1)),
        proxy_(servers_.server(0).address(), servers_.server(0).port()) {}

  void ConnectThroughProxy() {
    Cluster cluster = servers_.AllHosts();
    cluster.hosts[0].address = "127.0.0.1";
    cluster.hosts[0].port = proxy_.port();
    cluster.lease = cluster_lease_;
    SetUpHost(cluster.hosts[0]);
    Connect(cluster);
  }

  static std::string Numbers(std::size_t bytes) {
    std::string text;
    for (int i = 0; text.size() < bytes; ++i) text += Sha256::Of(std::to_string(i)).Hex() + "\n";
    return text;
  }

  FaultProxy proxy_;
  Duration cluster_lease_ = Duration::Seconds(30 * 60);
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
  silence_ = Duration::Seconds(2);
  ConnectThroughProxy();
  const std::string go = servers_.Path("go");
  const LaunchSpec spec =
      Script(1, "while ! test -e " + go + "; do sleep 0.02; done; echo result > o.txt");
  ASSERT_TRUE(runner_->Launch({spec}).ok());
  WaitUntil([&] { return servers_.server(0).agent() > 0; }, "the agent");
  servers_.server(0).SignalAgent(SIGSTOP);
  WaitUntil([&] { return Notices().find("does not answer") != std::string::npos; }, "the silence");
  std::ofstream(go).put('\n');
  servers_.server(0).SignalAgent(SIGCONT);
  sink_.WaitForEnds(1);
  EXPECT_EQ(sink_.End(runners::KeyOf(1)), "success");
  EXPECT_EQ(OutputOf(spec), "result\n");
}

// Nothing is carried any more and nobody is told: the node counts its lease all the same, and lets
// go of a task that says nothing.
TEST_F(FaultTest, AFrozenConnectionEndsTheLease) {
  RestartAgent(0, {"--lease", "10", "--silence", "10"});
  ConnectThroughProxy();
  const std::string runs = servers_.Path("runs");
  ASSERT_TRUE(runner_->Launch({Script(1, "echo $$ > " + runs + "; exec sleep 1000")}).ok());
  WaitUntil([&] { return fs::exists(runs) && fs::file_size(runs) > 0; }, "the task starts");
  const int pid = std::stoi(*ReadFile(runs));
  proxy_.Freeze(true);
  WaitUntil([&] { return ::kill(pid, 0) != 0; }, "the node ends the task");
  WaitUntil([&] { return fs::is_empty(servers_.server(0).root() + "/records"); }, "it forgets it");
  proxy_.Freeze(false);
}

// The agent stands still for longer than the lease, while the task ends under its worker: the head
// has given the attempt up, and does not want what the agent has to say when it goes on.
TEST_F(FaultTest, ALateResultIsRefused) {
  RestartAgent(0, {"--lease", "1"});
  lease_margin_ = Duration::Seconds(2);  // time to come back within
  silence_ = Duration::Seconds(1);
  cluster_lease_ = Duration::Seconds(1);
  ConnectThroughProxy();
  const std::string go = servers_.Path("go");
  const std::string done = servers_.Path("done");
  LaunchSpec late = Script(1, "echo > " + go + ".begun; while ! test -e " + go +
                                  "; do sleep 0.02; done; echo late > o.txt; echo > " + done);
  ASSERT_TRUE(runner_->Launch({late}).ok());
  WaitUntil([&] { return fs::exists(go + ".begun"); }, "the task starts");
  const pid_t agent = servers_.server(0).agent();
  SendSignal(agent, SIGSTOP);
  sink_.WaitForEnds(1);
  EXPECT_EQ(sink_.End(runners::KeyOf(1)), "lost");
  std::ofstream(go).put('\n');
  WaitUntil([&] { return fs::exists(done); }, "the task ends");
  SendSignal(agent, SIGCONT);
  // The next attempt runs as soon as the node is back, and the old one leaves nothing.
  LaunchSpec next = Script(1, "echo next > o.txt");
  next.key.attempt = AttemptNumber{2};
  next.attempt_dir += "-2";
  ASSERT_TRUE(runner_->Launch({next}).ok());
  sink_.WaitForEnds(2);
  EXPECT_EQ(sink_.End(next.key), "success");
  EXPECT_EQ(OutputOf(next), "next\n");
  EXPECT_FALSE(fs::exists(late.attempt_dir + "/out"));
  runner_->Release(next.key);
  WaitUntil([&] { return fs::is_empty(servers_.server(0).root() + "/records"); },
            "it forgets both");
  EXPECT_EQ(sink_.ends(), 2U);
}

// What runs goes on, and what waits in line behind it in the same worker runs once, elsewhere or
// later: neither is done twice.
TEST_F(FaultTest, WhatWaitsInAWorkerRunsOnceWhenTheAgentDies) {
  RestartAgent(0, {"--cpus", "1"});
  ConnectThroughProxy();
  const std::string go = servers_.Path("go");
  const std::string ran = servers_.Path("ran");
  std::vector<LaunchSpec> batch{Script(
      1, "echo 1 >> " + ran + "; while ! test -e " + go + "; do sleep 0.02; done; echo 1 > o.txt")};
  constexpr std::size_t kTasks = 6;
  for (std::size_t i = 2; i <= kTasks; ++i) {
    batch.push_back(Script(i, fmt::format("echo {0} >> {1}; echo {0} > o.txt", i, ran)));
  }
  ASSERT_TRUE(runner_->Launch(batch).ok());
  WaitUntil([&] { return fs::exists(ran); }, "the first begins");
  const pid_t agent = servers_.server(0).agent();
  SendSignal(agent, SIGKILL);
  std::ofstream(go).put('\n');
  sink_.WaitForEnds(kTasks);
  for (const LaunchSpec& spec : batch) EXPECT_EQ(sink_.End(spec.key), "success");
  std::string lines = *ReadFile(ran);
  EXPECT_EQ(std::ranges::count(lines, '\n'), static_cast<std::ptrdiff_t>(kTasks)) << lines;
}

// An attempt that is killed while its launch is still on its way to the node.
class UnbegunTest : public FaultTest {
 protected:
  // Returns when the launch is on the way to an agent that is stopped, and the kill behind it.
  void LaunchAndKill() {
    ConnectThroughProxy();
    LaunchSpec first = Script(1, "true > o.txt");
    AddInput(first, "input");
    ASSERT_TRUE(runner_->Launch({first}).ok());
    sink_.WaitForEnds(1);
    agent_ = servers_.server(0).agent();
    ASSERT_GT(agent_, 0);
    SendSignal(agent_, SIGSTOP);
    LaunchSpec second = Script(2, "echo run >> " + runs_ + " #" + std::string(100'000, '#'));
    AddInput(second, "input");
    const std::int64_t before = proxy_.bytes();
    ASSERT_TRUE(runner_->Launch({second}).ok());
    WaitUntil([&] { return proxy_.bytes() - before > 100'000; }, "the launch is sent");
    runner_->Kill(second.key, runners::KillMode::kTerminate);
  }
  void ExpectKilled() {
    sink_.WaitForEnds(2);
    EXPECT_EQ(sink_.End(runners::KeyOf(2)), "killed");
    EXPECT_FALSE(fs::exists(runs_));
  }

  const std::string runs_ = servers_.Path("runs");
  pid_t agent_ = 0;
};

TEST_F(UnbegunTest, ANodeThatForgotALaunchIsNotSentItAgainOnceItIsKilled) {
  LaunchAndKill();
  SendSignal(agent_, SIGKILL);
  ExpectKilled();
}

TEST_F(UnbegunTest, ANodeThatLacksInputsIsNotSentThemOnceItIsKilled) {
  LaunchAndKill();
  fs::remove_all(servers_.server(0).root() + "/blobs");
  fs::create_directories(servers_.server(0).root() + "/blobs");
  SendSignal(agent_, SIGCONT);
  ExpectKilled();
}

// A small disk for the blobs of the first node. Where none can be mounted, the input is larger than
// every disk.
class SmallDiskTest : public ClusterFixture {
 protected:
  SmallDiskTest() : ClusterFixture(std::vector<ServerOptions>(2)) {
    disk_ = servers_.server(0).root() + "/blobs";
    mounted_ = servers_.server(0).MountSmallDisk(disk_, "24m");
  }

  // An input of so many bytes, none of which takes space here.
  void AddHole(LaunchSpec& spec, std::int64_t size) {
    AddInput(spec, "hole");
    ArtifactFile& file = spec.inputs.back().files.front();
    fs::resize_file(file.path, static_cast<std::uintmax_t>(size));
    file.size = size;
  }

  std::string disk_;
  bool mounted_ = false;
};

TEST_F(SmallDiskTest, AFullDiskIsAVerdictOnTheNode) {
  Connect(servers_.AllHosts());
  LaunchSpec spec = Script(1, "wc -c < in.dat > o.txt; echo $DML_NODE >> o.txt");
  if (mounted_) {
    AddInput(spec, std::string(12'000'000, 'x'));
  } else {
    AddHole(spec, static_cast<std::int64_t>(fs::space(disk_).available) + 1);
  }
  ASSERT_TRUE(runner_->Launch({spec}).ok());
  sink_.WaitForEnds(1);
  EXPECT_EQ(sink_.End(runners::KeyOf(1)), mounted_ ? "success" : "lost");
  if (mounted_) {
    EXPECT_EQ(OutputOf(spec), "12000000\nn2\n");
  }
  EXPECT_NE(Notices().find("n1: disk full: need"), std::string::npos) << Notices();
  const std::vector<NodeView> nodes = runner_->Nodes();
  EXPECT_TRUE(nodes[0].verdict.starts_with("disk full")) << nodes[0].verdict;
  EXPECT_EQ(nodes[1].verdict.starts_with("disk full"), !mounted_) << nodes[1].verdict;
  // Nothing of what did not fit is left.
  EXPECT_TRUE(fs::is_empty(servers_.server(0).FromHere(disk_)));
}

// Nodes that never come back: what runs there is lost after the lease, and so is, with the reason,
// what was to begin meanwhile or is tried again later. Nothing waits for ever.
TEST_F(FaultTest, ARunWithoutNodesEnds) {
  RestartAgent(0, {"--lease", "2"});
  cluster_lease_ = Duration::Seconds(2);
  lease_margin_ = Duration::Seconds(1);
  home_ = servers_.Path("head");
  ConnectThroughProxy();
  const std::string begun = servers_.Path("begun");
  ASSERT_TRUE(runner_->Launch({Script(1, "echo x > " + begun + "; sleep 60")}).ok());
  WaitUntil([&] { return fs::exists(begun); }, "it begins");
  servers_.server(0).Stop();
  WaitUntil([&] { return Notices().find("no node is connected any more") != std::string::npos; },
            "the news");
  EXPECT_NE(Notices().find(" with code 3"), std::string::npos) << Notices();
  ASSERT_TRUE(runner_->Launch({Script(2, "true")}).ok());
  WaitUntil(
      [&] {
        return ReadWait(home_, runners::KeyOf(2).run, runners::KeyOf(2).task)
            .starts_with("n1: not connected");
      },
      "it is said why it waits");
  sink_.WaitForEnds(2);
  EXPECT_EQ(sink_.End(runners::KeyOf(1)), "lost");
  EXPECT_EQ(sink_.End(runners::KeyOf(2)), "lost");
  ASSERT_TRUE(runner_->Launch({Script(3, "true")}).ok());
  sink_.WaitForEnds(3);
  EXPECT_EQ(sink_.End(runners::KeyOf(3)), "lost");
}

// What a node has cannot be told without it: whoever asks hears it when the node is back, even from
// another agent, or that it is given up.
TEST_F(FaultTest, AQuestionWaitsForItsNodeAndEndsWithIt) {
  RestartAgent(0, {"--lease", "5"});
  cluster_lease_ = Duration::Seconds(5);
  lease_margin_ = Duration::Seconds(1);
  home_ = servers_.Path("head");
  ConnectThroughProxy();
  Server& server = servers_.server(0);
  std::ofstream(server.FromHere(server.home() + "/x.csv")) << "x";
  const runners::AttemptKey key = runners::KeyOf(1);
  const auto ask = [&](const std::string& node, const std::string& pattern) {
    runner_->Files()->Look({key.run, key.task, node, pattern});
  };
  ask("n1", "x.csv");
  ask("n9", "x.csv");
  auto answers = sink_.WaitForLooks(2);
  std::ranges::sort(answers, {}, &runners::FilesLooked::node);
  ASSERT_TRUE(answers[0].files.ok()) << answers[0].files.error().message;
  EXPECT_EQ(answers[0].files->at(0).digest, Sha256::Of("x"));
  EXPECT_EQ(answers[0].files->at(0).path, server.home() + "/x.csv");
  ASSERT_FALSE(answers[1].files.ok());
  EXPECT_EQ(answers[1].files.error().message, "the cluster has no node 'n9'");

  server.Stop();
  WaitUntil([&] { return Notices().find("connection lost") != std::string::npos; }, "the news");
  ask("n1", "*.csv");
  WaitUntil([&] { return ReadWait(home_, key.run, key.task).starts_with("n1: not connected"); },
            "it is said what it waits for");
  server.Start();
  answers = sink_.WaitForLooks(3);
  EXPECT_TRUE(answers[2].files.ok()) << answers[2].files.error().message;

  server.Stop();
  ask("n1", "x.csv");
  answers = sink_.WaitForLooks(4);
  ASSERT_FALSE(answers[3].files.ok());
  EXPECT_EQ(answers[3].files.error().kind, ErrorKind::kEnvironment);
  EXPECT_NE(answers[3].files.error().message.find("the node n1 is not reached"), std::string::npos)
      << answers[3].files.error().message;
}

// A node whose worker pool cannot do anything: three different tasks, and it is out.
TEST_F(FaultTest, ANodeThatFailsEverythingIsQuarantined) {
  ConnectThroughProxy();
  // Attempts cannot get their folders.
  fs::permissions(servers_.server(0).root() + "/attempts", fs::perms::none);
  if (::geteuid() == 0) {
    fs::remove_all(servers_.server(0).root() + "/attempts");
    std::ofstream(servers_.server(0).root() + "/attempts") << "a file in the way";
  }
  std::vector<LaunchSpec> batch;
  for (std::size_t i = 0; i < 4; ++i) {
    batch.push_back(Script(i, "true"));
    runners::FileSet set{"/data/x", {}};
    const std::string path = servers_.Path("x");
    std::ofstream(path) << "x";
    set.files.push_back({"x", path, 1, Sha256::Of("x")});
    batch.back().files.push_back(set);
  }
  ASSERT_TRUE(runner_->Launch(batch).ok());
  sink_.WaitForEnds(4);
  WaitUntil([&] { return Notices().find("in quarantine: 3 different tasks") != std::string::npos; },
            "the quarantine");
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(sink_.End(runners::KeyOf(i)), "lost");
}

}  // namespace
}  // namespace dml::ssh
