// What a person is told of nodes that are not as they should be, by the program itself.

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>

#include "base/clock.h"
#include "base/files.h"
#include "base/json.h"
#include "tests/send_signal.h"
#include "tests/ssh/program_fixture.h"

namespace dml::ssh {
namespace {

namespace fs = std::filesystem;

class VerdictTest : public ProgramFixture {
 protected:
  explicit VerdictTest(const std::vector<ServerOptions>& servers = std::vector<ServerOptions>(2))
      : ProgramFixture(servers) {}

  Json Ask(const std::string& verb, std::vector<std::string> more = {}) {
    std::vector<std::string> args{"cluster", verb, "-c", inventory_, "-o", "json"};
    args.insert(args.end(), more.begin(), more.end());
    const Output output = Dml(args);
    code_ = output.code;
    return Json::parse(output.out, nullptr, /*allow_exceptions=*/false);
  }
  // Replaces a part of the inventory.
  void Edit(const std::string& what, const std::string& by) const {
    std::string text = *ReadFile(inventory_);
    const std::size_t at = text.find(what);
    ASSERT_NE(at, std::string::npos) << text;
    std::ofstream(inventory_) << text.replace(at, what.size(), by);
  }

  int code_ = 0;
};

TEST_F(VerdictTest, AnAgentThatHangsIsNotReady) {
  SetUpCluster();
  Edit("connect_timeout: 30s", "connect_timeout: 5s");
  const pid_t agent = servers_.server(0).agent();
  SendSignal(agent, SIGSTOP);
  for (const char* verb : {"check", "setup"}) {
    const Json nodes = Ask(verb);
    EXPECT_EQ(code_, 3) << verb;
    EXPECT_EQ(nodes.at(0).at("verdict"), "agent") << nodes;
    EXPECT_NE(nodes[0]["problem"].get<std::string>().find("does not answer"), std::string::npos);
    EXPECT_NE(nodes[0]["hint"].get<std::string>().find("kill -CONT"), std::string::npos);
    EXPECT_EQ(nodes[0]["done"], "") << "nothing was done, and not because nothing had to be";
    EXPECT_EQ(nodes[1]["verdict"], "ready") << nodes;
  }
  SendSignal(agent, SIGCONT);
  Edit("connect_timeout: 5s", "connect_timeout: 30s");
  EXPECT_EQ(Ask("check").at(0).at("verdict"), "ready");
}

TEST_F(VerdictTest, ADrySetupLooksAndSaysWhatIsToBeDone) {
  Json nodes = Ask("setup", {"-n"});
  EXPECT_EQ(code_, 0);
  EXPECT_NE(nodes.at(0).at("done").get<std::string>().find("host key"), std::string::npos);
  EXPECT_FALSE(fs::exists(servers_.server(0).root()));
  SetUpCluster();
  fs::remove_all(servers_.server(1).root() + "/bin");
  nodes = Ask("setup", {"-n"});
  EXPECT_EQ(nodes.at(0).at("done"), "nothing to do");
  EXPECT_EQ(nodes.at(1).at("done"), "would copy the worker program");
  EXPECT_FALSE(fs::exists(servers_.server(1).root() + "/bin"));
  servers_.server(1).Stop();
  nodes = Ask("setup", {"-n"});
  EXPECT_EQ(code_, 3);
  EXPECT_EQ(nodes.at(1).at("done"), "cannot help");
}

TEST_F(VerdictTest, OneMachineUnderTwoNamesIsNotCountedTwice) {
  SetUpCluster();
  std::ofstream(inventory_, std::ios::app)
      << fmt::format("  - {{name: again, host: {}, port: {}}}\n", servers_.server(0).address(),
                     servers_.server(0).port());
  const Json nodes = Ask("check");
  EXPECT_EQ(code_, 3);
  EXPECT_EQ(nodes.at(0).at("verdict"), "ready");
  EXPECT_NE(nodes.at(2).at("problem").get<std::string>().find("same machine and workdir as n1"),
            std::string::npos)
      << nodes;
  std::ofstream(servers_.Path("p.yaml")) << "steps:\n  - {id: a, run: \"true\"}\n";
  const Output run =
      Dml({"run", servers_.Path("p.yaml"), "--cluster", inventory_, "--home", servers_.Path("h")});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_NE(run.err.find("is the same machine and workdir as "), std::string::npos) << run.err;
}

TEST_F(VerdictTest, OneHungNodeHidesNobodysOutput) {
  SetUpCluster();
  const Output exec = Dml({"cluster", "exec", "-c", inventory_, "--timeout", "2s", "--", "sh", "-c",
                           "echo on $DML_NODE; test $DML_NODE = n2 || exec sleep 20"});
  EXPECT_EQ(exec.code, 3);
  EXPECT_EQ(exec.out, "n2: on n2\n");
  EXPECT_NE(exec.err.find("n1: not done after 2.0s"), std::string::npos) << exec.err;
  EXPECT_NE(exec.err.find("on n1"), std::string::npos) << exec.err;
  for (const char* nonsense : {"soon", "0s"}) {
    EXPECT_EQ(Dml({"cluster", "exec", "-c", inventory_, "--timeout", nonsense, "--", "true"}).code,
              2);
  }
}

TEST_F(VerdictTest, DownTakesNothingDownWhileOneNodeIsAtWork) {
  SetUpCluster();
  const std::string begun = servers_.Path("begun");
  const std::string go = servers_.Path("go");
  std::ofstream(servers_.Path("p.yaml")) << fmt::format(
      "steps:\n  - {{id: a, run: \"echo x > {}; while ! test -e {}; do sleep 0.02; done\"}}\n",
      begun, go);
  const pid_t run = ::fork();
  if (run == 0) {
    ::execl(DML_BINARY_DIR "/dml", "dml", "run", servers_.Path("p.yaml").c_str(), "--cluster",
            inventory_.c_str(), "--home", servers_.Path("h").c_str(), "-q", nullptr);
    ::_exit(127);
  }
  WaitUntil([&] { return fs::exists(begun); }, "the task begins");
  const Output down = Dml({"cluster", "down", "-c", inventory_});
  EXPECT_EQ(down.code, 4) << down.out << down.err;
  EXPECT_NE(down.err.find("no node was taken down"), std::string::npos) << down.err;
  for (std::size_t i = 0; i < 2; ++i) EXPECT_GT(servers_.server(i).agent(), 0) << i;
  std::ofstream(go).put('\n');
  int status = -1;
  ::waitpid(run, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(Dml({"cluster", "down", "-c", inventory_}).code, 0);
}

// The first says good-bye, the second sleeps, the third talks without end.
class LoginTest : public VerdictTest {
 protected:
  LoginTest()
      : VerdictTest({{"/bin/bash", "Bye now\\n'; exit 0; '", ""},
                     {"/bin/bash", "Patience\\n'; sleep 15; '", ""},
                     {"/bin/bash", "'; exec yes babble; '", ""}}) {}
};

TEST_F(LoginTest, WhatALoginShellSaysInsteadIsQuotedSoon) {
  Edit("connect_timeout: 30s", "connect_timeout: 4s");
  for (const char* verb : {"setup", "check"}) {
    const SystemClock clock;
    const Instant start = clock.Now();
    const Json nodes =
        std::string(verb) == "setup" ? Ask(verb, {"--accept-new-host-keys"}) : Ask(verb);
    EXPECT_LT((clock.Now() - start).seconds(), 13) << verb;
    EXPECT_EQ(code_, 3);
    const char* const said[] = {"Bye now", "Patience", "babble"};
    for (std::size_t i = 0; i < 3; ++i) {
      const auto problem = nodes.at(i).at("problem").get<std::string>();
      EXPECT_NE(problem.find("no answer from the worker program"), std::string::npos) << problem;
      EXPECT_NE(problem.find(said[i]), std::string::npos) << problem;
      EXPECT_NE(nodes[i]["hint"].get<std::string>().find(".bashrc"), std::string::npos);
      EXPECT_EQ(nodes[i]["done"], "");
    }
  }
  // Nothing has run there, however well the shell ended.
  for (const auto& verb : std::vector<std::vector<std::string>>{{"exec", "--", "true"}, {"logs"}}) {
    std::vector<std::string> args{"cluster", verb[0], "-c", inventory_, "--only", "n1"};
    args.insert(args.end(), verb.begin() + 1, verb.end());
    const Output output = Dml(args);
    EXPECT_EQ(output.code, 3) << verb[0];
    EXPECT_EQ(output.out, "");
    EXPECT_NE(output.err.find("no answer from the worker program; instead: 'Bye now'"),
              std::string::npos)
        << output.err;
  }
}

// The second node behind the first.
class JumpTest : public VerdictTest {
 protected:
  JumpTest() {
    servers_.server(0).Join();
    servers_.server(1).Join();
    const Host gate = servers_.HostOf(0);
    gate_ = fmt::format("{}@{}:{}", gate.user, gate.address, gate.port);
    std::ofstream(servers_.Path("ssh_config"))
        << "UserKnownHostsFile " << servers_.Path("nobody")
        << "\nGlobalKnownHostsFile /dev/null\nIdentitiesOnly yes\nIdentityFile "
        << servers_.Path("key") << "\n";
  }
  std::string gate_;
};

TEST_F(JumpTest, AJumpHostThatOnlyDmlKnowsIsGoneThrough) {
  Edit("{name: n2,", "{name: n2, jump: \"" + gate_ + "\",");
  const Json before = Ask("check", {"--only", "n2"});
  EXPECT_EQ(before.at(0).at("verdict"), "host key") << before;
  EXPECT_NE(before[0]["problem"].get<std::string>().find("the jump host says: "),
            std::string::npos);
  EXPECT_NE(before[0]["hint"].get<std::string>().find("dml cluster setup"), std::string::npos);
  const Json setup = Ask("setup", {"--only", "n2", "--accept-new-host-keys"});
  EXPECT_EQ(setup.at(0).at("verdict"), "ready") << setup;
  EXPECT_EQ(Ask("check", {"--only", "n2"}).at(0).at("verdict"), "ready");
}

TEST_F(JumpTest, AProxyCommandOfTheSshConfigurationIsUsed) {
  std::ofstream(servers_.Path("proxy")) << "exec 3<>/dev/tcp/$1/$2 && echo $3 > " +
                                               servers_.Path("used") + "\ncat <&3 & exec cat >&3\n";
  std::ofstream(servers_.Path("ssh_config"), std::ios::app)
      << "ProxyCommand bash " << servers_.Path("proxy") << " %h %p %r%%\n";
  SetUpCluster();
  EXPECT_EQ(*ReadFile(servers_.Path("used")), servers_.HostOf(0).user + "%\n");
  std::ofstream(servers_.Path("proxy")) << "echo closed for today >&2\n";
  const Json nodes = Ask("check");
  EXPECT_EQ(nodes.at(0).at("verdict"), "unreachable");
  EXPECT_NE(nodes[0]["problem"].get<std::string>().find("ProxyCommand says: closed for today"),
            std::string::npos)
      << nodes;
  std::ofstream(servers_.Path("ssh_config")) << "ProxyCommand nc %h %p %C\n";
  const Output refused = Dml({"cluster", "check", "-c", inventory_});
  EXPECT_EQ(refused.code, 2);
  EXPECT_NE(refused.err.find("ProxyCommand 'nc %h %p %C'"), std::string::npos) << refused.err;
}

}  // namespace
}  // namespace dml::ssh
