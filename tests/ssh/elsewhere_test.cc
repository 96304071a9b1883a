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
#include "tests/send_signal.h"
#include "tests/ssh/program_fixture.h"

namespace dml::ssh {
namespace {

namespace fs = std::filesystem;

class ElsewhereTest : public ProgramFixture {
 protected:
  ElsewhereTest() : ProgramFixture(std::vector<ServerOptions>(1)) {
    // What the nodes have and this machine has not.
    ::unsetenv("DML_NODE");
    SetUpCluster();
  }
  [[nodiscard]] std::set<std::string> Blobs(const std::string& home) const {
    return BlobsOf(servers_.Path(home));
  }
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
  // The shell makes the file before it writes.
  const auto written = [&] { return fs::exists(at) && fs::file_size(at) > 0; };
  for (int i = 0; i < 6000 && !written(); ++i) ::poll(nullptr, 0, 10);
  SendSignal(daemon, SIGTERM);
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

// What a command leaves is the same on this machine and on nodes, to the mode in an archive; and
// what it leaves for others can be used as it was.
TEST_F(ElsewhereTest, ModesAndPlacesAreTheSameEverywhere) {
  Write("team/side/s.sh", "#!/bin/sh\nsh \"${0%/*}/../project/lib/own.sh\"\n");
  Write("team/project/lib/own.sh", "echo own code\n");
  const std::string pipeline = Write("team/project/p.yaml", R"(steps:
  - id: pack
    run: |
      mkdir -p tree/sub
      ../side/s.sh > tree/sub/said
      touch plain
      tar -c --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -f a.tar tree plain .
    code: [../side/s.sh, lib/*.sh]
    outputs: {a: a.tar}
  - id: tools
    run: |
      mkdir -p t/bin
      printf '#!/bin/sh\ncat "$(dirname "$0")/../data"\n' > t/bin/tool
      chmod +x t/bin/tool
      echo data > t/data
    outputs: {t: t}
  - id: use
    run: "t/bin/tool > o.txt && ! test -x t/data"
    input: {t: tools}
    outputs: {o: o.txt}
)");
  const Output here = Dml({"run", pipeline, "--home", servers_.Path("here")});
  ASSERT_EQ(here.code, 0) << here.out << here.err;
  const Output there =
      Dml({"run", pipeline, "--cluster", inventory_, "--home", servers_.Path("there")});
  ASSERT_EQ(there.code, 0) << there.out << there.err;
  EXPECT_EQ(Blobs("here"), Blobs("there"));
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
