// A slow line: what gets smaller travels packed, what does not travels as it is, and both arrive as
// they were.

#include "tests/ssh/cluster_fixture.h"
#include "tests/ssh/fault_proxy.h"

namespace dml::ssh {
namespace {

class SlowLineTest : public ClusterFixture {
 protected:
  SlowLineTest()
      : ClusterFixture(std::vector<ServerOptions>(1)),
        proxy_(servers_.server(0).address(), servers_.server(0).port()) {
    Cluster cluster = servers_.AllHosts();
    cluster.hosts[0].address = "127.0.0.1";
    cluster.hosts[0].port = proxy_.port();
    SetUpHost(cluster.hosts[0]);
    Connect(cluster);
    proxy_.SetRate(16 << 20);
  }

  // There and back; the bytes that the line carried for it.
  std::int64_t Carry(const std::string& content) {
    LaunchSpec spec = Script(0, "cat in.dat > o.txt");
    AddInput(spec, content);
    const std::int64_t before = proxy_.bytes();
    EXPECT_TRUE(runner_->Launch({spec}).ok());
    sink_.WaitForEnds(1);
    EXPECT_EQ(sink_.End(runners::KeyOf(0)), "success");
    EXPECT_TRUE(OutputOf(spec) == content);
    return proxy_.bytes() - before;
  }

  static constexpr std::int64_t kBytes = 16 << 20;
  FaultProxy proxy_;
};

TEST_F(SlowLineTest, ATableOfTextIsPacked) {
  std::string table;
  for (int i = 0; static_cast<std::int64_t>(table.size()) < kBytes; ++i) {
    table += std::to_string(i % 977) + ",0." + std::to_string(i * 7919LL % 10'007) + ",red\n";
  }
  EXPECT_LT(Carry(table), 2 * kBytes / 2);
}

TEST_F(SlowLineTest, NoiseTravelsAsItIs) {
  std::string noise;
  for (int i = 0; static_cast<std::int64_t>(noise.size()) < kBytes; ++i) {
    const Digest digest = Sha256::Of(std::to_string(i));
    noise.append(digest.bytes.begin(), digest.bytes.end());
  }
  const std::int64_t bytes = Carry(noise);
  EXPECT_GE(bytes, 2 * kBytes);
  EXPECT_LT(bytes, 2 * kBytes + kBytes / 50);
}

}  // namespace
}  // namespace dml::ssh
