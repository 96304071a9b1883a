// Goal: a disk that a dead or failed attempt has filled is free again without anybody's help.

#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "base/process.h"
#include "tests/e2e/leavings.h"
#include "tests/e2e/program.h"

namespace dml::e2e {
namespace {

namespace fs = std::filesystem;

class FullHome : public EndToEnd {
 protected:
  ~FullHome() override {
    if (mounted_) ::umount2(Path("small").c_str(), MNT_DETACH);
  }
  // The test has its mounts to itself, and they go with it.
  bool MountSmallDisk() {
    fs::create_directory(Path("small"));
    mounted_ = ::unshare(CLONE_NEWNS) == 0 &&
               ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
               ::mount("tmpfs", Path("small").c_str(), "tmpfs", 0, "size=6m") == 0;
    if (mounted_) return true;
    EXPECT_EQ(errno, EPERM);
    std::cout << "no right to mount a small disk\n";
    return false;
  }
  // b does `first`, fills the disk in its own folder and does `next`; nothing of it if there is a
  // file "small-work".
  void WriteFilling(const std::string& first, const std::string& next) {
    Write("p.yaml", "name: n\nsteps:\n  - {id: a, run: 'echo x >> " + Path("trace") +
                        "'}\n  - id: b\n    needs: a\n    outputs: {o: o}\n    run: 'test -e " +
                        Path("small-work") + " && exec touch o; " + first +
                        " head -c 8000000 /dev/zero > o; " + next + "'\n");
  }
  [[nodiscard]] std::string StateOfB() const {
    const Json status =
        Json::parse(Run({"status", "-o", "json", "--home", Home()}).out, nullptr, false);
    if (!status.contains("tasks")) return "";  // there is no run yet
    for (const Json& task : status["tasks"]) {
      if (task["name"] == "b") return task["state"].get<std::string>();
    }
    return "";
  }
  [[nodiscard]] std::string Home() const { return Path("small/.dml"); }

