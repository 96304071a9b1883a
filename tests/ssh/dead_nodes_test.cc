// A look at many nodes, of which two are dead in different ways: it does not hang, says of each
// what is the matter and what helps, and is as good as ever for the others.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/clock.h"
#include "base/files.h"
#include "base/json.h"
#include "tests/ssh/fault_proxy.h"
#include "tests/ssh/program_fixture.h"

namespace dml::ssh {
namespace {

constexpr std::size_t kNodes = 10;
constexpr std::size_t kRefuses = 4;
constexpr std::size_t kSilent = 7;
// bench/cluster.cc measures what it takes; here, the machine may be busy with other things.
constexpr double kNoHang = 60;

class DeadNodesTest : public ProgramFixture {
 protected:
  DeadNodesTest()
      : ProgramFixture(std::vector<ServerOptions>(kNodes)),
        proxy_(servers_.server(kSilent).address(), servers_.server(kSilent).port()) {
    Edit(fmt::format("name: n{}, host: {}, port: {}}}", kSilent + 1,
                     servers_.server(kSilent).address(), servers_.server(kSilent).port()),
         fmt::format("name: n{}, host: 127.0.0.1, port: {}}}", kSilent + 1, proxy_.port()));
  }
  void Edit(const std::string& what, const std::string& by) const {
    std::string text = *ReadFile(inventory_);
    const std::size_t at = text.find(what);
    ASSERT_NE(at, std::string::npos) << text;
    std::ofstream(inventory_) << text.replace(at, what.size(), by);
  }

  FaultProxy proxy_;
};

TEST_F(DeadNodesTest, AreNamedAndHoldUpNobody) {
  SetUpCluster();
  servers_.server(kRefuses).Stop();
  proxy_.Freeze(true);
  // The default: what a person has who has said nothing.
  Edit("connect_timeout: 30s\n", "");
  const SystemClock clock;
  const Instant start = clock.Now();
  const Output check = Dml({"cluster", "check", "-c", inventory_});
  const double seconds = (clock.Now() - start).seconds();
  EXPECT_LT(seconds, kNoHang);
  RecordProperty("seconds", fmt::format("{:.1f}", seconds));
  EXPECT_EQ(check.code, 3) << check.out << check.err;
  for (std::size_t i = 0; i < kNodes; ++i) {
    const bool dead = i == kRefuses || i == kSilent;
    const std::string line = fmt::format("\nn{:<5}{}", i + 1, dead ? "unreachable" : "ready");
    EXPECT_NE(check.out.find(line), std::string::npos) << check.out;
    const std::string cause = fmt::format("\nn{}: ", i + 1);
    EXPECT_EQ(check.out.find(cause) != std::string::npos, dead) << check.out;
  }

  const Json nodes =
      Json::parse(Dml({"cluster", "check", "-c", inventory_, "-o", "json"}).out, nullptr, false);
  ASSERT_EQ(nodes.size(), kNodes) << nodes;
  for (std::size_t i = 0; i < kNodes; ++i) {
    const Json& node = nodes[i];
    const bool dead = i == kRefuses || i == kSilent;
    EXPECT_EQ(node.at("verdict"), dead ? "unreachable" : "ready") << node;
    EXPECT_EQ(node.value("problem", "") != "", dead) << node;
    EXPECT_EQ(node.value("hint", "") != "", dead) << node;
  }
  proxy_.Freeze(false);
}

}  // namespace
}  // namespace dml::ssh
