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

  // Runs attempts that copy their common input to their output; the bytes of blobs that were sent
  // and received for it.
  std::pair<std::int64_t, std::int64_t> BytesOnWire(const std::string& shared_dir) {
    Cluster cluster = servers_.AllHosts();
    for (Host& host : cluster.hosts) host.shared_dir = shared_dir;
    Connect(std::move(cluster));
    std::vector<LaunchSpec> batch;
    for (std::size_t i = 0; i < 4; ++i) {
      batch.push_back(Script(i, "cat in.dat > o.txt"));
      AddInput(batch.back(), content_);
    }
    EXPECT_TRUE(runner_->Launch(batch).ok());
    sink_.WaitForEnds(batch.size());
    for (const LaunchSpec& spec : batch) EXPECT_TRUE(OutputOf(spec) == content_);
    runner_->Shutdown();
    std::pair<std::int64_t, std::int64_t> bytes;
    for (const NodeView& node : runner_->Nodes()) {
      bytes.first += node.bytes_sent;
      bytes.second += node.bytes_received;
    }
    return bytes;
  }

  static constexpr std::int64_t kBytes = 3 << 20;
  const std::string content_ = std::string(kBytes, 'x');
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

// Something is in the way of the copy: it goes by the wire instead.
TEST_F(SharedDirTest, WhatCannotBeCopiedThereIsSent) {
  const std::string shared = servers_.Path("shared");
  const std::string hex = Sha256::Of(content_).Hex();
  fs::create_directories(shared + "/dml-blobs");
  fs::permissions(shared + "/dml-blobs", fs::perms::owner_all);
  std::ofstream(shared + "/dml-blobs/" + hex.substr(0, 2)) << "in the way";
  EXPECT_GE(BytesOnWire(shared).first, kBytes);
}

// What a task with the rights of root has done to its input is not for the next one.
TEST_F(SharedDirTest, ABlobThatATaskHasDamagedIsSentAgain) {
  Cluster cluster = servers_.AllHosts();
  cluster.hosts.resize(1);
  Connect(cluster);
  LaunchSpec culprit =
      Script(1, "chmod u+w $(readlink -f in.dat); echo BAD >> in.dat; cat in.dat > o.txt");
  AddInput(culprit, "good\n");
  ASSERT_TRUE(runner_->Launch({culprit}).ok());
  sink_.WaitForEnds(1);
  EXPECT_EQ(sink_.End(runners::KeyOf(1)),
            "exit 125: the input 'in' was changed while the task ran: 'in.dat' is not what was "
            "stored");
  LaunchSpec next = Script(2, "cat in.dat > o.txt");
  AddInput(next, "good\n");
  ASSERT_TRUE(runner_->Launch({next}).ok());
  sink_.WaitForEnds(2);
  EXPECT_EQ(sink_.End(runners::KeyOf(2)), "success");
  EXPECT_EQ(OutputOf(next), "good\n");
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
