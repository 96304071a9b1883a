// The head's end of a connection, without a connection: what it says when.

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "runners/ssh/node_port.h"
#include "runners/ssh/remote.h"

namespace dml::ssh {
namespace {

namespace fs = std::filesystem;
using runners::Frame;
using runners::FrameType;

constexpr Instant At(std::int64_t seconds) { return Instant{} + Duration::Seconds(seconds); }

std::vector<FrameType> TypesIn(const std::string& bytes) {
  runners::FrameDecoder decoder;
  decoder.Feed(bytes);
  std::vector<FrameType> types;
  for (auto frame = decoder.Next(); frame.ok() && *frame; frame = decoder.Next()) {
    types.push_back((*frame)->type);
  }
  return types;
}

// A node that sends all the time must hear from its head all the same.
TEST(NodePort, ItGivesSignsOfLifeWhileItHears) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
  NodePort port;
  port.Open(ends[0], At(0));
  std::string heard;
  std::string frame;
  runners::AppendFrame(FrameType::kPong, "", frame);
  for (std::int64_t second = 1; second <= 30; ++second) {
    ASSERT_EQ(::write(ends[1], frame.data(), frame.size()), static_cast<ssize_t>(frame.size()));
    EXPECT_TRUE(port.Receive(At(second)).empty());
    port.Heartbeat(At(second));
    port.Flush();
  }
  char block[4096];
  const ssize_t got = ::read(ends[1], block, sizeof block);
  ASSERT_GT(got, 0);
  heard.assign(block, static_cast<std::size_t>(got));
  EXPECT_EQ(TypesIn(heard), std::vector<FrameType>(6, FrameType::kPing));
  EXPECT_FALSE(port.broken());
  port.Heartbeat(At(31) + kSilenceMax);
  EXPECT_TRUE(port.broken());
  ::close(ends[1]);
}

// What a node sends is no more believed than what a head sends.
TEST(NodePort, APackedPieceThatIsTooLargeBreaksIt) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
  NodePort port;
  port.Open(ends[0], At(0));
  node::Compressor compressor;
  const auto packed = compressor.Pack(std::string(4 * node::kChunkBytesMax, '\0'), std::nullopt);
  ASSERT_TRUE(packed);
  std::string frame;
  node::AppendChunk({Sha256::Of("x"), 0, true, *packed}, frame);
  ASSERT_EQ(::write(ends[1], frame.data(), frame.size()), static_cast<ssize_t>(frame.size()));
  EXPECT_TRUE(port.Receive(At(1)).empty());
  EXPECT_TRUE(port.broken());
  ::close(ends[1]);
}

class UploadsTest : public ::testing::Test {
 protected:
  UploadsTest() {
    std::string name = (fs::temp_directory_path() / "dml-uploads-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  ~UploadsTest() override { fs::remove_all(folder_); }

  std::vector<FrameType> Produce() {
    std::string out;
    uploads_.Produce(out, 1 << 20);
    return TypesIn(out);
  }

  std::string folder_;
  Uploads uploads_;
};

TEST_F(UploadsTest, WhatSomebodyElseSendsIsAskedForLater) {
  const std::string big(8 << 20, 'x');
  const Digest digest = Sha256::Of(big);
  std::ofstream(folder_ + "/big") << big;
  uploads_.Want(digest, folder_ + "/big");
  EXPECT_EQ(Produce(), std::vector<FrameType>{FrameType::kHave});
  uploads_.Missing({{digest, 0}}, At(0));
  const auto first = Produce();
  ASSERT_GE(first.size(), 2U);
  EXPECT_EQ(first[0], FrameType::kPut);
  EXPECT_EQ(first[1], FrameType::kChunk);

  uploads_.Outcome({digest, Error::Busy("the same blob arrives from somebody else")}, At(10));
  EXPECT_TRUE(Produce().empty()) << "the rest of what was refused is not sent";
  EXPECT_FALSE(uploads_.idle());
  EXPECT_TRUE(uploads_.Take().empty()) << "it is no failure";
  uploads_.AskAgain(At(10));
  EXPECT_TRUE(Produce().empty());
  uploads_.AskAgain(At(10) + kBusyPause);
  EXPECT_EQ(Produce(), std::vector<FrameType>{FrameType::kHave});
  uploads_.Missing({}, At(13));
  const auto done = uploads_.Take();
  ASSERT_EQ(done.size(), 1U);
  EXPECT_TRUE(done[0].result.ok());
  EXPECT_TRUE(uploads_.idle());
}

// As after a break that the node has not noticed yet: nothing is sent into the void.
TEST_F(UploadsTest, WhatIsArrivingIsNotSentBeside) {
  std::ofstream(folder_ + "/small") << "x";
  const Digest digest = Sha256::Of("x");
  uploads_.Want(digest, folder_ + "/small");
  EXPECT_EQ(Produce(), std::vector<FrameType>{FrameType::kHave});
  uploads_.Missing({{digest, node::BlobState::kArriving}}, At(10));
  EXPECT_TRUE(Produce().empty());
  EXPECT_FALSE(uploads_.idle());
  uploads_.AskAgain(At(10) + kBusyPause);
  EXPECT_EQ(Produce(), std::vector<FrameType>{FrameType::kHave});
}

// What a restricted key allows is what would be asked for without it.
TEST(Bridge, ItsCommandSaysWhatTheInventorySays) {
  Host host;
  host.lease = Duration::Seconds(300);
  const WorkerProgram worker{"/here/dml-worker", std::string(64, 'a')};
  const std::string command = ".dml-node/bin/dml-worker-aaaaaaaaaaaa bridge --root .dml-node";
  EXPECT_EQ(BridgeCommand(host, worker), command + " --lease 300");
  host.slots = 4;
  EXPECT_EQ(BridgeCommand(host, worker), command + " --lease 300 --cpus 4");
  host.cpus = 8;
  host.memory_bytes = 1 << 30;
  EXPECT_EQ(BridgeCommand(host, worker),
            command + " --lease 300 --cpus 8 --slots 4 --memory 1073741824");
}

TEST(Kernel, OldOnesAreRefused) {
  for (const char* release : {"5.9", "5.10.0-8-amd64", "6.1.0", "10.0", "odd", ""}) {
    EXPECT_FALSE(JudgeKernel(release)) << release;
  }
  for (const char* release : {"5.8.18", "4.18.0-553.el8.x86_64", "3.10.0"}) {
    const auto judged = JudgeKernel(release);
    ASSERT_TRUE(judged) << release;
    EXPECT_EQ(judged->message,
              std::string("its kernel is Linux ") + release + ", and dml needs 5.9 or newer there");
  }
}

}  // namespace
}  // namespace dml::ssh
