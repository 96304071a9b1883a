// A folder that the head and its nodes share: what the wire carries then, and when it is believed.

#include <algorithm>

#include "tests/ssh/cluster_fixture.h"

namespace dml::ssh {
namespace {

class SharedDirTest : public ClusterFixture {
 protected:
  SharedDirTest() : ClusterFixture(std::vector<ServerOptions>(2)) {
    home_ = servers_.Path("head");
    fs::create_directories(home_);
  }

  // Runs an attempt that copies its input to its output; the bytes of blobs that were sent and
  // received for it.
  std::pair<std::int64_t, std::int64_t> BytesOnWire(const std::string& shared_dir) {
    Cluster cluster = servers_.AllHosts();
    for (Host& host : cluster.hosts) host.shared_dir = shared_dir;
    Connect(std::move(cluster));
    LaunchSpec spec = Script(0, "cat in.dat > o.txt");
    const std::string content(kBytes, 'x');
    AddInput(spec, content);
    EXPECT_TRUE(runner_->Launch({spec}).ok());
    sink_.WaitForEnds(1);
    EXPECT_EQ(OutputOf(spec), content);
    runner_->Shutdown();
    std::pair<std::int64_t, std::int64_t> bytes;
    for (const NodeView& node : runner_->Nodes()) {
      bytes.first += node.bytes_sent;
      bytes.second += node.bytes_received;
    }
    return bytes;
  }

  static constexpr std::int64_t kBytes = 3 << 20;
};

TEST_F(SharedDirTest, NothingIsCopiedOverTheWire) {
  const std::string shared = servers_.Path("shared");
  fs::create_directories(shared);
  EXPECT_EQ(BytesOnWire(shared), (std::pair<std::int64_t, std::int64_t>(0, 0)));
  std::vector<std::string> tokens;
  for (const auto& entry : fs::directory_iterator(shared + "/dml-blobs")) {
    if (entry.path().extension() == ".token") tokens.push_back(entry.path().string());
  }
  EXPECT_TRUE(tokens.empty());
}

// The nodes do not see what is below the folder of the head.
TEST_F(SharedDirTest, AFolderThatIsNotTheSameIsNotBelieved) {
  if (servers_.server(0).address() == "127.0.0.1") GTEST_SKIP() << "the hosts are this machine";
  fs::create_directories(servers_.Path("head/shared"));
  const auto bytes = BytesOnWire(servers_.Path("head/shared"));
  EXPECT_GE(bytes.first, kBytes);
  EXPECT_GE(bytes.second, kBytes);
  EXPECT_NE(Notices().find("is not the folder of this machine"), std::string::npos) << Notices();
}

}  // namespace
}  // namespace dml::ssh
