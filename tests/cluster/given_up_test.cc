// A node that alone has the files of a task stays away for longer than anybody waits.

#include "base/files.h"
#include "base/json.h"
#include "tests/ssh/program_fixture.h"

namespace dml::ssh {
namespace {

class GivenUpTest : public ProgramFixture {
 protected:
  GivenUpTest() : ProgramFixture(std::vector<ServerOptions>(2)) {}

  Json Status() const {
    return Json::parse(Dml({"status", "-o", "json", "--home", servers_.Path("h")}).out);
  }
};

// What can be done without it is done; the run ends as one that was interrupted, and goes on when
// the node is back.
TEST_F(GivenUpTest, ARunOverItsFilesIsInterruptedAndResumed) {
  Write("cluster.yaml", "lease: 2s\n" + ReadFile(inventory_).value());
  SetUpCluster();
  Server& server = servers_.server(1);
  std::ofstream(server.FromHere(server.home() + "/there.csv")) << "x,y\n1,2\n3,4\n";
  Write("here.csv", "x,y\n5,6\n");
  const std::string pipeline = Write("p.yaml", R"(steps:
  - {id: other, uses: load.csv, with: {path: here.csv}}
  - {id: raw, uses: load.csv, with: {path: there.csv, at: n2}}
  - {id: kept, uses: filter, input: raw, with: {where: x > 1}}
)");
  server.Stop();
  const Output run = Dml({"run", pipeline, "--cluster", inventory_, "--home", servers_.Path("h")});
  EXPECT_EQ(run.code, 3) << run.out << run.err;
  EXPECT_NE(run.err.find("the node n2 is not reached"), std::string::npos) << run.err;
  EXPECT_EQ(Status().at("outcome"), "interrupted") << Status().dump(2);
  server.Start();
  const Output resumed = Dml({"resume", "latest", "--home", servers_.Path("h")});
  EXPECT_EQ(resumed.code, 0) << resumed.out << resumed.err;
  EXPECT_EQ(Status().at("outcome"), "succeeded") << Status().dump(2);
}

}  // namespace
}  // namespace dml::ssh
