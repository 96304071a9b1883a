// What a person does with a cluster, by the program itself, on real servers.

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/files.h"
#include "base/json.h"
#include "tests/ssh/program_fixture.h"

namespace dml::ssh {
namespace {

namespace fs = std::filesystem;

class FeatureTest : public ProgramFixture {
 protected:
  FeatureTest() : ProgramFixture(std::vector<ServerOptions>(2)) {}

  Output Run(const std::string& steps, const std::string& home = "h") {
    std::ofstream(servers_.Path("p.yaml")) << "steps:\n" << steps;
    return Dml(
        {"run", servers_.Path("p.yaml"), "--cluster", inventory_, "--home", servers_.Path(home)});
  }
  // What a task wrote.
  std::string LogOf(const std::string& task) {
    return Dml({"logs", task, "--home", servers_.Path("h")}).out;
  }
};

// As people know it from ssh and from shells. It is the command that is not there, not dml's
// program.
TEST_F(FeatureTest, HowACommandEndsIsTheCommands) {
  SetUpCluster();
  const auto exec = [&](const std::vector<std::string>& words, const std::string& format) {
    std::vector<std::string> args{"cluster",  "exec", "--only", "n1", "-c",
                                  inventory_, "-o",   format,   "--"};
    args.insert(args.end(), words.begin(), words.end());
    return Dml(args);
  };
  const auto json = [&](const std::vector<std::string>& words) {
    return Json::parse(exec(words, "json").out).at(0);
  };
  Output output = exec({"nosuchcmd", "x"}, "table");
  EXPECT_EQ(output.code, 1) << output.err;
  EXPECT_EQ(output.out, "n1: command not found: nosuchcmd\n");
  EXPECT_NE(output.err.find("n1: exit code 127"), std::string::npos) << output.err;
  EXPECT_EQ(json({"./nosuchfile"}).at("code"), 127);
  EXPECT_EQ(json({"/"}).at("code"), 126);
  EXPECT_EQ(json({"sh", "-c", "exit 127"}).at("code"), 127);
  EXPECT_EQ(json({"sh", "-c", "echo said >&2"}).at("err"), "said\n");

  output = exec({"sh", "-c", "echo so far; kill -KILL $$"}, "table");
  EXPECT_EQ(output.code, 1) << output.err;
  EXPECT_EQ(output.out, "n1: so far\n");
  EXPECT_NE(output.err.find("n1: ended by SIGKILL (exit code 137)"), std::string::npos)
      << output.err;
  const Json killed = json({"sh", "-c", "kill -SEGV $$"});
  EXPECT_EQ(killed.at("code"), 139);
  EXPECT_EQ(killed.at("signal"), "SEGV");
}

TEST_F(FeatureTest, HostsAreAddedAfterALookAtTheirKeys) {
  const std::string file = servers_.Path("new.yaml");
  const std::string head =
      "connect_timeout: 10s  # short\nssh_config: " + servers_.Path("ssh_config") +
      "\ndefaults: {user: " + servers_.HostOf(0).user + ", identity_file: " + servers_.Path("key") +
      "}\n";
  std::ofstream(file) << head + "hosts: []  # none yet\n";
  // An empty list is an error of an inventory, with its place.
  EXPECT_EQ(Dml({"cluster", "add", "127.0.0.1", "-c", file}).code, 2);
  const std::string first =
      fmt::format("{}:{}", servers_.server(0).address(), servers_.server(0).port());
  std::ofstream(file) << head + fmt::format(
                                    "hosts:\n  - {{name: n2, host: 127.0.0.1, port: {}}}"
                                    "  # the other\n",
                                    servers_.server(1).port());
  const std::string before = *ReadFile(file);
  const Output refused = Dml({"cluster", "add", first, "-c", file});
  EXPECT_EQ(refused.code, 3) << "nobody is there to say yes";
  EXPECT_NE(refused.err.find("SHA256:"), std::string::npos) << refused.err;
  EXPECT_EQ(*ReadFile(file), before);

  const Output added = Dml({"cluster", "add", first, "--accept-new-host-keys", "-c", file});
  EXPECT_EQ(added.code, 0) << added.err;
  EXPECT_NE(added.out.find("ssh-ed25519 SHA256:"), std::string::npos) << added.out;
  EXPECT_EQ(*ReadFile(file),
            before + fmt::format("  - {{host: \"{}\", port: {}}}\n", servers_.server(0).address(),
                                 servers_.server(0).port()));
  const std::string after = *ReadFile(file);
  EXPECT_EQ(Dml({"cluster", "add", first, "-c", file}).code, 0) << "a second time";
  EXPECT_EQ(*ReadFile(file), after);

  servers_.server(0).Stop();
  servers_.server(0).NewHostKey();
  servers_.server(0).Start();
  const Output changed = Dml({"cluster", "add", first, "--accept-new-host-keys", "-c", file});
  EXPECT_EQ(changed.code, 3);
  EXPECT_NE(changed.err.find("HAS CHANGED"), std::string::npos) << changed.err;
}

TEST_F(FeatureTest, ADrainedNodeGetsNothingNewUntilSomebodySaysSo) {
  SetUpCluster();
  const std::string steps =
      "  - id: a\n    foreach: [1, 2, 3, 4]\n    run: \"echo $DML_NODE ${item}\"\n";
  ASSERT_EQ(Dml({"cluster", "drain", "n1", "--reason", "new disk", "-c", inventory_}).code, 0);
  const Output status = Dml({"cluster", "status", "-c", inventory_});
  EXPECT_EQ(status.code, 0) << status.out;
  EXPECT_NE(status.out.find("drained: new disk"), std::string::npos) << status.out;
  const Output run = Run(steps);
  ASSERT_EQ(run.code, 0) << run.err;
  EXPECT_NE(run.err.find("n1: left out for now: drained: new disk"), std::string::npos) << run.err;
  for (const char* task : {"a[0]", "a[1]", "a[2]", "a[3]"}) {
    EXPECT_EQ(LogOf(task).substr(0, 3), "n2 ") << task;
  }
  ASSERT_EQ(Dml({"cluster", "drain", "n2", "-c", inventory_}).code, 0);
  const Output none = Run("  - id: b\n    run: \"true\"\n");
  EXPECT_EQ(none.code, 3) << none.err;
  EXPECT_NE(none.err.find("drained: new disk"), std::string::npos) << none.err;
  ASSERT_EQ(Dml({"cluster", "undrain", "n1", "-c", inventory_}).code, 0);
  ASSERT_EQ(Run("  - id: b\n    run: \"echo $DML_NODE\"\n").code, 0);
  EXPECT_EQ(LogOf("b"), "n1\n");
  EXPECT_EQ(Dml({"cluster", "drain", "n9", "-c", inventory_}).code, 2);
}

TEST_F(FeatureTest, ANodeTellsWhatHappenedThere) {
  SetUpCluster();
  ASSERT_EQ(
      Run("  - {id: fine, run: \"true\"}\n  - {id: bad, needs: fine, run: \"exit 3\"}\n").code, 1);
  const Output logs = Dml({"cluster", "logs", "-c", inventory_});
  EXPECT_EQ(logs.code, 0) << logs.err;
  EXPECT_NE(logs.out.find("n1: "), std::string::npos) << logs.out;
  EXPECT_NE(logs.out.find("the agent begins as process"), std::string::npos) << logs.out;
  EXPECT_NE(logs.out.find("r1 'fine' attempt 1: succeeded"), std::string::npos) << logs.out;
  EXPECT_NE(logs.out.find("r1 'bad' attempt 1: failed with exit code 3"), std::string::npos)
      << logs.out;
  const Output last = Dml({"cluster", "logs", "n1", "-n", "1", "-c", inventory_});
  EXPECT_EQ(std::ranges::count(last.out, '\n'), 1) << last.out;
}

TEST_F(FeatureTest, EnvInitIsSeenByCommandsAndFindsTheirPrograms) {
  fs::create_directories(servers_.Path("venv/bin"));
  std::ofstream(servers_.Path("venv/bin/tool")) << "#!/bin/sh\necho tool of $VENV $ALSO\n";
  ::chmod(servers_.Path("venv/bin/tool").c_str(), 0755);
  std::ofstream(servers_.Path("activate"))
      << "echo hello\nexport VENV=mine PATH=" + servers_.Path("venv/bin") + ":$PATH\n";
  inventory_ = servers_.WriteInventory("  env: {ALSO: \"it's\"}\n  env_init: \". " +
                                       servers_.Path("activate") + "\"\n");
  SetUpCluster();
  const Output run =
      Run("  - {id: a, run: [tool]}\n  - {id: b, run: [tool], env: {VENV: its own}}\n");
  ASSERT_EQ(run.code, 0) << run.out << run.err;
  EXPECT_EQ(LogOf("a"), "tool of mine it's\n");
  EXPECT_EQ(LogOf("b"), "tool of its own it's\n");
}

TEST_F(FeatureTest, AnEnvInitThatFailsIsAVerdictOnTheNode) {
  inventory_ = servers_.WriteInventory("  env_init: \"echo no such thing; false\"\n");
  SetUpCluster();
  const Output run = Run("  - {id: a, run: \"true\"}\n");
  EXPECT_EQ(run.code, 3) << run.err;
  EXPECT_NE(run.err.find("env_init failed with exit code 1: no such thing"), std::string::npos)
      << run.err;
}

// The line that `dml cluster key` prints makes a key that runs pipelines, and nothing else.
TEST_F(FeatureTest, ARestrictedKeyRunsPipelinesAndNothingElse) {
  const std::string workdir = servers_.server(0).root();
  inventory_ = servers_.WriteInventory("  workdir: " + workdir + "\n");
  ASSERT_EQ(
      Dml({"cluster", "setup", "--accept-new-host-keys", "--only", "n1", "-c", inventory_}).code,
      0);
  const auto made =
      RunProgram({"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", servers_.Path("narrow")},
                 Duration::Seconds(60));
  ASSERT_TRUE(made.ok() && made->code == 0);
  const std::string line = Dml({"cluster", "key", "--only", "n1", "-c", inventory_}).out;
  ASSERT_NE(line.find("restrict,command=\""), std::string::npos) << line;
  // Now the server takes this key only, and obeys its line rather than the tests' own.
  servers_.server(0).Stop();
  std::ofstream(servers_.Path("n1/narrow_keys"))
      << line.substr(0, line.find_last_not_of('\n') + 1) << *ReadFile(servers_.Path("narrow.pub"));
  std::ofstream(servers_.Path("n1/sshd_config"), std::ios::app)
      << "Match all\nForceCommand none\nAuthorizedKeysFile " << servers_.Path("n1/narrow_keys")
      << "\n";
  servers_.server(0).Start();
  std::string text = *ReadFile(inventory_);
  text.replace(text.find(servers_.Path("key")), servers_.Path("key").size(),
               servers_.Path("narrow"));
  text.erase(text.find("  - {name: n2"));
  std::ofstream(inventory_) << text;
  const Output run = Run("  - {id: a, run: \"echo here > o\", outputs: {o: o}}\n");
  EXPECT_EQ(run.code, 0) << run.out << run.err;
  const Output exec = Dml(
      {"cluster", "exec", "-c", inventory_, "--", "touch", servers_.server(0).home() + "/touched"});
  EXPECT_NE(exec.code, 0);
  EXPECT_FALSE(fs::exists(servers_.server(0).home() + "/touched"));
}

TEST_F(FeatureTest, ExplainSaysWhereATaskWent) {
  SetUpCluster();
  ASSERT_EQ(Run("  - {id: a, run: \"true\"}\n").code, 0);
  const Output explained = Dml({"explain", "a", "--home", servers_.Path("h")});
  EXPECT_NE(explained.out.find("attempt 1 went on n1: 0 of 2 cores were in use"), std::string::npos)
      << explained.out;
}

TEST_F(FeatureTest, AttemptsThatWereLostAreForgivenAsOftenAsThePipelineSays) {
  SetUpCluster();
  const Output run =
      Run("  - id: a\n    retry: {infrastructure_limit: 1, backoff: 10ms}\n"
          "    run: 'kill -9 $PPID; sleep 60'\n");
  EXPECT_EQ(run.code, 3) << run.err;
  EXPECT_NE(run.err.find("; 2 attempts were lost, and retry.infrastructure_limit is 1: `dml "
                         "resume` tries as often again\n"),
            std::string::npos)
      << run.err;
  const Output explained = Dml({"explain", "a", "--home", servers_.Path("h")});
  EXPECT_NE(explained.out.find("attempt 2 went on n"), std::string::npos) << explained.out;
  EXPECT_EQ(explained.out.find("attempt 3"), std::string::npos) << explained.out;
}

// What others have put into the folder of a node is theirs.
TEST_F(FeatureTest, DownLeavesWhatItDidNotPutThere) {
  SetUpCluster();
  std::ofstream(servers_.server(0).root() + "/notes.txt") << "mine";
  ASSERT_EQ(Dml({"cluster", "drain", "n1", "-c", inventory_}).code, 0);
  EXPECT_EQ(Dml({"cluster", "down", "-c", inventory_}).code, 0);
  std::vector<std::string> left;
  for (const auto& entry : fs::directory_iterator(servers_.server(0).root())) {
    left.push_back(entry.path().filename().string());
  }
  EXPECT_EQ(left, std::vector<std::string>{"notes.txt"});
  EXPECT_FALSE(fs::exists(servers_.server(1).root()));
}

// A node needs a kernel and nothing else: no shell, no library, not even /proc.
TEST(BareNode, TheWorkerProgramRunsInAnEmptyRootDirectory) {
  std::string root = (fs::temp_directory_path() / "dml-bare-XXXXXX").string();
  ASSERT_NE(::mkdtemp(root.data()), nullptr);
  fs::copy_file(DML_BINARY_DIR "/dml-worker", root + "/dml-worker");
  std::vector<std::string> argv{"chroot", root, "/dml-worker", "probe", "--root", "/node"};
  if (::geteuid() != 0) argv.insert(argv.begin(), {"unshare", "-r"});
  const auto probed = RunProgram(argv, Duration::Seconds(60));
  fs::remove_all(root);
  ASSERT_TRUE(probed.ok());
  EXPECT_EQ(probed->code, 0) << probed->err;
  const std::string marker = "<<dml-probe>> ";
  const std::size_t at = probed->out.find(marker);
  ASSERT_NE(at, std::string::npos) << probed->out << probed->err;
  const Json facts = Json::parse(probed->out.substr(at + marker.size()), nullptr, false);
  EXPECT_GE(facts.value("cpus", 0.0), 1);
  EXPECT_EQ(facts["node"].value("running", -1), 0);
}

}  // namespace
}  // namespace dml::ssh
