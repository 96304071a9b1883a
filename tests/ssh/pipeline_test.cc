// The whole program: dml on this machine, pipelines on three servers.

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "base/files.h"
#include "base/json.h"
#include "tests/send_signal.h"
#include "tests/ssh/program_fixture.h"

namespace dml::ssh {
namespace {

namespace fs = std::filesystem;

class PipelineTest : public ProgramFixture {
 protected:
  PipelineTest() : ProgramFixture(std::vector<ServerOptions>(3)) {}

  static bool HasThreeLines(const std::string& path) {
    const auto text = ReadFile(path);
    return text.ok() && std::ranges::count(*text, '\n') == 3;
  }
  // Runs it on the cluster, and kills the orchestrator once its three tasks have written a line.
  void RunAndKill(const std::string& pipeline, const std::string& home, const std::string& lines) {
    const pid_t dml = ::fork();
    if (dml == 0) {
      ::execl(kDml, kDml, "run", pipeline.c_str(), "--cluster", inventory_.c_str(), "--home",
              home.c_str(), "-q", nullptr);
      ::_exit(127);
    }
    for (int i = 0; i < 6000 && !HasThreeLines(lines); ++i) ::poll(nullptr, 0, 10);
    EXPECT_TRUE(HasThreeLines(lines));
    SendSignal(dml, SIGKILL);
    ::waitpid(dml, nullptr, 0);
  }
};

TEST_F(PipelineTest, SetUpIsNeededThenIdempotentThenRemovable) {
  Output check = Dml({"cluster", "check", "-c", inventory_});
  EXPECT_EQ(check.code, 3);
  EXPECT_NE(check.out.find("is not known"), std::string::npos) << check.out;
  const Output refused = Dml({"cluster", "setup", "-c", inventory_});
  EXPECT_EQ(refused.code, 3) << "nobody is there to say yes";
  SetUpCluster();
  const Output again = Dml({"cluster", "setup", "-c", inventory_, "-o", "json"});
  for (const Json& node : Json::parse(again.out)) {
    EXPECT_EQ(node.at("done"), "nothing to do");
    EXPECT_EQ(node.at("verdict"), "ready");
  }
  check = Dml({"cluster", "check", "-c", inventory_});
  EXPECT_EQ(check.code, 0) << check.out << check.err;
  const Output exec =
      Dml({"cluster", "exec", "-c", inventory_, "--", "printf", "%s;", "a b", "$HOME"});
  // As each node ends.
  std::multiset<std::string> lines;
  std::istringstream stream(exec.out);
  for (std::string line; std::getline(stream, line);) lines.insert(line);
  EXPECT_EQ(lines,
            (std::multiset<std::string>{"n1: a b;$HOME;", "n2: a b;$HOME;", "n3: a b;$HOME;"}))
      << exec.err;
  const Output down = Dml({"cluster", "down", "-c", inventory_});
  EXPECT_EQ(down.code, 0) << down.out << down.err;
  for (std::size_t i = 0; i < 3; ++i) EXPECT_FALSE(fs::exists(servers_.server(i).root()));
}

TEST_F(PipelineTest, OneBadNodeStopsNobody) {
  SetUpCluster();
  servers_.server(1).Stop();
  const Output check = Dml({"cluster", "check", "-c", inventory_});
  EXPECT_EQ(check.code, 3);
  EXPECT_NE(check.out.find("n2: cannot connect to " + servers_.server(1).address()),
            std::string::npos)
      << check.out;
  EXPECT_EQ(std::ranges::count(check.out, '\n'), 7) << check.out;
  // A run goes on with the others.
  const std::string pipeline =
      Write("p.yaml", "steps:\n  - id: a\n    foreach: [1, 2, 3]\n    run: [\"true\"]\n");
  const Output run = Dml({"run", pipeline, "--cluster", inventory_, "--home", servers_.Path("h")});
  EXPECT_EQ(run.code, 0) << run.out << run.err;
  EXPECT_NE(run.err.find("n2: left out for now: cannot connect to"), std::string::npos) << run.err;
}

// Models, metrics and tables of every example are the same bytes as those of a local run.
TEST_F(PipelineTest, ExamplesGiveTheSameBytesAsHere) {
  SetUpCluster();
  std::size_t count = 0;
  for (const auto& folder : fs::directory_iterator(DML_SOURCE_DIR "/examples")) {
    if (!folder.is_directory()) continue;
    ++count;
    const std::string example = folder.path().filename().string();
    const std::string pipeline = folder.path().string() + "/pipeline.yaml";
    const std::string here = servers_.Path("here-" + example);
    const std::string there = servers_.Path("there-" + example);
    Output run = Dml({"run", pipeline, "--home", here});
    ASSERT_EQ(run.code, 0) << run.out << run.err;
    run = Dml({"run", pipeline, "--home", there, "--cluster", inventory_});
    ASSERT_EQ(run.code, 0) << run.out << run.err;
    EXPECT_EQ(BlobsOf(here), BlobsOf(there)) << example;
    EXPECT_FALSE(BlobsOf(here).empty());
  }
  EXPECT_GE(count, 6U) << "these are not the examples";
}

// kill -9 of the orchestrator in the middle of remote tasks, then resume: nothing runs twice.
TEST_F(PipelineTest, AKilledOrchestratorIsResumed) {
  SetUpCluster();
  const std::string go = servers_.Path("go");
  const std::string runs = servers_.Path("runs");
  const std::string pipeline = Write(
      "p.yaml", fmt::format("steps:\n  - id: slow\n    foreach: [1, 2, 3]\n"
                            "    run: \"echo $DML_NODE >> {}; while ! test -e {}; do sleep 0.02; "
                            "done; echo ${{item}} > o.txt\"\n    outputs: {{o: o.txt}}\n",
                            runs, go));
  const std::string home = servers_.Path("h");
  RunAndKill(pipeline, home, runs);
  std::ofstream(go).put('\n');
  const Output resumed = Dml({"resume", "--home", home});
  EXPECT_EQ(resumed.code, 0) << resumed.out << resumed.err;
  EXPECT_TRUE(HasThreeLines(runs)) << "a task ran twice: " << *ReadFile(runs);
  EXPECT_EQ(BlobsOf(home).size(), 3U);
}

// Mending a script while nobody is at the run: what goes on there with the old one is not wanted.
TEST_F(PipelineTest, AnAttemptThatWasGivenAnotherScriptIsNotTakenUp) {
  SetUpCluster();
  const std::string go = servers_.Path("go");
  const std::string runs = servers_.Path("runs");
  Write("s.sh", fmt::format("echo begun >> {}; while ! test -e {}; do sleep 0.02; done; "
                            "echo old $1 > o.txt\n",
                            runs, go));
  const std::string pipeline = Write("p.yaml",
                                     "steps:\n  - id: slow\n    foreach: [1, 2, 3]\n"
                                     "    code: s.sh\n    run: \"sh s.sh ${item}\"\n"
                                     "    outputs: {o: o.txt}\n");
  const std::string home = servers_.Path("h");
  RunAndKill(pipeline, home, runs);
  Write("s.sh", "echo new $1 > o.txt\n");
  std::ofstream(go).put('\n');
  const Output resumed = Dml({"resume", "--home", home});
  EXPECT_EQ(resumed.code, 0) << resumed.out << resumed.err;
  const std::set<std::string> blobs = BlobsOf(home);
  EXPECT_EQ(blobs.size(), 3U);
  for (const std::string& name : blobs) {
    const auto text = ReadFile(home + "/store/blobs/" + name.substr(0, 2) + "/" + name);
    EXPECT_TRUE(text.ok() && text->starts_with("new ")) << (text.ok() ? *text : name);
  }
}

TEST_F(PipelineTest, StopEndsWhatADeadOrchestratorHasLeftOnTheNodes) {
  SetUpCluster();
  const std::string pids = servers_.Path("pids");
  const std::string pipeline =
      Write("p.yaml",
            fmt::format("steps:\n  - id: endless\n    foreach: [1, 2, 3]\n"
                        "    run: \"echo $$ >> {}; while :; do sleep 0.02; done; : ${{item}}\"\n",
                        pids));
  const std::string home = servers_.Path("h");
  RunAndKill(pipeline, home, pids);
  const Output stopped = Dml({"stop", "latest", "--home", home});
  EXPECT_EQ(stopped.code, 0) << stopped.out << stopped.err;
  // The nodes are this machine.
  std::ifstream file(pids);
  for (int pid = 0; file >> pid;) {
    for (int i = 0; i < 6000 && ::kill(pid, 0) == 0; ++i) ::poll(nullptr, 0, 10);
    EXPECT_NE(::kill(pid, 0), 0) << "a task still lives";
  }
  const Output again = Dml({"stop", "latest", "--home", home});
  EXPECT_EQ(again.code, 2) << again.err;
}

}  // namespace
}  // namespace dml::ssh
