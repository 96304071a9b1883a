// What a result was made of is what its producers left: steps that never leave the same twice.

#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "orchestrator/core/fingerprint.h"
#include "orchestrator/state/database.h"
#include "tests/engine/session_fixture.h"

namespace dml::engine {
namespace {

using core::TaskState;

class Lineage : public SessionTest {
 protected:
  // The first run, which dies with its n-th task launched and nobody told.
  void RunAndDieAfter(std::size_t launches) {
    const pid_t child = ::fork();
    if (child == 0) {
      RecordingObserver observer;
      RunSession session(*home_, maker_.pipeline, {}, clock_, observer);
      ImmediateRunner runner(session.events());
      runner.on_launch = [&] {
        if (runner.launched.size() >= launches) ::kill(::getpid(), SIGKILL);
      };
      ::_exit(session.Run(runner).ok() ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "it lived on";
  }
  Ran Resume() {
    Ran ran;
    RunSession session(*home_, maker_.pipeline, {}, clock_, ran.observer);
    ImmediateRunner runner(session.events());
    auto result = session.Resume(RunId{1}, runner);
    EXPECT_TRUE(result.ok()) << result.error().Render();
    if (result.ok()) ran.result = *result;
    ran.launched = runner.Names();
    ran.specs = runner.launched;
    return ran;
  }
  void RemoveOutputOf(std::size_t task) {
    const auto tasks = Tasks(RunId{1});
    ASSERT_TRUE(tasks[task].result) << task;
    ASSERT_TRUE(std::filesystem::remove(
        home_->BlobPath(tasks[task].result->outputs.at(0).files.at(0).digest)));
  }
  // Digests of what each task was given, and left.
  [[nodiscard]] bool WasMadeOf(std::size_t consumer, std::size_t producer) const {
    const auto tasks = Tasks(RunId{1});
    const std::string digest = tasks[producer].result->outputs.at(0).digest.Hex();
    return tasks[consumer].result->fields.find(digest) != std::string::npos;
  }

  PipelineMaker maker_;
};

// p -> {a -> b, c}: p's output goes while c is at work, and p leaves something else the next time.
TEST_F(Lineage, WhoeverReadTheFormerContentIsDoneAgain) {
  const TaskId p = maker_.Add("p", {}, {{"unsteady", 1}});
  const TaskId a = maker_.Add("a", {p});
  maker_.Add("b", {a});
  maker_.Add("c", {p, a});
  RunAndDieAfter(4);
  RemoveOutputOf(0);
  const Ran ran = Resume();
  EXPECT_EQ(ran.result.outcome, state::RunOutcome::kSucceeded);
  EXPECT_EQ(std::set<std::string>(ran.launched.begin(), ran.launched.end()),
            (std::set<std::string>{"p", "a", "b", "c"}));
  EXPECT_TRUE(WasMadeOf(1, 0) && WasMadeOf(2, 1) && WasMadeOf(3, 0) && WasMadeOf(3, 1));
  EXPECT_EQ(ran.observer.Reason(a, TaskState::kBlocked),
            "what it read has been made again, with another content");
}

// The same with a p that leaves the same again: a and b stand.
TEST_F(Lineage, EqualBytesStopTheWave) {
  const TaskId p = maker_.Add("p", {}, {{"x", 1}});
  const TaskId a = maker_.Add("a", {p});
  maker_[a].cache = false;
  maker_.Add("b", {a});
  maker_.Add("c", {p, a});
  RunAndDieAfter(4);
  RemoveOutputOf(0);
  const Ran ran = Resume();
  EXPECT_EQ(ran.result.outcome, state::RunOutcome::kSucceeded);
  EXPECT_EQ(std::ranges::count(ran.launched, "a"), 0);
  EXPECT_EQ(std::ranges::count(ran.launched, "p"), 1);
}

// Two draws by the same command are two draws, also for who takes up the run.
TEST_F(Lineage, EqualTasksThatAreNotCachedKeepWhatEachOfThemLeft) {
  std::vector<TaskId> draws;
  for (const char* name : {"draw1", "draw2"}) {
    draws.push_back(maker_.Add(name, {}, {{"unsteady", 1}}));
    maker_[draws.back()].cache = false;
  }
  maker_.Add("read1", {draws[0]}, {{"n", 1}});
  maker_.Add("read2", {draws[1]}, {{"n", 2}});
  RunAndDieAfter(3);
  const Ran ran = Resume();
  EXPECT_EQ(ran.result.outcome, state::RunOutcome::kSucceeded);
  const auto tasks = Tasks(RunId{1});
  EXPECT_NE(tasks[0].result->outputs[0].digest, tasks[1].result->outputs[0].digest);
  EXPECT_TRUE(WasMadeOf(2, 0) && WasMadeOf(3, 1));
}

// A run that another dml has begun, which kept its results under another format.
TEST_F(Lineage, ResultsOfAnotherKeyFormatAreMadeAgain) {
  const TaskId p = maker_.Add("p", {}, {{"x", 1}});
  maker_.Add("a", {p});
  RunAndDieAfter(2);
  {
    auto db = state::Database::Open(home_->DatabasePath(), state::OpenMode::kReadWrite).value();
    const std::string key(64, '1');
    for (const std::string& change :
         {fmt::format("UPDATE cache SET key = x'{}', fields = replace(fields, '\"format\":{}', "
                      "'\"format\":1')",
                      key, core::kKeyFormat),
          fmt::format("UPDATE results SET key = x'{}'", key)}) {
      ASSERT_TRUE(db.Execute(change).ok()) << change;
    }
  }
  const Ran ran = Resume();
  EXPECT_EQ(ran.launched, (Names{"p", "a"}));
}

}  // namespace
}  // namespace dml::engine