 private:
  bool mounted_ = false;
};

TEST_F(FullHome, AFailedAttemptGivesItsRoomBackAtOnce) {
  if (!MountSmallDisk()) return;
  WriteFilling("", "exit 1");
  const Finished run = Run({"run", "p.yaml", "--home", Home()});
  EXPECT_NE(run.code, 0) << run.err;
  EXPECT_FALSE(fs::exists(Home() + "/runs/r1/b/1"));
  Write("small-work", "");
  const Finished again = Run({"run", "p.yaml", "--home", Home()});
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_EQ(Read("trace"), "x\n");
}

// The copies of its code are the first that an attempt writes.
TEST_F(FullHome, CodeThatFindsNoRoomIsNamedWithTheDiskThatIsFull) {
  if (!MountSmallDisk()) return;
  Write("big", std::string(8'000'000, 'x'));
  Write("p.yaml", "steps:\n  - {id: a, code: [big], outputs: {o: o}, run: 'touch o'}\n");
  const Finished run = Run({"run", "p.yaml", "--home", Home()});
  EXPECT_NE(run.code, 0);
  EXPECT_NE(run.err.find("cannot copy '" + Path("big") + "' to '" + Home() + "/runs/r1/a/1/"),
            std::string::npos)
      << run.err;
  EXPECT_NE(run.err.find("the file system at '" + Path("small") + "' is full"), std::string::npos)
      << run.err;
  EXPECT_EQ(run.err.find("Input/output error"), std::string::npos) << run.err;
}

// Attempts have a disk of their own, so that the log of the run is written whatever becomes of
// them.
class FullAttempts : public FullHome {
 protected:
  bool MountDiskForAttempts() {
    if (!MountSmallDisk()) return false;
    fs::create_directories(Path(".dml"));
    fs::create_directory_symlink(Path("small"), Path(".dml/runs"));
    return true;
  }
  [[nodiscard]] std::string Line(const std::string& task) const {
    return "echo " + task + " >> " + Path("trace");
  }
};

// The room is somebody else's: the run says so, and goes on where it stopped when there is some.
TEST_F(FullAttempts, ARunThatFoundNoRoomGoesOnWithResume) {
  if (!MountDiskForAttempts()) return;
  Write("p.yaml",
        "name: n\non: {failure: {run: 'echo $DML_OUTCOME >> hooked'}}\nsteps:\n"
        "  - {id: a, cache: false, run: '" +
            Line("a") +
            "'}\n"
            "  - id: b\n    needs: a\n    outputs: {o: o}\n    retry: {limit: 0, "
            "backoff: 1ms, max_interval: 1ms}\n    run: '" +
            Line("b") + "; head -c 3000000 /dev/zero > o'\n  - {id: c, needs: b, run: '" +
            Line("c") + "'}\n  - {id: d, needs: a, cache: false, if: always(), run: '" + Line("d") +
            "'}\n");
  std::ofstream(Path("small/foreign")) << std::string(4'000'000, 'x');
  const Finished run = Run({"run", "p.yaml"});
  EXPECT_EQ(run.code, 3) << run.err;
  EXPECT_NE(run.err.find("exit code 1; the file system at '" + Path("small") + "' is full: "),
            std::string::npos)
      << run.err;
  EXPECT_NE(run.err.find("`du -xhd1 " + Path("small") + "` shows what takes it"), std::string::npos)
      << run.err;
  EXPECT_NE(run.err.find("`dml resume` continues"), std::string::npos) << run.err;
  EXPECT_EQ(States().at("b"), "failed");
  EXPECT_EQ(States().at("c"), "cancelled");
  EXPECT_EQ(Read("hooked"), "interrupted\n");
  EXPECT_EQ(Run({"cache", "gc", "--keep-runs", "0"}).code, 0);
  Write("trace", "");

  const Finished still = Run({"resume"});
  EXPECT_EQ(still.code, 3) << "there is still no room: " << still.err;
  EXPECT_EQ(Read("trace"), "b\nb\nb\nb\n") << "with a budget of its own";
  Write("trace", "");
  fs::remove(Path("small/foreign"));
  const Finished resumed = Run({"resume"});
  EXPECT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_EQ(Read("trace"), "b\nc\n") << "a and d had been done";
  EXPECT_EQ(States().at("b"), "succeeded");
}

// Few commands look whether all was written.
TEST_F(FullAttempts, WhatEndsWellWithoutRoomIsNotKept) {
  if (!MountDiskForAttempts()) return;
  WriteFilling("", "true");
  const Finished run = Run({"run", "p.yaml"});
  EXPECT_EQ(run.code, 3) << run.err;
  EXPECT_NE(run.err.find("what it left may be cut short"), std::string::npos) << run.err;
  Write("small-work", "");
  const Finished resumed = Run({"resume"});
  EXPECT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_EQ(Read("trace"), "x\n");
}

class DeadAttempt : public FullHome, public testing::WithParamInterface<const char*> {};

// kill -9 of everything at the worst moment.
TEST_P(DeadAttempt, GivesItsRoomBackToWhoeverComesNext) {
  if (!MountSmallDisk()) return;
  WriteFilling("while ! test -e " + Path("go") + "; do sleep 0.02; done;",
               "touch " + Path("filled") + "; while :; do sleep 0.05; done");
  Program run = Start({"run", "p.yaml", "--home", Home()});
  // Nothing is left to be written about it by then.
  WaitUntil([&] { return StateOfB() == "running"; }, "the step is known to run");
  Write("go", "");
  WaitUntil([&] { return Exists("filled"); }, "the disk is full");
  run.Signal(SIGKILL);
  (void)run.Wait();
  EXPECT_TRUE(fs::exists(Home() + "/runs/r1/b/1/work/o"));
  // Not even the name of an owner finds room.
  fs::remove(Home() + "/locks/r1");
  std::ofstream rest(Path("small/rest"));
  while (rest << std::string(4096, 'x') << std::flush) {
  }
  Write("small-work", "");
  std::vector<std::string> args;
  for (std::string words = GetParam(); !words.empty();) {
    const std::size_t end = std::min(words.find(' '), words.size());
    args.push_back(words.substr(0, end));
    words.erase(0, end + 1);
  }
  args.insert(args.end(), {"--home", Home()});
  const Finished next = Run(args);
  EXPECT_EQ(next.code, 0) << next.err;
  EXPECT_FALSE(fs::exists(Home() + "/runs/r1/b/1"));
  const Finished last = Run({"run", "p.yaml", "--home", Home()});
  EXPECT_EQ(last.code, 0) << last.err;
  EXPECT_EQ(Read("trace"), "x\n") << "what was finished was not lost";
  EXPECT_EQ(LeavingsOf(Home()), std::vector<std::string>());
}

INSTANTIATE_TEST_SUITE_P(By, DeadAttempt,
                         testing::Values("stop latest", "resume", "run p.yaml", "cache gc"),
                         [](const auto& one) {
                           const std::string words = one.param;
                           return words.substr(0, words.find(' '));
                         });

}  // namespace
}  // namespace dml::e2e
