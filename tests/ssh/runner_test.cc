// Attempts on real nodes: three servers on the loopback interface, each with a home of its own.

#include <gtest/gtest.h>

#include "runners/ssh/runner_loop.h"
#include "tests/send_signal.h"
#include "tests/ssh/cluster_fixture.h"

namespace dml::ssh {
namespace {

using ClusterRunnerTest = ClusterFixture;

TEST_F(ClusterRunnerTest, TasksSpreadOverTheNodesAndTheirOutputsComeBack) {
  Connect(servers_.AllHosts());
  EXPECT_EQ(runner_->Total().cpus, 6);
  std::vector<LaunchSpec> batch;
  for (std::size_t i = 0; i < 12; ++i) {
    batch.push_back(Script(i, "cat in.dat > o.txt; echo $DML_NODE >> o.txt; echo log $DML_NODE"));
    AddInput(batch.back(), "input " + std::to_string(i % 3) + "\n");
  }
  ASSERT_TRUE(runner_->Launch(batch).ok());
  sink_.WaitForEnds(12);
  std::set<std::string> nodes;
  for (std::size_t i = 0; i < 12; ++i) {
    EXPECT_EQ(sink_.End(runners::KeyOf(i)), "success");
    const std::string output = OutputOf(batch[i]);
    EXPECT_TRUE(output.starts_with("input " + std::to_string(i % 3) + "\nn")) << output;
    nodes.insert(output.substr(8));
    EXPECT_EQ(LogOf(batch[i]), "log " + output.substr(8));
    EXPECT_FALSE(fs::exists(batch[i].attempt_dir + "/incoming"));
  }
  EXPECT_EQ(nodes.size(), 3U);
  // What is released is gone from the nodes.
  for (std::size_t i = 0; i < 12; ++i) runner_->Release(runners::KeyOf(i));
  WaitUntil(
      [&] {
        for (std::size_t i = 0; i < 3; ++i) {
          if (!fs::is_empty(servers_.server(i).root() + "/records") ||
              !fs::is_empty(servers_.server(i).root() + "/attempts")) {
            return false;
          }
        }
        return true;
      },
      "the attempts leave the nodes");
}

TEST_F(ClusterRunnerTest, BigFilesArriveWhole) {
  Cluster cluster = servers_.AllHosts();
  cluster.hosts.resize(1);
  Connect(cluster);
  std::string big;
  for (int i = 0; big.size() < 20'000'000; ++i) big += std::to_string(i) + "\n";
  LaunchSpec spec = Script(1, "cat in.dat in.dat > o.txt; cat in.dat");
  AddInput(spec, big);
  ASSERT_TRUE(runner_->Launch({spec}).ok());
  sink_.WaitForEnds(1);
  EXPECT_EQ(sink_.End(runners::KeyOf(1)), "success");
  EXPECT_TRUE(OutputOf(spec) == big + big);
  EXPECT_TRUE(LogOf(spec) == big);
}

TEST_F(ClusterRunnerTest, AFailureIsTheTasks) {
  Connect(servers_.AllHosts());
  ASSERT_TRUE(runner_->Launch({Script(1, "echo bad; exit 3"), Script(2, "true")}).ok());
  sink_.WaitForEnds(2);
  EXPECT_EQ(sink_.End(runners::KeyOf(1)), "exit 3: the command ended with exit code 3");
  EXPECT_EQ(LogOf(Script(1, "")), "bad\n");
  EXPECT_NE(sink_.End(runners::KeyOf(2)).find("did not write its output 'o.txt'"),
            std::string::npos);
}

TEST_F(ClusterRunnerTest, AKillReachesTheProcessGroup) {
  Connect(servers_.AllHosts());
  const std::string mark = servers_.Path("pids");
  ASSERT_TRUE(runner_
                  ->Launch({Script(
                      1, "sleep 1000 & echo $! > " + mark + "; echo $$ >> " + mark + "; wait")})
                  .ok());
  WaitUntil([&] { return fs::exists(mark) && fs::file_size(mark) > 2; }, "the task starts");
  runner_->Kill(runners::KeyOf(1), runners::KillMode::kTerminate);
  sink_.WaitForEnds(1);
  EXPECT_EQ(sink_.End(runners::KeyOf(1)), "killed");
  std::ifstream pids(mark);
  for (int pid = 0; pids >> pid;) {
    WaitUntil([&] { return ::kill(pid, 0) != 0; }, "the processes are gone");
  }
}

// The connection breaks; the task goes on, and its result and every byte of its log come when the
// node is back.
TEST_F(ClusterRunnerTest, ACutConnectionLosesNothing) {
  Cluster cluster = servers_.AllHosts();
  cluster.hosts.resize(1);
  Connect(cluster);
  const std::string go = servers_.Path("go");
  const std::string runs = servers_.Path("runs");
  const LaunchSpec spec = Script(
      1, "echo run >> " + runs + "; for i in 1 2 3; do echo line $i; done; while ! test -e " + go +
             "; do sleep 0.02; done; echo end; echo result > o.txt");
  ASSERT_TRUE(runner_->Launch({spec}).ok());
  WaitUntil([&] { return LogOf(spec) == "line 1\nline 2\nline 3\n"; }, "the log streams live");
  servers_.server(0).CutConnections();
  WaitUntil([&] { return Notices().find("connection lost") != std::string::npos; }, "the loss");
  std::ofstream(go).put('\n');
  sink_.WaitForEnds(1);
  EXPECT_EQ(sink_.End(runners::KeyOf(1)), "success");
  EXPECT_EQ(OutputOf(spec), "result\n");
  EXPECT_EQ(LogOf(spec), "line 1\nline 2\nline 3\nend\n");
  EXPECT_EQ(*ReadFile(runs), "run\n");
}

// The agent is killed; the task goes on under its worker, and the next agent takes it up.
TEST_F(ClusterRunnerTest, AKilledAgentLosesNothing) {
  Cluster cluster = servers_.AllHosts();
  cluster.hosts.resize(1);
  Connect(cluster);
  const std::string go = servers_.Path("go");
  const std::string runs = servers_.Path("runs");
  const LaunchSpec spec = Script(1, "echo run >> " + runs + "; while ! test -e " + go +
                                        "; do sleep 0.02; done; echo end; echo result > o.txt");
  ASSERT_TRUE(runner_->Launch({spec}).ok());
  WaitUntil([&] { return fs::exists(runs); }, "the task starts");
  const pid_t before = servers_.server(0).agent();
  SendSignal(before, SIGKILL);
  WaitUntil([&] { return Notices().find("connected again") != std::string::npos; }, "the return");
  EXPECT_NE(servers_.server(0).agent(), before);
  std::ofstream(go).put('\n');
  sink_.WaitForEnds(1);
  EXPECT_EQ(sink_.End(runners::KeyOf(1)), "success");
  EXPECT_EQ(OutputOf(spec), "result\n");
  EXPECT_EQ(LogOf(spec), "end\n");
  EXPECT_EQ(*ReadFile(runs), "run\n");
}

// The head is gone without a word; the next one finds the attempt and takes it up.
TEST_F(ClusterRunnerTest, AnotherHeadTakesUpWhatTheFirstHasLeft) {
  Cluster cluster = servers_.AllHosts();
  Connect(cluster);
  const std::string go = servers_.Path("go");
  const std::string runs = servers_.Path("runs");
  LaunchSpec waits = Script(1, "echo begun; echo run >> " + runs + "; while ! test -e " + go +
                                   "; do sleep 0.02; done; echo end; echo result > o.txt");
  ASSERT_TRUE(runner_->Launch({waits}).ok());
  WaitUntil([&] { return fs::exists(runs); }, "the task starts");
  // A head of the same name, while the first one still holds its connections.
  std::unique_ptr<SshRunner> first = std::move(runner_);
  Connect(cluster);
  const auto status = runner_->Find(runners::KeyOf(1));
  ASSERT_TRUE(status.ok());
  EXPECT_TRUE(std::holds_alternative<runners::AttemptRunning>(*status));
  EXPECT_TRUE(std::holds_alternative<runners::AttemptUnknown>(*runner_->Find(runners::KeyOf(9))));
  waits.attempt_dir = servers_.Path("head/second");
  waits.log_path = servers_.Path("head/logs/second.log");
  ASSERT_TRUE(runner_->Launch({waits}).ok());
  // Until the node has heard it, the end is told to the first.
  WaitUntil([&] { return fs::exists(waits.log_path) && LogOf(waits) == "begun\n"; },
            "the second hears of it");
  std::ofstream(go).put('\n');
  sink_.WaitForEnds(1);
  EXPECT_EQ(sink_.End(runners::KeyOf(1)), "success");
  EXPECT_EQ(OutputOf(waits), "result\n");
  EXPECT_EQ(LogOf(waits), "begun\nend\n");
  EXPECT_EQ(*ReadFile(runs), "run\n");
}

TEST_F(ClusterRunnerTest, ANodeThatStaysAwayIsFencedAfterTheLease) {
  Cluster cluster = servers_.AllHosts();
  cluster.hosts.resize(1);
  RestartAgent(0, {"--lease", "1"});
  cluster.lease = Duration::Seconds(1);
  lease_margin_ = Duration::Seconds(0);
  Connect(cluster);
  const std::string runs = servers_.Path("runs");
  ASSERT_TRUE(runner_->Launch({Script(1, "echo run >> " + runs + "; sleep 1000")}).ok());
  WaitUntil([&] { return fs::exists(runs); }, "the task starts");
  servers_.server(0).Stop();
  sink_.WaitForEnds(1);
  EXPECT_EQ(sink_.End(runners::KeyOf(1)), "lost");
  // Back again, the node hears that nobody wants it, if its own lease has not ended it before.
  servers_.server(0).Start();
  WaitUntil([&] { return fs::is_empty(servers_.server(0).root() + "/records"); },
            "the attempt ends on the node");
}

// The lease that counts is that of the agent there, whoever has started it.
TEST_F(ClusterRunnerTest, ANodeIsNotFencedBeforeItsAgentLetsGo) {
  Cluster cluster = servers_.AllHosts();
  cluster.hosts.resize(1);
  RestartAgent(0, {"--lease", "8"});
  cluster.lease = Duration::Seconds(1);
  lease_margin_ = Duration::Seconds(0);
  Connect(cluster);
  const std::string runs = servers_.Path("runs");
  ASSERT_TRUE(runner_->Launch({Script(1, "echo run >> " + runs + "; sleep 1000")}).ok());
  WaitUntil([&] { return fs::exists(runs); }, "the task starts");
  const SystemClock clock;
  const Instant down = clock.Now();
  servers_.server(0).Stop();
  sink_.WaitForEnds(1);
  EXPECT_EQ(sink_.End(runners::KeyOf(1)), "lost");
  EXPECT_GE(clock.Now() - down, Duration::Seconds(8));
}

TEST_F(ClusterRunnerTest, ALaunchThatFitsNoFrameIsTheTasksFailure) {
  Connect(servers_.AllHosts());
  ASSERT_TRUE(
      runner_->Launch({Script(1, "true #" + std::string(70 << 20, '#')), Script(2, "echo > o.txt")})
          .ok());
  sink_.WaitForEnds(2);
  EXPECT_TRUE(sink_.End(runners::KeyOf(1)).starts_with("exit 2: its parameters, arguments"))
      << sink_.End(runners::KeyOf(1));
  EXPECT_EQ(sink_.End(runners::KeyOf(2)), "success");
}

// What an agent cuts because it has grown too large is cut here, too.
TEST_F(ClusterRunnerTest, ALogThatIsCutIsCutHereToo) {
  Cluster cluster = servers_.AllHosts();
  cluster.hosts.resize(1);
  Connect(cluster);
  const std::string go = servers_.Path("go");
  const LaunchSpec spec = Script(1, "for i in 1 2 3; do echo line $i; done; while ! test -e " + go +
                                        "; do sleep 0.02; done; echo end; echo result > o.txt");
  ASSERT_TRUE(runner_->Launch({spec}).ok());
  WaitUntil([&] { return LogOf(spec) == "line 1\nline 2\nline 3\n"; }, "the log streams live");
  for (const auto& entry : fs::directory_iterator(servers_.server(0).root() + "/logs")) {
    std::ofstream(entry.path()) << "cut\n";
  }
  WaitUntil([&] { return LogOf(spec) == "cut\n"; }, "the cut arrives");
  std::ofstream(go).put('\n');
  sink_.WaitForEnds(1);
  EXPECT_EQ(sink_.End(runners::KeyOf(1)), "success");
  EXPECT_EQ(LogOf(spec), "cut\nend\n");
}

TEST_F(ClusterRunnerTest, LabelsChooseNodes) {
  Cluster cluster = servers_.AllHosts();
  cluster.hosts[2].labels = {"gpu"};
  Connect(cluster);
  LaunchSpec wants = Script(1, "echo $DML_NODE > o.txt");
  wants.labels = {"gpu"};
  LaunchSpec impossible = Script(2, "true");
  impossible.labels = {"tpu"};
  ASSERT_TRUE(runner_->Launch({wants, impossible}).ok());
  sink_.WaitForEnds(2);
  EXPECT_EQ(OutputOf(wants), "n3\n");
  EXPECT_NE(sink_.End(runners::KeyOf(2)).find("carries the labels tpu"), std::string::npos);
}

TEST_F(ClusterRunnerTest, TwoHeadsShareTheNodesWithoutMeeting) {
  Connect(servers_.AllHosts(), "first");
  std::unique_ptr<SshRunner> first = std::move(runner_);
  RecordingSink sink;
  Connect(servers_.AllHosts(), "second", sink);
  // The same keys, for different homes.
  LaunchSpec one = Script(1, "sleep 0.2; echo first > o.txt");
  LaunchSpec two = Script(1, "sleep 0.2; echo second > o.txt");
  two.attempt_dir = servers_.Path("head/two");
  two.log_path = servers_.Path("head/logs/two.log");
  ASSERT_TRUE(first->Launch({one}).ok());
  ASSERT_TRUE(runner_->Launch({two}).ok());
  WaitUntil([&] { return OutputOf(one) == "first\n" && OutputOf(two) == "second\n"; },
            "both end with their own");
  runner_.reset();  // before its sink
}

class NoisyShellTest : public ClusterFixture {
 protected:
  NoisyShellTest()
      : ClusterFixture({{"/bin/sh", "Welcome!\\nlast login: never\\n", ""},
                        {"/bin/dash", "no newline at the end", ""},
                        {"/bin/bash", "", "MaxSessions 2\nMaxStartups 1:50:3\n"}}) {}
};

TEST_F(NoisyShellTest, WhatLoginShellsPrintDoesNotMatter) {
  Connect(servers_.AllHosts());
  std::vector<LaunchSpec> batch;
  for (std::size_t i = 0; i < 6; ++i) batch.push_back(Script(i, "echo $DML_NODE > o.txt"));
  ASSERT_TRUE(runner_->Launch(batch).ok());
  sink_.WaitForEnds(6);
  std::set<std::string> nodes;
  for (const LaunchSpec& spec : batch) nodes.insert(OutputOf(spec));
  EXPECT_EQ(nodes, (std::set<std::string>{"n1\n", "n2\n", "n3\n"}));
}

// The head had the result, and died before the node heard so.
TEST_F(ClusterRunnerTest, WhatEndedRunsHaveLeftOnNodesIsLetGo) {
  Cluster cluster = servers_.AllHosts();
  cluster.hosts.resize(1);
  Connect(cluster);
  ASSERT_TRUE(runner_->Launch({Script(1, "echo x > o.txt; echo said")}).ok());
  sink_.WaitForEnds(1);
  ASSERT_EQ(sink_.End(runners::KeyOf(1)), "success");
  runner_.reset();
  const std::string root = servers_.server(0).root();
  const auto bare = [&] {
    return fs::is_empty(root + "/records") && fs::is_empty(root + "/attempts") &&
           fs::is_empty(root + "/logs");
  };
  // A run that may be resumed will ask for it.
  Connect(cluster);
  runner_.reset();
  EXPECT_FALSE(bare());
  over_ = true;
  Connect(cluster);
  WaitUntil(bare, "the attempt leaves the node");
}

}  // namespace
}  // namespace dml::ssh
