// Outputs that are gone everywhere: what made them runs again.

#include <filesystem>

#include "tests/cluster/scenario.h"
#include "tests/e2e/leavings.h"

namespace dml::cluster {
namespace {

namespace fs = std::filesystem;

class LineageScenario : public Scenario {
 protected:
  explicit LineageScenario(std::size_t hosts = 3)
      : Scenario(std::vector<ssh::ServerOptions>(hosts)) {}
  // Every blob that no attempt holds by a name of its own.
  void EmptyCaches() {
    for (std::size_t i = 0; i < servers_.size(); ++i) {
      const ssh::Server& server = servers_.server(i);
      const std::string blobs = server.FromHere(server.root()) + "/blobs";
      std::vector<fs::path> folders;
      for (const auto& entry : fs::directory_iterator(blobs)) folders.push_back(entry.path());
      for (const fs::path& folder : folders) fs::remove_all(folder);
    }
  }
  // The head's own copies.
  void EmptyStore() const {
    const std::set<std::string> gone = e2e::BlobsOf(Path("there"));
    ASSERT_FALSE(gone.empty());
    std::vector<fs::path> files;
    // A living head removes folders of attempts meanwhile, which ends a look.
    std::error_code moved;
    do {
      files.clear();
      moved.clear();
      for (fs::recursive_directory_iterator at(Path("there"), moved), end; !moved && at != end;
           at.increment(moved)) {
        const fs::path path = at->path();
        const std::string whole = path.parent_path().filename().string() + path.filename().string();
        const bool blob = gone.contains(path.filename().string()) || gone.contains(whole);
        std::error_code ignored;
        if (blob && fs::is_regular_file(path, ignored)) files.push_back(path);
      }
    } while (moved);
    ASSERT_GE(files.size(), gone.size());
    for (const fs::path& file : files) fs::remove(file);
    ASSERT_TRUE(e2e::BlobsOf(Path("there")).empty());
  }
  // With `dml resume` or `dml retry`.
  e2e::Finished GoOn(std::vector<std::string> words) const {
    words.insert(words.end(), {"--home", Path("there")});
    e2e::Program going = StartDml(words);
    return going.Wait();
  }
};

// The head dies while six tasks read the output of another.
TEST_F(LineageScenario, AnOutputThatNobodyHasIsMadeAgain) {
  e2e::Program run = StartRun();
  AwaitBegun(kTasks);
  run.Signal(SIGKILL);
  static_cast<void>(run.Wait());
  EmptyStore();
  EmptyCaches();
  OpenGate();
  const e2e::Finished resumed = GoOn({"resume"});
  EXPECT_EQ(resumed.code, 0) << resumed.out << resumed.err;
  EXPECT_EQ(e2e::BlobsOf(Path("there")), e2e::BlobsOf(Path("alone"))) << "not the same bits";
  EXPECT_EQ(AttemptsOf(Path("there")).at(0), 2) << "its producer ran once more";
  EXPECT_EQ(e2e::LeavingsOf(Path("there")), std::vector<std::string>());
}

// What the head still has is sent again, and nothing runs twice.
TEST_F(LineageScenario, AnOutputThatTheHeadHasIsSentAgain) {
  e2e::Program run = StartRun();
  AwaitBegun(kTasks);
  run.Signal(SIGKILL);
  static_cast<void>(run.Wait());
  EmptyCaches();
  OpenGate();
  const e2e::Finished resumed = GoOn({"resume"});
  EXPECT_EQ(resumed.code, 0) << resumed.out << resumed.err;
  EXPECT_EQ(AttemptsOf(Path("there")), std::vector<int>(8, 1));
  ExpectGoodHistory();
}

class OneHostLineageScenario : public LineageScenario {
 protected:
  OneHostLineageScenario() : LineageScenario(1) {}
};

// While the head lives, tasks that were still to read it wait until it has been made again.
TEST_F(OneHostLineageScenario, AnOutputThatGoesInTheMiddleIsMadeAgain) {
  e2e::Program run = StartRun();
  AwaitBegun(2);
  EmptyStore();
  EmptyCaches();
  OpenGate();
  const e2e::Finished finished = run.Wait();
  EXPECT_EQ(finished.code, 0) << finished.out << finished.err;
  EXPECT_NE(finished.err.find("again"), std::string::npos) << finished.err;
  EXPECT_EQ(e2e::BlobsOf(Path("there")), e2e::BlobsOf(Path("alone"))) << "not the same bits";
  EXPECT_EQ(AttemptsOf(Path("there")).at(0), 2) << "its producer ran once more";
  EXPECT_EQ(e2e::LeavingsOf(Path("there")), std::vector<std::string>());
}

}  // namespace
}  // namespace dml::cluster
