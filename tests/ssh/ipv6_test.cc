// Nodes that are reached over IPv6: by an inventory, by a host file, and through a jump host.

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "tests/send_signal.h"
#include "tests/ssh/program_fixture.h"

namespace dml::ssh {
namespace {

// Two servers that listen on IPv6, too. As hosts, each has an address of its own at its cable.
class Ipv6Test : public ProgramFixture {
 protected:
  Ipv6Test()
      : ProgramFixture(std::vector<ServerOptions>(
            2,
            {"/bin/sh", "", Machine::Allowed() ? "ListenAddress ::\n" : "ListenAddress ::1\n"})) {}

  void SetUp() override {
    if (!std::filesystem::exists("/proc/net/if_inet6")) GTEST_SKIP() << "no IPv6 here";
    for (std::size_t i = 0; i < servers_.size(); ++i) {
      Server& server = servers_.server(i);
      WaitUntil([&] { return server.Log().find("listening on ::") != std::string::npos; },
                "sshd listens on IPv6");
      if (!Machine::Allowed()) continue;
      const std::string add = "PATH=/sbin:/usr/sbin:/bin:/usr/bin; ip -6 addr add ";
      const std::string net = fmt::format("fd77:0:0:{}::", i + 1);
      EXPECT_EQ(server.RunThere({"/bin/sh", "-c", add + net + "2/64 dev eth0 nodad"}), 0);
      const auto here =
          RunProgram({"/bin/sh", "-c", fmt::format("{}{}1/64 dev dml{} nodad", add, net, i + 1)},
                     Duration::Seconds(30));
      EXPECT_TRUE(here.ok() && here->code == 0);
    }
  }
  static std::string Address(std::size_t i) {
    return Machine::Allowed() ? fmt::format("fd77:0:0:{}::2", i + 1) : "::1";
  }
  std::string WithPort(const std::string& address, std::size_t i) {
    return fmt::format("[{}]:{}", address, servers_.server(i).port());
  }
  // What every host of an inventory has.
  [[nodiscard]] std::string Defaults() const {
    return fmt::format(
        "connect_timeout: 30s\nssh_config: {}\ndefaults: {{user: {}, identity_file: {}}}\nhosts:\n",
        servers_.Path("ssh_config"), servers_.HostOf(0).user, servers_.Path("key"));
  }
  // From the first look at a node to its last farewell; `nodes` is where tasks may say that they
  // ran.
  void ExpectAClusterOf(const std::string& inventory, const std::set<std::string>& nodes) {
    inventory_ = inventory;
    const Output unknown = Dml({"cluster", "check", "-c", inventory_});
    EXPECT_EQ(unknown.code, 3);
    EXPECT_NE(unknown.out.find("host key"), std::string::npos) << unknown.out << unknown.err;
    ASSERT_NO_FATAL_FAILURE(SetUpCluster());
    const Output check = Dml({"cluster", "check", "-c", inventory_});
    EXPECT_EQ(check.code, 0) << check.out << check.err;
    const std::string pipeline =
        Write("p.yaml", "steps:\n  - {id: where, run: \"echo it is $DML_NODE\"}\n");
    const std::string home = servers_.Path("h");
    const Output run = Dml({"run", pipeline, "--cluster", inventory_, "--home", home});
    EXPECT_EQ(run.code, 0) << run.out << run.err;
    const std::string said = Dml({"logs", "where", "--home", home}).out;
    EXPECT_TRUE(said.starts_with("it is ") && nodes.contains(said.substr(6, 2))) << said;
    const Output down = Dml({"cluster", "down", "-c", inventory_});
    EXPECT_EQ(down.code, 0) << down.out << down.err;
  }
};

TEST_F(Ipv6Test, AnInventoryHasTheAddressAndThePort) {
  std::string text = Defaults();
  for (std::size_t i = 0; i < 2; ++i) {
    text += fmt::format("  - {{name: n{}, host: \"{}\", port: {}}}\n", i + 1, Address(i),
                        servers_.server(i).port());
  }
  ExpectAClusterOf(Write("six.yaml", text), {"n1", "n2"});
  const std::string log = servers_.server(0).Log();
  const std::string from = Machine::Allowed() ? "from fd77:0:0:1::1 port" : "from ::1 port";
  EXPECT_NE(log.find(from), std::string::npos) << log;
}

// Which has no place for keys: an agent holds them.
TEST_F(Ipv6Test, AHostFileHasThemInBrackets) {
  const std::string socket = servers_.Path("agent");
  const pid_t agent = ::fork();
  if (agent == 0) {
    ::dup2(::open("/dev/null", O_WRONLY | O_CLOEXEC), STDOUT_FILENO);
    ::execlp("ssh-agent", "ssh-agent", "-D", "-a", socket.c_str(), nullptr);
    ::_exit(127);
  }
  WaitUntil([&] { return std::filesystem::exists(socket); }, "the agent is there");
  ::setenv("SSH_AUTH_SOCK", socket.c_str(), 1);
  const auto added = RunProgram({"ssh-add", "-q", servers_.Path("key")}, Duration::Seconds(60));
  EXPECT_TRUE(added.ok() && added->code == 0);
  std::string text;
  for (std::size_t i = 0; i < 2; ++i) {
    text += fmt::format("{} slots=2 user={}\n", WithPort(Address(i), i), servers_.HostOf(i).user);
  }
  ExpectAClusterOf(Write("hosts", text), {"n1", "n2"});
  ::unsetenv("SSH_AUTH_SOCK");
  SendSignal(agent, SIGTERM);
  ::waitpid(agent, nullptr, 0);
}

// The first is the gate, by its address; what is behind it has one that only the gate can reach.
TEST_F(Ipv6Test, AJumpHostHasThemInBrackets) {
  std::ofstream(servers_.Path("ssh_config"))
      << "UserKnownHostsFile " << servers_.Path("nobody")
      << "\nGlobalKnownHostsFile /dev/null\nIdentitiesOnly yes\nIdentityFile "
      << servers_.Path("key") << "\n";
  const std::string gate = servers_.HostOf(0).user + "@" + WithPort(Address(0), 0);
  const std::size_t behind = Machine::Allowed() ? 0 : 1;
  ExpectAClusterOf(
      Write("six.yaml", Defaults() + fmt::format("  - {{name: inner, host: \"::1\", "
                                                 "port: {}, jump: \"{}\"}}\n",
                                                 servers_.server(behind).port(), gate)),
      {fmt::format("n{}", behind + 1)});
  const std::string log = servers_.server(behind).Log();
  EXPECT_NE(log.find("from ::1 port"), std::string::npos) << log;
}

}  // namespace
}  // namespace dml::ssh
