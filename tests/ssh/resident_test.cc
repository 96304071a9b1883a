// How an agent begins, and how soon it is known that it will not.

#include "runners/node/resident.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "base/clock.h"
#include "base/file_descriptor.h"
#include "base/files.h"
#include "runners/node/bridge.h"
#include "runners/node/territory.h"
#include "runners/node/unix_socket.h"
#include "runners/node/upkeep.h"

namespace dml::node {
namespace {

namespace fs = std::filesystem;

class ResidentTest : public ::testing::Test {
 protected:
  ResidentTest() {
    std::string name = (fs::temp_directory_path() / "dml-resident-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    base_ = name;
    options_.root = base_ + "/node";
    options_.worker_argv = {"/bin/false"};
    EXPECT_TRUE(Claim(options_.root).ok());
  }
  ~ResidentTest() override {
    static_cast<void>(TakeDown(options_.root, /*force=*/true));
    fs::remove_all(base_);
  }

  // What a bridge to an agent of that command says, and for how long it looked.
  std::string BridgeTo(const std::vector<std::string>& agent) {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const FileDescriptor hears(ends[0]);
    FileDescriptor says(ends[1]);
    const Instant start = clock_.Now();
    const pid_t bridge = ::fork();
    if (bridge == 0) {
      ::dup2(says.get(), 1);
      ::_exit(ServeBridge(options_.root, agent));
    }
    says.Close();
    std::string text;
    char block[1024];
    for (ssize_t got = 0; (got = ::read(hears.get(), block, sizeof block)) > 0;) {
      text.append(block, static_cast<std::size_t>(got));
    }
    ::waitpid(bridge, nullptr, 0);
    took_ = clock_.Now() - start;
    return text;
  }

  std::string base_;
  AgentOptions options_;
  const SystemClock clock_;
  Duration took_{0};
};

TEST_F(ResidentTest, ItListensWhenItHasBegun) {
  const auto begun = RunResident(options_);
  ASSERT_TRUE(begun.ok()) << begun.error().message;
  const auto fd = ConnectTo(options_.root, "agent.sock");
  ASSERT_TRUE(fd.ok());
  ::close(*fd);
  const auto second = RunResident(options_);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().kind, ErrorKind::kBusy);
}

TEST_F(ResidentTest, WhyItDoesNotBeginIsToldAtOnce) {
  fs::create_directories(options_.root + "/agent.lock");
  const Instant start = clock_.Now();
  const auto begun = RunResident(options_);
  ASSERT_FALSE(begun.ok());
  EXPECT_NE(begun.error().message.find("cannot lock '" + options_.root), std::string::npos)
      << begun.error().message;
  EXPECT_LT((clock_.Now() - start).seconds(), kAgentStartMax.seconds() / 2);
}

TEST_F(ResidentTest, ABridgeSaysSoWithoutWaiting) {
  EXPECT_NE(
      BridgeTo({"/bin/sh", "-c", "echo no space there >&2; exit 1"}).find("failed no space there"),
      std::string::npos);
  EXPECT_LT(took_.seconds(), kAgentStartMax.seconds() / 2);
  EXPECT_NE(BridgeTo({"/bin/false"}).find("failed it ends at once"), std::string::npos);
  EXPECT_LT(took_.seconds(), kAgentStartMax.seconds() / 2);
}

}  // namespace
}  // namespace dml::node
