// Odd nodes, several heads and cancelled runs, on the real program.

#include <signal.h>

#include <cstdio>
#include <filesystem>

#include "tests/cluster/scenario.h"

namespace dml::cluster {
namespace {

const std::multiset<std::string> kEachOnce{"1", "2", "3", "4", "5", "6"};

std::size_t Count(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++count;
  return count;
}

// fish, which understands little of what sh does.
ssh::ServerOptions Fish() {
  const bool there = std::filesystem::exists("/usr/bin/fish");
  if (!there) std::fputs("no fish here: the third host has sh instead\n", stderr);
  return {there ? "/usr/bin/fish" : "/bin/sh", "", ""};
}

class ShellScenario : public Scenario {
 protected:
  ShellScenario()
      : Scenario({{"/bin/bash", "Welcome!\\nlast login: never\\n", ""},
                  {"/bin/dash", "no newline at the end", ""},
                  Fish()}) {}
};

TEST_F(ShellScenario, WhatLoginShellsAreAndPrintDoesNotMatter) {
  OpenGate();
  e2e::Program run = StartRun();
  ExpectDone(run);
  for (std::size_t i = 0; i < servers_.size(); ++i) EXPECT_FALSE(BegunOn(i).empty()) << i;
  ExpectGoodHistory();
  const e2e::Finished check = Dml({"cluster", "check"});
  EXPECT_EQ(check.code, 0) << check.out << check.err;
}

// Servers that let one connection log in at a time, with one session in it.
class NarrowScenario : public Scenario {
 protected:
  NarrowScenario() : Scenario(std::vector<ssh::ServerOptions>(3, {"/bin/sh", "", kLimits})) {}
  static constexpr const char* kLimits = "MaxSessions 1\nMaxStartups 1:100:1\n";
};

TEST_F(NarrowScenario, TwoHeadsAtOnce) {
  e2e::Program one = StartRun("there");
  e2e::Program two = StartRun("here");
  AwaitBegun(kTasks);
  const e2e::Finished check = Dml({"cluster", "check"});
  EXPECT_EQ(check.code, 0) << check.out << check.err;
  OpenGate();
  ExpectDone(one);
  ExpectDone(two);
  EXPECT_EQ(Begun().size(), 2U * kTasks);
  ExpectGoodHistory("there");
  ExpectGoodHistory("here");
}

class NodeScenario : public Scenario {};

TEST_F(NodeScenario, AFullDiskIsAVerdictAndNoLoop) {
  if (!servers_.server(0).MountSmallDisk(servers_.server(0).root() + "/blobs", "1m")) {
    GTEST_SKIP()
        << "nodes cannot have a disk of their own here; tests/ssh/faults_test.cc fills one";
  }
  OpenGate();
  e2e::Program run = StartRun();
  const e2e::Finished done = run.Wait();
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_EQ(Count(done.err, "n1: disk full: need"), 1U) << done.err;
  EXPECT_EQ(Begun(), kEachOnce);
  ExpectGoodHistory();
}

TEST_F(NodeScenario, AChangedHostKeyIsFatal) {
  servers_.server(1).Stop();
  servers_.server(1).NewHostKey();
  servers_.server(1).Start();
  const e2e::Finished check = Dml({"cluster", "check"});
  EXPECT_EQ(check.code, 3);
  EXPECT_NE(check.out.find("HAS CHANGED"), std::string::npos) << check.out;
  const e2e::Finished setup = Dml({"cluster", "setup", "--accept-new-host-keys"});
  EXPECT_EQ(setup.code, 3) << "not even then";
  EXPECT_NE(setup.out.find("HAS CHANGED"), std::string::npos) << setup.out;
  OpenGate();
  e2e::Program run = StartRun();
  AwaitSaid(run, "n2: left out: ");
  ExpectDone(run);
  EXPECT_TRUE(BegunOn(1).empty());
  ExpectGoodHistory();
}

// The key changes while tasks run there: nobody talks to that machine any more.
TEST_F(NodeScenario, AHostKeyThatChangesInTheMiddleIsFatal) {
  e2e::Program run = StartRun();
  AwaitBegun(kTasks);
  ASSERT_FALSE(BegunOn(0).empty());
  const std::string key = servers_.Path("n1/host_key");
  std::filesystem::copy(key, key + ".old");
  servers_.server(0).Stop();
  servers_.server(0).NewHostKey();
  servers_.server(0).Start();
  AwaitSaid(run, "n1: connection lost");
  AwaitSaid(run, "HAS CHANGED");
  const int tries = proxies_[0]->connections();
  WaitUntil([&] { return proxies_[0]->connections() > tries; }, "the head looks again");
  // It was the old machine after all.
  servers_.server(0).Stop();
  std::filesystem::copy(key + ".old", key, std::filesystem::copy_options::overwrite_existing);
  servers_.server(0).Start();
  AwaitSaid(run, "n1: connected again");
  OpenGate();
  ExpectDone(run);
  EXPECT_EQ(Begun(), kEachOnce);
  ExpectGoodHistory();
}

// Everything that a node is given fails there.
TEST_F(NodeScenario, ANodeThatFailsEverythingIsLeftOut) {
  const std::string attempts = servers_.server(0).root() + "/attempts";
  std::filesystem::remove_all(attempts);
  Write("in-the-way", "");
  std::filesystem::copy(Path("in-the-way"), attempts);
  OpenGate();
  e2e::Program run = StartRun();
  const e2e::Finished done = run.Wait();
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_EQ(Count(done.err, "n1: in quarantine: 3 different tasks"), 1U) << done.err;
  EXPECT_EQ(Begun(), kEachOnce);
  ExpectGoodHistory();
}

class SkewScenario : public Scenario, public testing::WithParamInterface<const char*> {};

// The clock of the head is an hour off, and so are the nodes' against it.
TEST_P(SkewScenario, AClockThatIsOffChangesNothing) {
  const std::vector<std::string> env{"LD_PRELOAD=" DML_CLOCK_SKEW,
                                     std::string("DML_CLOCK_SKEW=") + GetParam()};
  e2e::Program check = StartDml({"cluster", "check"}, env);
  const e2e::Finished checked = check.Wait();
  EXPECT_NE(checked.out.find("clock is off by"), std::string::npos) << checked.out << checked.err;
  e2e::Program run = StartRun("there", env);
  AwaitBegun(kTasks);
  for (const auto& proxy : proxies_) proxy->ResetAll();
  AwaitSaid(run, "connected again");
  OpenGate();
  ExpectDone(run);
  EXPECT_EQ(Begun(), kEachOnce);
  ExpectGoodHistory();
}

INSTANTIATE_TEST_SUITE_P(ByAnHour, SkewScenario, testing::Values("3600", "-3600"),
                         [](const auto& skew) {
                           return std::string(skew.param[0] == '-' ? "behind" : "ahead");
                         });

class CancelScenario : public Scenario {};

TEST_F(CancelScenario, ReachesEveryProcessGroup) {
  e2e::Program run = StartRun();
  AwaitBegun(kTasks);
  run.Signal(SIGINT);
  EXPECT_EQ(run.Wait().code, 130);
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    WaitUntil([&] { return Commands(i) == 0; }, "the commands end");
  }
  OpenGate();
  e2e::Program resumed = StartDml({"resume", "--home", Path("there")});
  ExpectDone(resumed);
  ExpectGoodHistory();
}

TEST_F(CancelScenario, IsPendingWhereANodeCannotBeReached) {
  e2e::Program run = StartRun();
  AwaitBegun(kTasks);
  ASSERT_GT(Commands(0), 0U);
  proxies_[0]->RefuseNew(true);
  proxies_[0]->ResetAll();
  AwaitSaid(run, "n1: connection lost");
  run.Signal(SIGINT);
  AwaitSaid(run, "n1: cancel pending");
  WaitUntil([&] { return Commands(1) == 0 && Commands(2) == 0; }, "the commands end elsewhere");
  EXPECT_GT(Commands(0), 0U);
  proxies_[0]->RefuseNew(false);
  EXPECT_EQ(run.Wait().code, 130);
  WaitUntil([&] { return Commands(0) == 0; }, "the commands end");
  OpenGate();
  e2e::Program resumed = StartDml({"resume", "--home", Path("there")});
  ExpectDone(resumed);
  ExpectGoodHistory();
  ExpectNothingIsLeftAfterDown();
}

}  // namespace
}  // namespace dml::cluster
