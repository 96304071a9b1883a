// Whose the folder of a node is: what set-up refuses and takes back, and what `down` removes, by
// the program itself on real servers.

#include "runners/ssh/workdir.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include "base/files.h"
#include "tests/ssh/program_fixture.h"

namespace dml::ssh {
namespace {

namespace fs = std::filesystem;

class WorkdirTest : public ProgramFixture {
 protected:
  WorkdirTest() : ProgramFixture(std::vector<ServerOptions>(1)) {}

  void Use(const std::string& workdir) {
    inventory_ = servers_.WriteInventory(workdir.empty() ? "" : "  workdir: \"" + workdir + "\"\n");
  }
  Output Dml(const std::string& verb, std::vector<std::string> more = {}) {
    std::vector<std::string> args{"cluster", verb, "-c", inventory_};
    args.insert(args.end(), more.begin(), more.end());
    return ProgramFixture::Dml(args);
  }
  Output Prepare() { return Dml("setup", {"--accept-new-host-keys"}); }
  [[nodiscard]] std::string Home() { return servers_.server(0).home(); }
  void Put(const std::string& name) {
    const fs::path path = fs::path(Home()) / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path) << "mine";
  }
  // Everything below the home folder there.
  [[nodiscard]] std::set<std::string> All() {
    std::set<std::string> all;
    for (const auto& entry : fs::recursive_directory_iterator(Home())) {
      all.insert(fs::relative(entry.path(), Home()).string());
    }
    return all;
  }
};

TEST_F(WorkdirTest, AFolderOfSomebodyElseIsRefusedBeforeAnythingIsCopied) {
  for (const char* name :
       {"records/tax.txt", "blobs/b", "bin/mytool", "logs/app.log", "work/x/y"}) {
    Put(name);
  }
  const std::set<std::string> before = All();
  for (const std::string workdir : {".", "./", "work", "work/x/", "/", "records/tax.txt"}) {
    Use(workdir);
    const Output setup = Prepare();
    EXPECT_NE(setup.code, 0) << workdir << setup.out << setup.err;
    EXPECT_EQ(All(), before) << workdir;
    const Output down = Dml("down", {"--force"});
    EXPECT_EQ(All(), before) << workdir << down.out << down.err;
  }
}

// Root may write everywhere, and still no agent begins in a folder of somebody else.
TEST_F(WorkdirTest, ACheckSaysOfAFolderOfAnotherUserWhatSetUpWouldSay) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give folders away";
  const std::string root = servers_.server(0).root();
  const auto give_to = [&](uid_t user) { EXPECT_EQ(::chown(root.c_str(), user, user), 0); };
  const auto expect_refused = [&] {
    for (const Output& output : {Prepare(), Dml("check")}) {
      EXPECT_EQ(output.code, 3) << output.out << output.err;
      EXPECT_NE(output.out.find("belongs to another user"), std::string::npos) << output.out;
    }
  };
  fs::create_directories(root);
  give_to(12345);
  expect_refused();
  EXPECT_TRUE(fs::is_empty(root)) << "nothing is copied";
  give_to(0);
  fs::remove(root);
  ASSERT_EQ(Prepare().code, 0);
  EXPECT_EQ(Dml("check").code, 0);
  give_to(12345);
  expect_refused();
  give_to(0);
  EXPECT_EQ(Dml("check").code, 0);
}

TEST_F(WorkdirTest, DownCanBeRepeatedAndLeavesNothingThatSetUpHasMade) {
  Put("deep/mine");
  const std::set<std::string> before = All();
  Use("deep/er/node");
  const Output setup = Prepare();
  ASSERT_EQ(setup.code, 0) << setup.out << setup.err;
  for (int i = 0; i < 2; ++i) {
    const Output down = Dml("down");
    EXPECT_EQ(down.code, 0) << i << down.out << down.err;
    EXPECT_EQ(All(), before) << i;
  }
}

// The agent is found and ended, whatever became of the program that started it.
TEST_F(WorkdirTest, DownNeedsNoProgramThere) {
  const std::set<std::string> before = All();
  const Output setup = Prepare();
  ASSERT_EQ(setup.code, 0) << setup.out << setup.err;
  ASSERT_GT(servers_.server(0).agent(), 0);
  fs::remove_all(servers_.server(0).root() + "/bin");
  const Output down = Dml("down");
  EXPECT_EQ(down.code, 0) << down.out << down.err;
  // Its connection ends a moment later than the command that came by it.
  std::vector<pid_t> left = servers_.server(0).Processes();
  for (int i = 0; i < 1000 && !left.empty(); ++i) {
    ::poll(nullptr, 0, 10);
    left = servers_.server(0).Processes();
  }
  EXPECT_EQ(left, std::vector<pid_t>());
  EXPECT_EQ(All(), before);
}

TEST_F(WorkdirTest, WhatIsNotOfDmlIsNamed) {
  ASSERT_EQ(Prepare().code, 0);
  Put(".dml-node/notes.txt");
  Put(".dml-node/logs/app.log");
  const Output down = Dml("down");
  EXPECT_EQ(down.code, 0) << down.err;
  EXPECT_NE(down.out.find("what is not of dml stays in .dml-node: 'logs', 'notes.txt'"),
            std::string::npos)
      << down.out;
  EXPECT_TRUE(All().contains(".dml-node/logs/app.log"));
  EXPECT_EQ(Dml("down").code, 0);
}

TEST_F(WorkdirTest, ADiskThatStartsNoProgramsIsNamedAndLeftAsItWas) {
  fs::create_directories(Home() + "/disk");
  if (!servers_.server(0).MountSmallDisk(Home() + "/disk", "64m", /*noexec=*/true)) {
    GTEST_SKIP() << "nodes cannot have a disk of their own here; IsNoexec is tested alone";
  }
  Use("disk/node");
  const Output setup = Prepare();
  EXPECT_EQ(setup.code, 3) << setup.out << setup.err;
  EXPECT_NE(setup.out.find("is mounted noexec"), std::string::npos) << setup.out;
  const std::string seen = servers_.server(0).FromHere(Home() + "/disk");
  EXPECT_TRUE(fs::is_empty(seen));
  EXPECT_EQ(Dml("down").code, 0);
}

TEST_F(WorkdirTest, ADiskThatIsTooSmallIsLeftAsItWas) {
  fs::create_directories(Home() + "/disk");
  if (!servers_.server(0).MountSmallDisk(Home() + "/disk", "1m")) {
    GTEST_SKIP() << "nodes cannot have a disk of their own here";
  }
  Use("disk/node");
  EXPECT_EQ(Prepare().code, 3);
  EXPECT_TRUE(fs::is_empty(servers_.server(0).FromHere(Home() + "/disk")));
}

TEST(Noexec, IsReadFromTheMountThatHoldsThePath) {
  const std::string mounts =
      "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
      "30 22 0:5 / /home rw,nosuid,noexec shared:2 - tmpfs tmpfs rw\n"
      "31 30 0:6 / /home/a rw - tmpfs tmpfs rw,noexec\n"
      "nonsense\n";
  EXPECT_TRUE(IsNoexec(mounts, "/home"));
  EXPECT_TRUE(IsNoexec(mounts, "/home/ab/bin"));
  EXPECT_FALSE(IsNoexec(mounts, "/home/a/bin"));
  EXPECT_FALSE(IsNoexec(mounts, "/homework"));
  EXPECT_FALSE(IsNoexec("", "/home"));
}

}  // namespace
}  // namespace dml::ssh
