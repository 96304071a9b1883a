// Goal: root at work in the home of somebody else leaves nothing there that its owner cannot use;
// who cannot write a home is told whose it is. Method: the tests run as root.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "tests/e2e/program.h"

namespace dml::e2e {
namespace {

namespace fs = std::filesystem;

constexpr uid_t kSomebody = 4242;

class ForeignHome : public EndToEnd {
 protected:
  ForeignHome() {
    Write("p.yaml",
          "name: n\nschedule: {cron: '0 0 * * *'}\nsteps:\n  - id: a\n    outputs: {o: o}\n"
          "    run: 'echo x > o'\n  - id: b\n    needs: a\n    run: 'touch " +
              Path("begun") + "; while ! test -e " + Path("go") + "; do sleep 0.05; done'\n");
    fs::create_directories(Path(".dml"));
    Give(".dml");
  }
  void Give(const std::string& name, uid_t user = kSomebody) const {
    EXPECT_EQ(::lchown(Path(name).c_str(), user, user), 0);
    std::error_code none;
    for (const auto& entry : fs::recursive_directory_iterator(Path(name), none)) {
      EXPECT_EQ(::lchown(entry.path().c_str(), user, user), 0);
    }
  }
  static bool IsRoots(const fs::path& path) {
    struct stat info {};
    return ::lstat(path.c_str(), &info) == 0 && info.st_uid == 0;
  }
  // What its owner could not write.
  [[nodiscard]] std::string RootsPart() const {
    std::string found;
    std::error_code none;
    for (const auto& entry : fs::recursive_directory_iterator(Path(".dml"), none)) {
      if (IsRoots(entry.path())) found += entry.path().string() + "\n";
    }
    return found;
  }
};

TEST_F(ForeignHome, EverythingInItStaysItsOwners) {
  if (::geteuid() != 0) return;  // nobody else can make such a home
  Write("go", "");
  EXPECT_EQ(Run({"run", "p.yaml"}).code, 0);
  EXPECT_TRUE(Exists(".dml/dml.db"));
  EXPECT_EQ(RootsPart(), "");
  EXPECT_EQ(Run({"schedule", "add", "p.yaml"}).code, 0);
  EXPECT_EQ(RootsPart(), "");
}

// The locks are in the way of the owner from the beginning.
TEST_F(ForeignHome, LocksAreItsOwnersAtOnceAndTheRestAfterResume) {
  if (::geteuid() != 0) return;
  Program run = Start({"run", "p.yaml"});
  WaitUntil([&] { return Exists("begun"); }, "it runs");
  for (const char* name : {".dml/locks", ".dml/locks/gate", ".dml/locks/r1", ".dml/dml.db"}) {
    EXPECT_FALSE(IsRoots(Path(name))) << name;
  }
  run.Signal(SIGKILL);
  (void)run.Wait();
  Write("go", "");
  EXPECT_EQ(Run({"resume"}).code, 0);
  EXPECT_EQ(RootsPart(), "");
}

TEST_F(ForeignHome, WhoCannotWriteItIsToldWhoseItIs) {
  if (::geteuid() != 0) return;
  Write("go", "");
  EXPECT_EQ(Run({"run", "p.yaml"}).code, 0);
  StartOptions obedient;
  obedient.obeys_permissions = true;
  for (const char* name : {"locks", "locks/gate", "dml.db", "store/tmp"}) {
    SCOPED_TRACE(name);
    const std::string path = Path(".dml/") + name;
    Give(".dml", 0);
    EXPECT_EQ(::chown(path.c_str(), kSomebody, kSomebody), 0);
    const Finished refused = Run({"run", "p.yaml"}, obedient);
    EXPECT_EQ(refused.code, 3);
    EXPECT_NE(refused.err.find("cannot write '" + path + "', which belongs to user 4242\n"),
              std::string::npos)
        << refused.err;
    EXPECT_NE(refused.err.find("chown -R root '" + Path(".dml") + "'"), std::string::npos)
        << refused.err;
  }
}

}  // namespace
}  // namespace dml::e2e
