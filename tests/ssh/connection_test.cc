// Ways to a node other than the straight one: through other hosts, with keys that are locked or in
// an agent, past servers that turn some away.

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "runners/ssh/ordered_agent.h"
#include "runners/ssh/remote.h"
#include "runners/ssh/session.h"
#include "runners/ssh/subprocess.h"
#include "tests/ssh/sshd_fixture.h"

namespace dml::ssh {
namespace {

class ConnectionTest : public ::testing::Test {
 protected:
  explicit ConnectionTest(const std::vector<ServerOptions>& servers) : servers_(servers) {
    for (std::size_t i = 0; i < servers_.size(); ++i) EXPECT_EQ(Open(servers_.HostOf(i), true), "");
  }

  // What is wrong, with the hint; nothing if it works.
  std::string Open(const Host& host, bool accept = false) {
    ConnectOptions options;
    options.timeout = Duration::Seconds(20);
    if (accept) options.accept_unknown = [](const Host&, const HostKey&) { return true; };
    Stage reached = Stage::kReach;
    session_.reset();
    auto opened = SshSession::Open(host, options, reached);
    if (!opened.ok()) return opened.error().message + "; " + opened.error().hint;
    session_ = std::move(opened).value();
    return "";
  }

  SshdFixture servers_;
  std::unique_ptr<SshSession> session_;
};

class JumpTest : public ConnectionTest {
 protected:
  JumpTest() : ConnectionTest(std::vector<ServerOptions>(3)) {
    std::ofstream config(servers_.Path("ssh_config"));
    for (std::size_t i = 0; i < 2; ++i) {
      const Host host = servers_.HostOf(i);
      config << fmt::format(
          "Host gate{}\n HostName {}\n Port {}\n User {}\n IdentityFile {}\n IdentitiesOnly yes\n"
          " UserKnownHostsFile {}\n StrictHostKeyChecking no\n",
          i + 1, host.address, host.port, host.user, servers_.Path("key"),
          servers_.Path("known_hosts"));
    }
  }
};

TEST_F(JumpTest, OneOrMoreHostsMayStandInBetween) {
  // The hosts of the tests do not reach each other, but each reaches itself.
  Host host = servers_.HostOf(0);
  for (const char* jump : {"gate1", "gate1,gate1", "[gate1]", "[gate1]:22"}) {
    // As OpenSSH writes an address; here, of a host of its own.
    if (std::string(jump).ends_with(":22") && host.port != 22) continue;
    host.jump = jump;
    ASSERT_EQ(Open(host), "") << jump;
    const auto output = RunRemote(*session_, "echo $DML_NODE", "", Duration::Seconds(20));
    ASSERT_TRUE(output.ok());
    EXPECT_EQ(output->out, "n1\n");
  }
}

TEST_F(JumpTest, WhatAJumpHostSaysIsShown) {
  Host host = servers_.HostOf(2);
  host.jump = "gate1,nowhere.invalid";
  EXPECT_NE(Open(host).find("the jump host says: "), std::string::npos) << Open(host);
  host.jump = "gate2";
  servers_.server(1).Stop();
  EXPECT_NE(Open(host).find("Connection refused"), std::string::npos) << Open(host);
}

// "StrictHostKeyChecking no" of the user's configuration does not count.
TEST_F(JumpTest, AJumpHostHasToBeKnownAtEveryHop) {
  std::filesystem::rename(servers_.Path("known_hosts"), servers_.Path("known"));
  Host host = servers_.HostOf(2);
  host.known_hosts = {servers_.Path("known")};
  for (const char* jump : {"gate1", "gate2,gate1"}) {
    host.jump = jump;
    EXPECT_NE(Open(host).find("Host key verification failed"), std::string::npos) << Open(host);
  }
}

class KeyTest : public ConnectionTest {
 protected:
  KeyTest() : ConnectionTest(std::vector<ServerOptions>(1)), host_(servers_.HostOf(0)) {
    locked_ = servers_.Path("locked");
    std::filesystem::copy_file(servers_.Path("key"), locked_);
    ::chmod(locked_.c_str(), 0600);
    EXPECT_EQ(Ran({"ssh-keygen", "-q", "-p", "-P", "", "-N", "a secret", "-f", locked_}), 0);
    host_.identity_files = {locked_};
  }
  ~KeyTest() override {
    ::unsetenv("SSH_AUTH_SOCK");
    if (agent_ > 0) ::kill(agent_, SIGKILL);
  }
  void StartAgent() {
    const std::string socket = servers_.Path("agent.sock");
    const auto started = RunProgram({"ssh-agent", "-s", "-a", socket}, Duration::Seconds(20));
    ASSERT_TRUE(started.ok() && started->code == 0);
    agent_ = std::atoi(started->out.c_str() + started->out.find("SSH_AGENT_PID=") + 14);
    ::setenv("SSH_AUTH_SOCK", socket.c_str(), 1);
  }
  static int Ran(const std::vector<std::string>& argv) {
    const auto output = RunProgram(argv, Duration::Seconds(60));
    return output.ok() ? output->code : -1;
  }

