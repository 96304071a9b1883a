// Garbage collection with the real program: what a run needs that can be resumed stays, however it
// ended; checkpoints go when nobody has touched them for a week; and gc and verify may be killed
// between forgetting a result and removing its files.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "base/crash_point.h"
#include "tests/e2e/label_name.h"
#include "tests/e2e/leavings.h"
#include "tests/e2e/program.h"

namespace dml::e2e {
namespace {

namespace fs = std::filesystem;

constexpr int kKilled = 128 + SIGKILL;

class Garbage : public EndToEnd {
 protected:
  // first leaves a line in `trace` whenever it is executed, second waits for the file `go`.
  void WritePipeline() const {
    Write("p.yaml",
          "name: n\nparams: {n: 1}\nsteps:\n  - id: first\n    run: 'echo ${params.n} | "
          "tee -a " +
              Path("trace") +
              " > f'\n    outputs: {f: f}\n"
              "  - id: second\n    input: {f: first.f}\n    inputs: {f: in}\n"
              "    outputs: {g: g}\n    run: 'touch " +
              Path("started") + "; while ! test -e " + Path("go") +
              "; do sleep 0.02; done; cat in > g'\n");
  }
  [[nodiscard]] std::string OutcomeOfTheFirst() const {
    const Json runs = RunJson({"ls"});
    for (const Json& run : runs.at("runs")) {
      if (run.at("run") == "r1") return run.at("outcome");
    }
    return {};
  }
  // Of a run that ended with `signal` while its second step ran; `notice`: another dml has seen to
  // it.
  void ExpectKept(int signal, bool notice, const std::string& outcome) {
    WritePipeline();
    Program run = Start({"run", "p.yaml"});
    WaitUntil([&] { return Exists("started"); }, "the second step runs");
    const Finished busy = Run({"cache", "gc"});
    EXPECT_EQ(busy.code, 4) << busy.err;
    run.Signal(signal);
    EXPECT_EQ(run.Wait().code, 128 + signal);
    EXPECT_EQ(LivingOf(Path(".dml")), std::vector<std::string>());
    Write("go", "");
    if (notice) {
      // A newer run of the pipeline, so that only its being unfinished keeps the first.
      ASSERT_EQ(Run({"run", "p.yaml", "-S", "n=2"}).code, 0);
    }
    ASSERT_EQ(Run({"cache", "gc", "--keep-runs", "0"}).code, 0);
    EXPECT_EQ(OutcomeOfTheFirst(), outcome);
    const Finished resumed = Run({"resume", "r1"});
    EXPECT_EQ(resumed.code, 0) << resumed.err;
    EXPECT_EQ(Read("trace"), notice ? "1\n2\n" : "1\n") << "the first step was not repeated";
    EXPECT_EQ(LeavingsOf(Path(".dml")), std::vector<std::string>());
  }
};

TEST_F(Garbage, LeavesWhatACancelledRunNeeds) { ExpectKept(SIGINT, /*notice=*/true, "cancelled"); }

// Nobody has noticed that the process is dead: the database still says that the run goes on.
TEST_F(Garbage, LeavesWhatAKilledRunNeeds) { ExpectKept(SIGKILL, /*notice=*/false, "interrupted"); }

TEST_F(Garbage, LeavesWhatAnInterruptedRunNeeds) {
  ExpectKept(SIGKILL, /*notice=*/true, "interrupted");
}

// Dead in the middle of storing: the only copy of what the attempt has made is in its folder.
TEST_F(Garbage, LeavesTheOutputsThatWereBeingStored) {
  WritePipeline();
  Write("go", "");
  StartOptions crash;
  crash.env = {"DML_CRASH_AT=commit.begins:2"};
  ASSERT_EQ(Run({"run", "p.yaml"}, crash).code, kKilled);
  fs::remove(Path("started"));
  ASSERT_EQ(Run({"cache", "gc", "--keep-runs", "0"}).code, 0);
  const Finished resumed = Run({"resume"});
  EXPECT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_EQ(Read("trace"), "1\n");
  EXPECT_FALSE(Exists("started")) << "the second step had succeeded";
}

TEST_F(Garbage, CheckpointsGoAWeekAfterTheyWereLastTouched) {
  Write(
      "p.yaml", "name: n\nsteps:\n" + [] {
        std::string steps;
        for (const char* id : {"old", "young", "refreshed"}) {
          steps += std::string("  - id: ") + id +
                   "\n    run: 'mkdir -p \"$DML_CHECKPOINT_DIR\"; echo " + id +
                   " > \"$DML_CHECKPOINT_DIR/state\"; exit 1'\n";
        }
        return steps;
      }());
  ASSERT_EQ(Run({"run", "p.yaml", "-k"}).code, 1);
  const auto ago = [](double days) {
    return fs::file_time_type::clock::now() -
           std::chrono::minutes(static_cast<int>(days * 24 * 60));
  };
  std::map<std::string, fs::path> states;
  for (const auto& entry : fs::recursive_directory_iterator(Path(".dml/checkpoints"))) {
    if (entry.path().filename() != "state") continue;
    std::string id = Read(fs::relative(entry.path(), Path(".")).string());
    id.pop_back();
    states[id] = entry.path();
    fs::last_write_time(entry.path(), ago(id == "young" ? 6.9 : 7.1));
    fs::last_write_time(entry.path().parent_path(), ago(id == "refreshed" ? 6.9 : 7.1));
  }
  ASSERT_EQ(states.size(), 3U);
  EXPECT_EQ(RunJson({"cache", "gc", "--dry-run"}).at("checkpoints"), 1);
  EXPECT_TRUE(fs::exists(states["old"])) << "only counted";
  EXPECT_EQ(RunJson({"cache", "gc"}).at("checkpoints"), 1);
  EXPECT_FALSE(fs::exists(states["old"].parent_path().parent_path()));
  EXPECT_TRUE(fs::exists(states["young"]));
  EXPECT_TRUE(fs::exists(states["refreshed"]));
}

// Homes that share a store.
class SharedStore : public EndToEnd {
 protected:
  [[nodiscard]] Finished In(const std::string& home, std::vector<std::string> args) const {
    StartOptions options;
    options.env = {"DML_CACHE=" + Path("shared")};
    args.insert(args.end(), {"--home", home});
    return Run(args, options);
  }
};

// One that was moved still needs its files; nobody but the user knows of one that was deleted.
TEST_F(SharedStore, OfAHomeThatIsNotThereIsLeftAlone) {
  Write("p.yaml", "name: n\nsteps:\n  - id: made\n    outputs: {f: f}\n    run: 'echo x > f'\n");
  ASSERT_EQ(In("one", {"run", "p.yaml"}).code, 0);
  ASSERT_EQ(In("two", {"run", "p.yaml", "--no-cache"}).code, 0);
  ASSERT_EQ(In("nowhere", {"plan", "p.yaml"}).code, 0);
  EXPECT_EQ(In("one", {"cache", "gc"}).code, 0) << "who only plans has nothing there";
  fs::rename(Path("two"), Path("moved"));
  const Finished refused = In("one", {"cache", "gc", "--keep-runs", "0"});
  EXPECT_EQ(refused.code, 3) << refused.out;
  EXPECT_NE(refused.err.find("dml cache gc --forget-home '" + Path("two") + "'"), std::string::npos)
      << refused.err;
  EXPECT_EQ(BlobsOf(Path("one")).size(), 1U);
  ASSERT_EQ(In("moved", {"run", "p.yaml"}).code, 0);
  const Finished done = In("one", {"cache", "gc", "--keep-runs", "0", "--forget-home", "two"});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_EQ(BlobsOf(Path("one")).size(), 1U) << "the home that was moved has it";
  EXPECT_EQ(In("one", {"cache", "gc", "--forget-home", "two"}).code, 2) << "it is forgotten";
}

// Nor can its disk, when it is not mounted, be told from one that nobody may write.
TEST_F(SharedStore, ThatIsNotThereIsNamed) {
  Write("p.yaml", "name: n\nsteps:\n  - id: made\n    outputs: {f: f}\n    run: 'echo x > f'\n");
  ASSERT_EQ(In("one", {"run", "p.yaml"}).code, 0);
  fs::rename(Path("shared"), Path("elsewhere"));
  for (const std::vector<std::string>& args :
       {std::vector<std::string>{"run", "p.yaml"}, {"cache", "ls"}, {"cache", "gc"}}) {
    std::vector<std::string> line = args;
    line.insert(line.end(), {"--home", "one"});
    const Finished asked = Run(line);
    EXPECT_EQ(asked.code, 3) << asked.err;
    EXPECT_NE(asked.err.find("keeps its results in '" + Path("shared") + "', which is not there"),
              std::string::npos)
        << asked.err;
  }
  EXPECT_FALSE(fs::exists(Path("shared")));
  fs::rename(Path("elsewhere"), Path("shared"));
  EXPECT_NE(Run({"run", "p.yaml", "--home", "one"}).err.find("1 reused"), std::string::npos);
  fs::remove_all(Path("shared"));
  EXPECT_EQ(In("one", {"run", "p.yaml"}).code, 0) << "with DML_CACHE it is made anew";
}

// Two homes that share a store. The one that looks after it is killed at every point.
class KilledCare : public EndToEnd, public testing::WithParamInterface<std::string_view> {
 protected:
  // made leaves one file in the store, read another; each leaves a line in `trace`.
  KilledCare() {
    Write("p.yaml",
          "name: n\nparams: {n: 1}\nsteps:\n"
          "  - id: made\n    outputs: {f: f}\n    run: 'echo made-${params.n} | tee -a " +
              Path("trace") +
              " > f'\n"
              "  - id: read\n    input: {f: made.f}\n    inputs: {f: in}\n    outputs: {g: g}\n"
              "    run: 'echo read-${params.n} | tee -a " +
              Path("trace") + " > g; cat in >> g'\n");
  }
  [[nodiscard]] Finished In(const std::string& home, std::vector<std::string> args,
                            const std::string& crash = {}) const {
    StartOptions options;
    options.env = {"DML_CACHE=" + Path("shared")};
    if (!crash.empty()) options.env.push_back("DML_CRASH_AT=" + crash);
    args.insert(args.end(), {"--home", home});
    return Run(args, options);
  }
  // What the commands have written since the last call.
  [[nodiscard]] std::string News() const {
    const std::string news = Exists("trace") ? Read("trace") : std::string();
    fs::remove(Path("trace"));
    return news;
  }
  void ExpectWhole(const std::string& home, int n) const {
    const std::string number = std::to_string(n);
    const Finished run = In(home, {"run", "p.yaml", "-S", "n=" + number});
    EXPECT_EQ(run.code, 0) << run.err;
    const auto blobs = BlobsOf(Path(home));
    const bool there = std::ranges::any_of(blobs, [&](const std::string& name) {
      return Read(home + "/store/blobs/" + name.substr(0, 2) + "/" + name) ==
             "read-" + number + "\nmade-" + number + "\n";
    });
    EXPECT_TRUE(there) << "the outputs of n=" << n << " are whole in " << home;
  }
};

TEST_P(KilledCare, IsDoneByTheNext) {
  const std::string label(GetParam());
  const std::vector<std::string> care =
      label.starts_with("gc.") ? std::vector<std::string>{"cache", "gc", "--keep-runs", "1"}
                               : std::vector<std::string>{"cache", "verify"};
  ExpectWhole("one", 1);
  ExpectWhole("one", 2);
  (void)News();
  if (label.starts_with("verify.")) {
    for (const std::string& name : BlobsOf(Path("one"))) {
      const std::string blob = "one/store/blobs/" + name.substr(0, 2) + "/" + name;
      if (Read(blob).find("made-1") == std::string::npos) continue;  // what n=1 has made and read
      ::chmod(Path(blob).c_str(), 0644);
      Write(blob, "torn");
    }
  }
  ASSERT_EQ(In("one", care, label).code, kKilled) << "nothing died there";
  // Nobody takes for whole what is half gone: not the other home ...
  ExpectWhole("two", 2);
  EXPECT_EQ(News(), "") << "what n=2 has made is untouched";
  const Finished again = In("one", care);
  EXPECT_EQ(again.code, label == "verify.dropped" || label == "verify.removed" ? 3 : 0)
      << again.out << again.err;
  EXPECT_EQ(In("one", care).code, 0) << "nothing is left to do";
  EXPECT_EQ(BlobsOf(Path("one")).size(), 2U) << "the files of n=2";
  ExpectWhole("two", 1);
  EXPECT_EQ(News(), "made-1\nread-1\n");
  // ... and not the one whose care it was.
  ExpectWhole("one", 1);
  ExpectWhole("one", 2);
  EXPECT_EQ(News(), "") << "all of it is there again";
  EXPECT_EQ(LeavingsOf(Path("one")), std::vector<std::string>());
}

INSTANTIATE_TEST_SUITE_P(EveryOne, KilledCare, testing::ValuesIn(kStoreCrashPoints), NameOfLabel);

}  // namespace
}  // namespace dml::e2e
