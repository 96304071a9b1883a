// Goal: what a killed dml leaves running is ended by the next one, by whatever name that one knows
// the home.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/process.h"
#include "tests/e2e/program.h"
#include "tests/send_signal.h"

namespace dml::e2e {
namespace {

namespace fs = std::filesystem;

int ParentOf(int pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(stat)), std::istreambuf_iterator<char>());
  return std::stoi(text.substr(text.rfind(')') + 4));
}

class Orphans : public EndToEnd {
 protected:
  // The process id of a step that nobody is left to end, of a run in `home`.
  int MakeOrphan(const std::string& home) {
    Write("p.yaml", "name: n\nsteps:\n  - id: a\n    run: 'trap \"\" TERM HUP; echo $$ > " +
                        Path("pid.tmp") + "; mv " + Path("pid.tmp") + " " + Path("pid") +
                        "; while ! test -e " + Path("go") + "; do sleep 0.05; done'\n");
    Program run = Start({"run", "--home", home, "p.yaml"});
    WaitUntil([&] { return Exists("pid"); }, "the step runs");
    const int step = std::stoi(Read("pid"));
    const int worker = ParentOf(step);
    // All of its threads: one of them would end the step.
    run.Signal(SIGSTOP);
    siginfo_t stopped{};
    EXPECT_EQ(::waitid(P_PID, static_cast<id_t>(run.pid()), &stopped, WSTOPPED), 0);
    SendSignal(worker, SIGKILL);
    run.Signal(SIGKILL);
    (void)run.Wait();
    EXPECT_TRUE(StartOf(step)) << "the step lives on";
    return step;
  }
  void ExpectStopEnds(int step, const std::string& home) {
    const Finished stop = Run({"stop", "latest", "--home", home});
    EXPECT_EQ(stop.code, 0) << stop.err;
    EXPECT_FALSE(StartOf(step)) << "the step still lives";
    SendSignal(step, SIGKILL);
  }
};

TEST_F(Orphans, AreFoundThroughALinkToTheHome) {
  fs::create_directory(Path("real"));
  fs::create_symlink("real", Path("link"));
  const int step = MakeOrphan("link");
  ExpectStopEnds(step, "real");
}

TEST_F(Orphans, AreFoundBehindTheLink) {
  fs::create_directory(Path("real"));
  fs::create_symlink("real", Path("link"));
  const int step = MakeOrphan("real");
  ExpectStopEnds(step, "link");
}

TEST_F(Orphans, AreFoundFromAHomeThatHasMoved) {
  const int step = MakeOrphan("home");
  fs::rename(Path("home"), Path("home2"));
  ExpectStopEnds(step, "home2");
}

TEST_F(Orphans, AreFoundByAnotherSpellingOfThePath) {
  const int step = MakeOrphan("home");
  fs::create_directory(Path("x"));
  ExpectStopEnds(step, "./x/../home/");
}

// Of a home that an earlier version made, too: it has no name of its own yet.
TEST_F(Orphans, AreEndedBeforeResumeStartsTheirTaskAgain) {
  const int step = MakeOrphan("home");
  fs::remove(Path("home/id"));
  Program resumed = Start({"resume", "--home", "home"});
  WaitUntil([&] { return !StartOf(step); }, "the orphan is ended");
  Write("go", "");
  EXPECT_EQ(resumed.Wait().code, 0);
}

// Which goes on with the same runs: what belongs to living processes of the original stays.
TEST_F(Orphans, ACopyOfAHomeLeavesTheLivingProcessesOfTheOriginalAlone) {
  Write("p.yaml", "name: n\nsteps:\n  - id: a\n    run: 'echo $$ > " + Path("pid.tmp") + "; mv " +
                      Path("pid.tmp") + " " + Path("pid") + "; while ! test -e " + Path("go") +
                      "; do sleep 0.05; done'\n");
  Program run = Start({"run", "--home", "home", "p.yaml"});
  WaitUntil([&] { return Exists("pid"); }, "the step runs");
  fs::copy(Path("home"), Path("copy"), fs::copy_options::recursive);
  const Finished stop = Run({"stop", "latest", "--home", "copy"});
  EXPECT_EQ(stop.code, 0) << stop.err;
  EXPECT_TRUE(StartOf(std::stoi(Read("pid")))) << "the step of the original was ended";
  Write("go", "");
  EXPECT_EQ(run.Wait().code, 0);
}

}  // namespace
}  // namespace dml::e2e
