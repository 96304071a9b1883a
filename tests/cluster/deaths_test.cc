// Deaths of heads, agents and nodes, on the real program.

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>

#include "tests/cluster/scenario.h"

namespace dml::cluster {
namespace {

constexpr int kKilled = 128 + SIGKILL;

const std::multiset<std::string> kEachOnce{"1", "2", "3", "4", "5", "6"};

class AgentScenario : public Scenario {
 protected:
  // Of a host on which tasks run.
  ssh::Server& Busy() {
    for (std::size_t i = 0; i < servers_.size(); ++i) {
      if (!BegunOn(i).empty()) return servers_.server(i);
    }
    ADD_FAILURE() << "no task runs";
    return servers_.server(0);
  }
};

TEST_F(AgentScenario, AKilledAgentIsFollowedByAnother) {
  e2e::Program run = StartRun();
  AwaitBegun(kTasks);
  for (std::size_t i = 0; i < servers_.size(); ++i) servers_.server(i).SignalAgent(SIGKILL);
  for (const char* node : {"n1", "n2", "n3"}) {
    AwaitSaid(run, std::string(node) + ": connected again");
  }
  OpenGate();
  ExpectDone(run);
  EXPECT_EQ(Begun(), kEachOnce);
  ExpectGoodHistory();
}

// Shorter than what makes a head give the connection up: nobody notices.
TEST_F(AgentScenario, AStoppedAgentGoesOnWhereItWas) {
  e2e::Program run = StartRun();
  AwaitBegun(kTasks);
  for (std::size_t i = 0; i < servers_.size(); ++i) servers_.server(i).SignalAgent(SIGSTOP);
  OpenGate();
  WaitUntil([&] { return std::filesystem::exists(servers_.Path("marks/gate")); }, "the gate");
  for (std::size_t i = 0; i < servers_.size(); ++i) servers_.server(i).SignalAgent(SIGCONT);
  ExpectDone(run);
  EXPECT_EQ(Begun(), kEachOnce);
  ExpectGoodHistory();
}

// What ran there is gone, and nothing else; it is repeated at once and not after the lease.
TEST_F(AgentScenario, ANodeThatIsStartedAnewHasLostItsTasks) {
  e2e::Program run = StartRun();
  AwaitBegun(kTasks);
  const auto lost = BegunOn(0);
  ASSERT_FALSE(lost.empty());
  servers_.server(0).Reboot();
  AwaitSaid(run, "n1: connected again");
  OpenGate();
  ExpectDone(run);
  const auto begun = Begun();
  for (const std::string& task : kEachOnce) {
    EXPECT_EQ(begun.count(task), lost.contains(task) ? 2U : 1U) << task;
  }
  std::vector<int> attempts = AttemptsOf(Path("there"));
  EXPECT_EQ(std::ranges::count(attempts, 2), static_cast<std::ptrdiff_t>(lost.size()));
  ExpectGoodHistory();
}

class HeadScenario : public Scenario, public testing::WithParamInterface<const char*> {};

TEST_P(HeadScenario, ThatIsKilledIsFollowedByAResume) {
  const std::string label = GetParam();
  const std::string mark = Path("crashed");
  const bool in_tasks = label.empty();
  if (!in_tasks) OpenGate();
  std::vector<std::string> env;
  if (!in_tasks) env.push_back("DML_CRASH_AT=" + label + "@" + mark);
  e2e::Program run = StartRun("there", env);
  if (in_tasks) {
    AwaitBegun(kTasks);
    run.Signal(SIGKILL);
  }
  EXPECT_EQ(run.Wait().code, kKilled);
  EXPECT_EQ(std::filesystem::exists(mark), !in_tasks) << "nothing died there";
  OpenGate();
  e2e::Program resumed = StartDml({"resume", "--home", Path("there")});
  ExpectDone(resumed);
  if (in_tasks) {
    EXPECT_EQ(Begun(), kEachOnce);
  }
  ExpectGoodHistory();
}

INSTANTIATE_TEST_SUITE_P(AtEach, HeadScenario,
                         testing::Values("", "turn.persisted", "launch.handed-over",
                                         "cluster.staged", "cluster.ended", "cluster.fetched",
                                         "commit.begins", "commit.linked", "commit.stored",
                                         "result.persisted"),
                         [](const testing::TestParamInfo<const char*>& label) {
                           std::string name = label.param;
                           if (name.empty()) return std::string("tasks_run");
                           std::ranges::replace(name, '.', '_');
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace dml::cluster
