// The same pipeline elsewhere: retried, scheduled, and with files that are not below its folder.

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <set>

#include "base/files.h"
#include "runners/ssh/subprocess.h"
#include "tests/ssh/sshd_fixture.h"

namespace dml::ssh {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDml = DML_BINARY_DIR "/dml";

class ElsewhereTest : public ::testing::Test {
 protected:
  ElsewhereTest() : servers_(std::vector<ServerOptions>(1)), inventory_(servers_.WriteInventory()) {
    ::setenv("DML_WORKER", DML_BINARY_DIR "/dml-worker", 1);
    // What the nodes have and this machine has not.
    ::unsetenv("DML_NODE");
    const Output setup = Dml({"cluster", "setup", "--accept-new-host-keys", "-c", inventory_});
    EXPECT_EQ(setup.code, 0) << setup.out << setup.err;
  }

  static Output Dml(std::vector<std::string> args) {
    args.insert(args.begin(), kDml);
    auto output = RunProgram(args, Duration::Seconds(120));
    EXPECT_TRUE(output.ok()) << output.error().message;
    return output.ok() ? *output : Output{};
  }
  std::string Write(const std::string& name, const std::string& text) const {
    const fs::path path = servers_.Path(name);
    fs::create_directories(path.parent_path());
    std::ofstream(path) << text;
    return path.string();
  }
  // The content of every blob of a home: names are digests.
  [[nodiscard]] std::set<std::string> Blobs(const std::string& home) const {
    std::set<std::string> names;
    for (const auto& entry :
         fs::recursive_directory_iterator(servers_.Path(home) + "/store/blobs")) {
      if (entry.is_regular_file()) names.insert(entry.path().filename().string());
    }
    return names;
  }

  SshdFixture servers_;
  std::string inventory_;
};

TEST_F(ElsewhereTest, ARetryGoesWhereTheRunWent) {
  const std::string pipeline =
      Write("p.yaml", "steps:\n  - {id: a, run: \"echo at $${DML_NODE-home}; exit 3\"}\n");
  const std::string home = servers_.Path("h");
  const auto log = [&] { return Dml({"logs", "a", "--home", home}).out; };
  ASSERT_EQ(Dml({"run", pipeline, "--cluster", inventory_, "--home", home}).code, 1);
  EXPECT_EQ(log(), "at n1\n");
  EXPECT_EQ(Dml({"retry", "latest", "--home", home}).code, 1);
  EXPECT_EQ(log(), "at n1\n");
  EXPECT_EQ(Dml({"retry", "latest", "--cluster", "local", "--home", home}).code, 1);
  EXPECT_EQ(log(), "at home\n");
  EXPECT_EQ(Dml({"retry", "latest", "--home", home}).code, 1);
  EXPECT_EQ(log(), "at home\n");
  EXPECT_EQ(Dml({"retry", "r1", "--cluster", inventory_, "--home", home}).code, 1);
  EXPECT_EQ(log(), "at n1\n");
  fs::rename(inventory_, inventory_ + ".away");
  const Output gone = Dml({"retry", "latest", "--home", home});
  EXPECT_EQ(gone.code, 2) << "rather than somewhere else";
  EXPECT_NE(gone.err.find("there is no inventory"), std::string::npos) << gone.err;
}

TEST_F(ElsewhereTest, SlotsOfAScheduleGoToItsCluster) {
  const std::string at = servers_.Path("at");
  const std::string pipeline =
      Write("p.yaml",
            "name: p\nschedule: {every: 1s}\nsteps:\n  - {id: a, cache: false, run: \"echo at "
            "$${DML_NODE-home} >> " +
                at + "\"}\n");
  const std::string home = servers_.Path("h");
  EXPECT_EQ(
      Dml({"schedule", "add", pipeline, "--cluster", servers_.Path("none.yaml"), "--home", home})
          .code,
      2);
  const Output added = Dml({"schedule", "add", pipeline, "--cluster", inventory_, "--home", home});
  ASSERT_EQ(added.code, 0) << added.err;
  const pid_t daemon = ::fork();
  if (daemon == 0) {
    ::execl(kDml, kDml, "schedule", "daemon", "--home", home.c_str(), "-q", nullptr);
    ::_exit(127);
  }
  for (int i = 0; i < 6000 && !fs::exists(at); ++i) ::poll(nullptr, 0, 10);
  ::kill(daemon, SIGTERM);
  int status = 0;
  ::waitpid(daemon, &status, 0);
  ASSERT_TRUE(fs::exists(at));
  EXPECT_TRUE(ReadFile(at)->starts_with("at n1\n")) << *ReadFile(at);
}

TEST_F(ElsewhereTest, FilesBesideTheFolderOfThePipelineAreFound) {
  Write("data/a.csv", "x,y\n1,2\n3,4\n");
  Write("data/b.csv", "x,y\n5,6\n");
  Write("lib/tool.sh", "echo tool > \"$1\"\n");
  const std::string pipeline = Write("team/project/p.yaml", R"(steps:
  - {id: one, uses: load.csv, with: {path: ../../data/a.csv}}
  - {id: all, uses: load.csv, with: {path: ../.././data/*.csv}}
  - id: tool
    run: [sh, tool.sh, o.txt]
    code: [../../lib/tool.sh]
    outputs: {o: o.txt}
)");
  const Output here = Dml({"run", pipeline, "--home", servers_.Path("here")});
  ASSERT_EQ(here.code, 0) << here.out << here.err;
  const Output there =
      Dml({"run", pipeline, "--cluster", inventory_, "--home", servers_.Path("there")});
  ASSERT_EQ(there.code, 0) << there.out << there.err;
  EXPECT_EQ(there.err.find("retry"), std::string::npos) << there.err;
  EXPECT_EQ(Blobs("here"), Blobs("there"));
  EXPECT_FALSE(Blobs("here").empty());
}

// Two files that only a link tells apart have no two plain names: said at once, and never repeated.
TEST_F(ElsewhereTest, FilesThatOnlyALinkTellsApartAreRefused) {
  Write("deep/er/x.csv", "x\n1\n");
  Write("deep/y.csv", "x\n2\n");
  Write("y.csv", "x\n3\n");
  fs::create_directory_symlink(servers_.Path("deep/er"), servers_.Path("link"));
  const std::string pipeline = Write("p.yaml",
                                     "steps:\n  - {id: a, run: [cat, link/../y.csv, y.csv], code: "
                                     "[link/../y.csv, y.csv]}\n");
  const Output run = Dml({"run", pipeline, "--cluster", inventory_, "--home", servers_.Path("h")});
  EXPECT_EQ(run.code, 2) << run.err;
  EXPECT_NE(run.err.find("would have the same name on a node"), std::string::npos) << run.err;
  EXPECT_EQ(run.err.find("retry"), std::string::npos) << run.err;
}

}  // namespace
}  // namespace dml::ssh
