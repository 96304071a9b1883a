// Hosts by their names in ~/.ssh/config, as `ssh NAME` would find them: behind another host, with
// files that are included, and with paths below the home of the account.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "runners/ssh/subprocess.h"
#include "tests/ssh/sshd_fixture.h"

namespace dml::ssh {
namespace {

namespace fs = std::filesystem;

class AliasTest : public ::testing::Test {
 protected:
  AliasTest() : servers_(std::vector<ServerOptions>(2)) {
    servers_.server(0).Join();
    servers_.server(1).Join();
    home_ = servers_.Path("head/account");
    fs::create_directories(home_ + "/.ssh");
    fs::permissions(home_ + "/.ssh", fs::perms::owner_all);
    fs::copy_file(servers_.Path("key"), home_ + "/.ssh/id_nodes");
    fs::permissions(home_ + "/.ssh/id_nodes", fs::perms::owner_read | fs::perms::owner_write);
    const Host gate = servers_.HostOf(0);
    const Host far = servers_.HostOf(1);
    Write(".ssh/config",
          fmt::format("Include gates\nHost far-*\n  HostName {}\n  Port {}\n  ProxyJump the-gate\n"
                      "Host *\n  User {}\n  IdentityFile ~/.ssh/id_nodes\n  IdentitiesOnly yes\n",
                      far.address, far.port, far.user));
    Write(".ssh/gates",
          fmt::format("Host the-gate\n  HostName {}\n  Port {}\n", gate.address, gate.port));
    Write(".ssh/known_hosts", Known(gate, servers_.server(0)) + Known(far, servers_.server(1)));
    Write("cluster.yaml", "connect_timeout: 20s\nhosts: [far-one]\n");
    Write("p.yaml", "steps:\n  - id: where\n    run: echo it is $DML_NODE\n");
    WriteAccounts();
  }

  static std::string Known(const Host& host, const Server& server) {
    const std::string name =
        host.port == 22 ? host.address : fmt::format("[{}]:{}", host.address, host.port);
    return name + " " + server.HostKey() + "\n";
  }
  void Write(const std::string& name, const std::string& text) const {
    std::ofstream(home_ + "/" + name) << text;
  }
  // OpenSSH asks for the home of the account and not for $HOME.
  void WriteAccounts() const {
    std::ifstream file("/etc/passwd");
    std::ostringstream out;
    for (std::string line; std::getline(file, line);) {
      out << (line.starts_with("root:") ? "root:x:0:0:root:" + home_ + ":/bin/sh" : line) << "\n";
    }
    Write("passwd", out.str());
  }
  // `dml` as somebody whose home that is.
  Output Dml(const std::vector<std::string>& args) const {
    std::vector<std::string> argv{"unshare",
                                  "-m",
                                  "sh",
                                  "-c",
                                  "mount --bind \"$0\" /etc/passwd && exec \"$@\"",
                                  home_ + "/passwd",
                                  "env",
                                  "HOME=" + home_,
                                  std::string("DML_WORKER=") + DML_BINARY_DIR + "/dml-worker",
                                  DML_BINARY_DIR "/dml"};
    argv.insert(argv.end(), args.begin(), args.end());
    auto output = RunProgram(argv, Duration::Seconds(120));
    EXPECT_TRUE(output.ok()) << output.error().message;
    return output.ok() ? *output : Output{};
  }

  SshdFixture servers_;
  std::string home_;
};

TEST_F(AliasTest, AHostBehindAnotherIsFoundByItsAlias) {
  if (!Machine::Allowed()) GTEST_SKIP() << "accounts cannot have another home here";
  const std::string inventory = home_ + "/cluster.yaml";
  const Output setup = Dml({"cluster", "setup", "-c", inventory});
  ASSERT_EQ(setup.code, 0) << setup.out << setup.err;
  const std::string state = home_ + "/.dml";
  const Output run = Dml({"run", home_ + "/p.yaml", "--cluster", inventory, "--home", state});
  EXPECT_EQ(run.code, 0) << run.out << run.err;
  EXPECT_EQ(Dml({"logs", "where", "--home", state}).out, "it is n2\n");
  const std::string log = servers_.server(1).Log();
  EXPECT_NE(log.find("from " + servers_.server(0).address()), std::string::npos) << log;
  EXPECT_EQ(log.find("Accepted publickey for root from 10.77.2.1"), std::string::npos) << log;
}

TEST_F(AliasTest, ABrokenGateIsSaidToBeTheGate) {
  if (!Machine::Allowed()) GTEST_SKIP() << "accounts cannot have another home here";
  servers_.server(0).Stop();
  const Output check = Dml({"cluster", "check", "-c", home_ + "/cluster.yaml"});
  EXPECT_EQ(check.code, 3);
  EXPECT_NE(check.out.find("the jump host says: "), std::string::npos) << check.out;
  EXPECT_NE(check.out.find("Connection refused"), std::string::npos) << check.out;
}

}  // namespace
}  // namespace dml::ssh
