// What a bridge carries, whatever it stands between.

#include "runners/node/bridge.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <string>
#include <string_view>
#include <thread>

#include "base/file_descriptor.h"
#include "base/hash.h"
#include "runners/node/unix_socket.h"

namespace dml::node {
namespace {

namespace fs = std::filesystem;

// More than any pipe or socket on the way holds.
constexpr std::size_t kAmount = 8U << 20;

std::string Noise(std::size_t size) {
  std::string noise;
  for (Digest next; noise.size() < size;) {
    next = Sha256::Of(noise.substr(noise.size() - std::min<std::size_t>(noise.size(), 64)));
    // Each piece many times, with its number in front: nothing of it is like the rest.
    for (int i = 0; i < 1000; ++i) noise += std::to_string(i) + next.Hex();
  }
  noise.resize(size);
  return noise;
}

// In place of an agent: takes everything that one head says, and then says it all.
[[noreturn]] void TakeAndSayAgain(int listener, std::size_t amount) {
  pollfd waiting{listener, POLLIN, 0};
  ::poll(&waiting, 1, -1);
  const int head = AcceptOwn(listener);
  std::string said;
  std::array<char, 65536> block{};
  while (said.size() < amount) {
    waiting = {head, POLLIN, 0};
    ::poll(&waiting, 1, -1);
    const ssize_t got = ::read(head, block.data(), block.size());
    if (got <= 0) ::_exit(1);
    said.append(block.data(), static_cast<std::size_t>(got));
  }
  const int failed = WriteAll(head, said);
  ::_exit(failed == 0 ? 0 : 1);
}

struct Ends {
  FileDescriptor from;
  FileDescriptor to;
};

Ends MakePipe() {
  std::array<int, 2> ends{};
  EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

Ends MakeSockets() {
  std::array<int, 2> ends{};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
  return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

// What comes back from a bridge that stands between two such pairs, behind its first words.
std::string SendThrough(Ends up, Ends down, const std::string& words) {
  std::string folder = (fs::temp_directory_path() / "dml-bridge-XXXXXX").string();
  EXPECT_NE(::mkdtemp(folder.data()), nullptr);
  const auto listener = ListenAt(folder, "agent.sock");
  EXPECT_TRUE(listener.ok());
  const pid_t agent = ::fork();
  if (agent == 0) TakeAndSayAgain(*listener, words.size());
  const pid_t bridge = ::fork();
  if (bridge == 0) {
    ::dup2(up.from.get(), 0);
    ::dup2(down.to.get(), 1);
    up.to.Close();
    ::_exit(ServeBridge(folder, {"/bin/false"}));
  }
  ::close(*listener);
  up.from.Close();
  down.to.Close();
  const std::jthread writer([&] { WriteAll(up.to.get(), words); });
  std::string heard;
  std::array<char, 65536> block{};
  for (ssize_t got = 0; (got = ::read(down.from.get(), block.data(), block.size())) > 0;) {
    heard.append(block.data(), static_cast<std::size_t>(got));
    // Slower than the agent says it: what is on the way fills up.
    ::poll(nullptr, 0, heard.size() < (1U << 20) ? 1 : 0);
  }
  int status = 0;
  ::waitpid(agent, &status, 0);
  EXPECT_EQ(status, 0);
  ::waitpid(bridge, &status, 0);
  EXPECT_EQ(status, 0);
  fs::remove_all(folder);
  const std::size_t marker = heard.find(kBridgeMarker);
  const std::size_t line = heard.find('\n', marker + kBridgeMarker.size());
  EXPECT_NE(marker, std::string::npos);
  return heard.substr(line + 1);
}

TEST(BridgeBytes, ThroughPipesAsSshdMakesThem) {
  const std::string words = Noise(kAmount);
  EXPECT_TRUE(SendThrough(MakePipe(), MakePipe(), words) == words);
}

TEST(BridgeBytes, ThroughSocketsAsOtherServersMakeThem) {
  const std::string words = Noise(kAmount);
  EXPECT_TRUE(SendThrough(MakeSockets(), MakeSockets(), words) == words);
}

}  // namespace
}  // namespace dml::node
