// Several heads: two pipelines on one cluster at once, and a head that takes over from another.

#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "base/json.h"
#include "runners/ssh/subprocess.h"
#include "tests/cluster/scenario.h"
#include "tests/e2e/leavings.h"

namespace dml::cluster {
namespace {

namespace fs = std::filesystem;

class HeadsScenario : public Scenario {
 protected:
  HeadsScenario() {
    std::string other = Read("p.yaml");
    Replace(other, "name: scenario", "name: other");
    Replace(other, "69069", "69061");
    Replace(other, "echo all", "echo everything");  // the same would not run twice
    Write("q.yaml", other);
    OpenGate();
    const e2e::Finished alone = Dml({"run", "q.yaml", "--home", Path("alone-other")});
    EXPECT_EQ(alone.code, 0) << alone.err;
    fs::remove(servers_.Path("marks/gate"));
  }
  static void Replace(std::string& text, const std::string& what, const std::string& by) {
    const std::size_t at = text.find(what);
    ASSERT_NE(at, std::string::npos) << text;
    text.replace(at, what.size(), by);
  }
  [[nodiscard]] e2e::Program StartOther(const std::string& home) const {
    return StartDml({"run", "q.yaml", "--cluster", Path("cluster.yaml"), "--home", Path(home)});
  }
  void ExpectEachBeganTwice() const {
    const auto begun = Begun();
    EXPECT_EQ(begun.size(), 2U * kTasks);
    for (const std::string& task : begun) EXPECT_EQ(begun.count(task), 2U) << task;
  }
  // From another terminal: in another folder, and with nothing in the environment that says where
  // anything is.
  [[nodiscard]] ssh::Output ResumeElsewhere() const {
    const auto done =
        ssh::RunProgram({"/usr/bin/env", "-i", "-C", "/", "PATH=/usr/bin:/bin", "HOME=" + Path("."),
                         "DML_WORKER=" DML_BINARY_DIR "/dml-worker",
                         "DML_KNOWN_HOSTS=" + servers_.Path("known_hosts"), DML_BINARY_DIR "/dml",
                         "resume", "--home", Path("there")},
                        Duration::Seconds(240));
    EXPECT_TRUE(done.ok()) << done.error().message;
    return done.ok() ? *done : ssh::Output{};
  }
};

TEST_F(HeadsScenario, TwoPipelinesOfTwoHomesMeet) {
  e2e::Program one = StartRun("there");
  e2e::Program two = StartOther("here");
  AwaitBegun(kTasks);
  OpenGate();
  ExpectDone(one);
  ExpectDone(two);
  ExpectEachBeganTwice();
  ExpectGoodHistory("there");
  EXPECT_EQ(CheckHistory(Path("here"), Path("alone-other"), servers_), std::vector<std::string>());
  ExpectNothingIsLeftAfterDown();
}

// For the nodes, they are two connections of the same client.
TEST_F(HeadsScenario, TwoPipelinesOfOneHomeMeet) {
  e2e::Program one = StartRun("there");
  e2e::Program two = StartOther("there");
  AwaitBegun(kTasks);
  OpenGate();
  ExpectDone(one);
  ExpectDone(two);
  ExpectEachBeganTwice();
  EXPECT_EQ(AttemptsOf(Path("there")), std::vector<int>(kTasks + 2, 1));
  auto blobs = e2e::BlobsOf(Path("alone"));
  blobs.merge(e2e::BlobsOf(Path("alone-other")));
  EXPECT_EQ(e2e::BlobsOf(Path("there")), blobs);
  EXPECT_EQ(e2e::LeavingsOf(Path("there")), std::vector<std::string>());
  ExpectNothingIsLeftAfterDown();
}

TEST_F(HeadsScenario, AKilledOneIsTakenOverFromAnotherTerminal) {
  e2e::Program run =
      StartDml({"run", "p.yaml", "--cluster", "cluster.yaml", "--home", Path("there")});
  AwaitBegun(kTasks);
  const ssh::Output refused = ResumeElsewhere();
  EXPECT_EQ(refused.code, 4) << refused.err;
  const std::string who = "is run by process " + std::to_string(run.pid());
  EXPECT_NE(refused.err.find(who), std::string::npos) << refused.err;
  run.Signal(SIGKILL);
  EXPECT_EQ(run.Wait().code, 128 + SIGKILL);
  ssh::Output resumed;
  std::jthread terminal([&] { resumed = ResumeElsewhere(); });
  WaitUntil(
      [&] {
        const std::string list = Dml({"ls", "--home", Path("there"), "-o", "json"}).out;
        const Json runs = Json::parse(list, nullptr, /*allow_exceptions=*/false);
        return runs.is_object() && runs.at("runs").at(0).at("outcome") == "running";
      },
      "it is taken over");
  // Its tasks still live, and it is nobody else's.
  EXPECT_EQ(Dml({"resume", "--home", Path("there")}).code, 4);
  OpenGate();
  terminal.join();
  EXPECT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_EQ(Begun(), (std::multiset<std::string>{"1", "2", "3", "4", "5", "6"}));
  EXPECT_EQ(AttemptsOf(Path("there")), std::vector<int>(kTasks + 2, 1));
  ExpectGoodHistory();
  ExpectNothingIsLeftAfterDown();
}

}  // namespace
}  // namespace dml::cluster
