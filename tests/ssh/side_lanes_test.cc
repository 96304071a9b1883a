// Large inputs for a node that is far away: several go there beside each other, over connections of
// their own, and all of them arrive, whatever becomes of those.

#include "runners/ssh/side_lanes.h"

#include "tests/ssh/cluster_fixture.h"
#include "tests/ssh/fault_proxy.h"

namespace dml::ssh {
namespace {

class SideLanesTest : public ClusterFixture {
 protected:
  static constexpr std::size_t kInputs = 4;
  static constexpr std::size_t kInputBytes = 5 << 20;

  SideLanesTest()
      : ClusterFixture(std::vector<ServerOptions>(1)),
        proxy_(servers_.server(0).address(), servers_.server(0).port()) {
    Cluster cluster = servers_.AllHosts();
    cluster.hosts[0].address = "127.0.0.1";
    cluster.hosts[0].port = proxy_.port();
    SetUpHost(cluster.hosts[0]);
    proxy_.SetDelay(Duration::Millis(15));
    Connect(cluster);
    connections_ = proxy_.connections();
    bytes_ = proxy_.bytes();
  }

  // One that reads all of them.
  LaunchSpec Reader() {
    LaunchSpec spec = Script(1, "cat in/* | sha256sum | cut -c 1-64 > o.txt");
    Artifact artifact;
    artifact.port = "in";
    Sha256 all;
    for (std::size_t i = 0; i < kInputs; ++i) {
      std::string noise;
      for (std::size_t k = 0; noise.size() < kInputBytes; ++k) {
        const Digest digest = Sha256::Of(std::to_string(i) + "." + std::to_string(k));
        noise.append(digest.bytes.begin(), digest.bytes.end());
      }
      all.Update(noise);
      const std::string name = std::to_string(i);
      std::ofstream(servers_.Path(name), std::ios::binary) << noise;
      artifact.files.push_back(
          {name, servers_.Path(name), static_cast<std::int64_t>(noise.size()), Sha256::Of(noise)});
    }
    spec.inputs = {artifact};
    std::get<runners::Command>(spec.work).inputs = {{"in", "in"}};
    expected_ = all.Finish().Hex() + "\n";
    return spec;
  }
  void ExpectRead(const LaunchSpec& spec) {
    sink_.WaitForEnds(1);
    EXPECT_EQ(sink_.End(spec.key), "success");
    EXPECT_EQ(OutputOf(spec), expected_);
  }
  [[nodiscard]] std::int64_t Carried() const { return proxy_.bytes() - bytes_; }

  FaultProxy proxy_;
  std::string expected_;
  int connections_ = 0;
  std::int64_t bytes_ = 0;
};

TEST_F(SideLanesTest, LargeInputsGoBesideEachOther) {
  const LaunchSpec spec = Reader();
  ASSERT_TRUE(runner_->Launch({spec}).ok());
  ExpectRead(spec);
  EXPECT_GT(proxy_.connections(), connections_);
  EXPECT_LE(proxy_.connections(), connections_ + static_cast<int>(SideLanes::kLanesMax));
  // Nothing goes there twice.
  EXPECT_LT(Carried(), static_cast<std::int64_t>(kInputs * kInputBytes * 11 / 10));
}

// As by a server that allows one connection only: then they wait in line on that.
TEST_F(SideLanesTest, AServerThatRefusesThemIsSentAllOverTheFirst) {
  proxy_.RefuseNew(true);
  const LaunchSpec spec = Reader();
  ASSERT_TRUE(runner_->Launch({spec}).ok());
  ExpectRead(spec);
  EXPECT_EQ(proxy_.connections(), connections_);
  EXPECT_GT(proxy_.refused(), 0);
}

TEST_F(SideLanesTest, ABreakOfAllIsResumed) {
  const LaunchSpec spec = Reader();
  ASSERT_TRUE(runner_->Launch({spec}).ok());
  WaitUntil([&] { return Carried() > static_cast<std::int64_t>(kInputs * kInputBytes / 2); },
            "half of it is there");
  proxy_.ResetAll();
  ExpectRead(spec);
}

}  // namespace
}  // namespace dml::ssh