  Host host_;
  std::string locked_;
  pid_t agent_ = 0;
};

TEST_F(KeyTest, ALockedKeyIsAnErrorThatNamesSshAdd) {
  const std::string message = Open(host_);
  EXPECT_NE(message.find(locked_ + " (locked by a passphrase)"), std::string::npos) << message;
  EXPECT_NE(message.find("`ssh-add " + locked_ + "`"), std::string::npos) << message;
  std::ofstream(locked_) << "nonsense";
  EXPECT_NE(Open(host_).find("(cannot be read as a private key)"), std::string::npos);
}

TEST_F(KeyTest, TheAgentHasItUnlocked) {
  StartAgent();
  EXPECT_NE(Open(host_), "") << "an agent without keys";
  ASSERT_EQ(Ran({"ssh-add", "-q", servers_.Path("key")}), 0);
  EXPECT_EQ(Open(host_), "");
}

// A server hears out six keys. The one that the host is configured for is offered first.
TEST_F(KeyTest, TheAgentOffersTheRightOneOfManyKeysFirst) {
  StartAgent();
  for (int i = 0; i < 8; ++i) {
    const std::string other = servers_.Path("other" + std::to_string(i));
    ASSERT_EQ(Ran({"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", other}), 0);
    ASSERT_EQ(Ran({"ssh-add", "-q", other}), 0);
  }
  ASSERT_EQ(Ran({"ssh-add", "-q", servers_.Path("key")}), 0);
  const std::string lost = Open(host_);
  EXPECT_NE(lost.find("the 9 keys of the agent"), std::string::npos) << lost;
  EXPECT_NE(lost.find("name the one with identity_file:"), std::string::npos) << lost;
  std::filesystem::copy_file(servers_.Path("key.pub"), locked_ + ".pub");
  EXPECT_EQ(Open(host_), "");
  host_.identity_files = {locked_ + ".pub"};
  ::chmod((locked_ + ".pub").c_str(), 0600);
  EXPECT_EQ(Open(host_), "") << "a file that only names the key";
}

// Servers hang up after some keys that do not fit; libssh used to go on waiting for ten seconds.
TEST_F(KeyTest, ManyKeysThatDoNotFitAreSaidSoonAndNamed) {
  StartAgent();
  for (int i = 0; i < 8; ++i) {
    const std::string other = servers_.Path("other" + std::to_string(i));
    ASSERT_EQ(Ran({"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "key " + std::to_string(i),
                   "-f", other}),
              0);
    ASSERT_EQ(Ran({"ssh-add", "-q", other}), 0);
  }
  const SystemClock clock;
  Instant before = clock.Now();
  const std::string lost = Open(host_);
  EXPECT_LT((clock.Now() - before).seconds(), 10);  // of the 20 of Open()
  EXPECT_NE(lost.find("the 8 keys of the agent (key 0, key 1, key 2, key 3, key 4, key 5, ...)"),
            std::string::npos)
      << lost;
  EXPECT_NE(lost.find("then it hung up: "), std::string::npos) << lost;
  EXPECT_NE(lost.find("Too many authentication failures"), std::string::npos) << lost;
  ::unsetenv("SSH_AUTH_SOCK");
  for (int i = 0; i < 8; ++i) {
    host_.identity_files.push_back(servers_.Path("other" + std::to_string(i)));
  }
  before = clock.Now();
  EXPECT_NE(Open(host_), "");
  EXPECT_LT((clock.Now() - before).seconds(), 10) << "files that do not fit either";
}

TEST_F(KeyTest, AnAgentThatDoesNotAnswerIsGivenUp) {
  StartAgent();
  ASSERT_EQ(Ran({"ssh-add", "-q", servers_.Path("key")}), 0);
  ::kill(agent_, SIGSTOP);
  const SystemClock clock;
  const Instant before = clock.Now();
  const std::string lost = Open(host_);
  EXPECT_LT((clock.Now() - before).seconds(), 15);  // of the 20 of Open()
  EXPECT_NE(lost.find("the agent at " + servers_.Path("agent.sock") + ", which does not answer"),
            std::string::npos)
      << lost;
  EXPECT_NE(lost.find("end that agent or wake it"), std::string::npos) << lost;
  ::kill(agent_, SIGCONT);
  EXPECT_EQ(Open(host_), "");
}

TEST(OrderedAgent, ChangesNothingButTheOrder) {
  const std::string a = "a";
  const std::string b = "bb";
  EXPECT_EQ(PublicKeyOf("ssh-x AAAABXNzaC14eA== me"), std::string("\0\0\0\x05ssh-xx", 10));
  EXPECT_EQ(PublicKeyOf("ssh-y AAAABXNzaC14eA== me"), "") << "of another type";
  EXPECT_EQ(PublicKeyOf("ssh-x"), "");
  EXPECT_EQ(PublicKeyOf("-----BEGIN OPENSSH PRIVATE KEY-----"), "");
  const auto text = [](const std::string& of) {
    return std::string(3, '\0') + static_cast<char>(of.size()) + of;
  };
  const auto list = [&](const std::string& first, const std::string& second) {
    return "\x0c" + std::string("\0\0\0\2", 4) + text(first) + text("c") + text(second) + text("c");
  };
  EXPECT_EQ(InOrder(list(a, b), {b}), list(b, a));
  EXPECT_EQ(InOrder(list(a, b), {}), list(a, b));
  EXPECT_EQ(NamesIn(list(a, b)), (std::vector<std::string>{"c", "c"}));
  const std::string cut = list(a, b).substr(0, 12);
  for (const std::string& other : {std::string(), std::string("\x0c\xff\xff\xff\xff", 5), cut}) {
    EXPECT_EQ(InOrder(other, {a}), other);
    EXPECT_TRUE(NamesIn(other).empty());
  }
}

class KnownHostsTest : public ConnectionTest {
 protected:
  KnownHostsTest() : ConnectionTest(std::vector<ServerOptions>(1)) {}
  ~KnownHostsTest() override { ::unsetenv("DML_KNOWN_HOSTS"); }
};

// Otherwise a line that is broken would make of a key that has changed one that nobody knows.
TEST_F(KnownHostsTest, ThatCannotBeReadAskNobodyToTrust) {
  Host host = servers_.HostOf(0);
  host.known_hosts = {servers_.Path("broken")};
  ::setenv("DML_KNOWN_HOSTS", servers_.Path("none").c_str(), 1);
  std::ofstream(host.known_hosts[0]) << std::string(100'000, 'x') << "\n";
  NodeFacts facts;
  bool asked = false;
  const auto trust = [&](const Host&, const HostKey&) { return asked = true; };
  auto problem = LogIn(host, {Duration::Seconds(20), trust}, facts);
  EXPECT_FALSE(asked);
  ASSERT_TRUE(problem);
  EXPECT_NE(problem->message.find("'" + host.known_hosts[0] + "' has a line"), std::string::npos)
      << problem->message;
  std::filesystem::remove(host.known_hosts[0]);
  std::filesystem::create_directory(host.known_hosts[0]);
  problem = LogIn(host, {Duration::Seconds(20), trust}, facts);
  EXPECT_TRUE(problem && !asked) << "a folder in its place";
  host.known_hosts = {"/dev/null"};
  problem = LogIn(host, {Duration::Seconds(20), trust}, facts);
  EXPECT_TRUE(!problem && asked) << "nothing is known, and that is meant so";
}

class BusyServerTest : public ConnectionTest {
 protected:
  BusyServerTest() : ConnectionTest({{"/bin/sh", "", "MaxStartups 1:100:1\nMaxSessions 1\n"}}) {}
};

TEST_F(BusyServerTest, WhoIsTurnedAwayComesBack) {
  const Host host = servers_.HostOf(0);
  std::vector<std::string> verdicts(6, "?");
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    threads.emplace_back([&, i] {
      NodeFacts facts;
      const auto problem = LogIn(host, {Duration::Seconds(60), {}}, facts);
      verdicts[i] = problem ? problem->message : "";
    });
  }
  threads.clear();
  EXPECT_EQ(verdicts, std::vector<std::string>(6));
  EXPECT_NE(servers_.server(0).Log().find("MaxStartups"), std::string::npos)
      << "it turned nobody away";
}

// One channel is open at a time, whatever is done on a connection.
TEST_F(BusyServerTest, OneSessionIsEnough) {
  ASSERT_EQ(Open(servers_.HostOf(0)), "");
  for (int i = 0; i < 3; ++i) {
    const auto output = RunRemote(*session_, "echo again", "", Duration::Seconds(20));
    ASSERT_TRUE(output.ok()) << output.error().message;
    EXPECT_EQ(output->out, "again\n");
  }
}

}  // namespace
}  // namespace dml::ssh
