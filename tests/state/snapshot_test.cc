// What a store says about a run that is to go on, and whether its log is its tables.

#include <gtest/gtest.h>

#include <filesystem>

#include "orchestrator/state/cache_store.h"
#include "orchestrator/state/database.h"
#include "orchestrator/state/run_store.h"
#include "orchestrator/state/schema.h"
#include "tests/state/log_replay.h"

namespace dml::state {
namespace {

using core::FailureKind;
using core::TaskState;

class Snapshot : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::remove_all(home_);
    std::filesystem::create_directories(home_);
    store_ = std::make_unique<RunStore>(RunStore::Open(Path()).value());
    run_ = BeginRun("p.yaml");
  }
  void TearDown() override { std::filesystem::remove_all(home_); }

  [[nodiscard]] std::string Path() const { return home_ + "/dml.db"; }
  RunId BeginRun(const std::string& file) {
    RunHeader header;
    header.name = "demo";
    header.file = file;
    header.options = {{"path", file}};
    header.started = {1'000'000};
    const std::vector<TaskHeader> tasks{{"a", "a"}, {"b", "b"}};
    return store_->BeginRun(header, tasks).value();
  }
  void Append(const Batch& batch) {
    now_ += 10;
    ASSERT_TRUE(store_->Append(run_, {now_}, batch).ok());
  }
  void Move(std::size_t task, TaskState from, TaskState to, std::uint32_t attempt,
            FailureKind failure = FailureKind::kNone) {
    Batch batch;
    batch.changes.push_back({TaskId(task), from, to, {attempt}, "because", failure});
    Append(batch);
  }
  void Launch(std::size_t task, std::uint32_t attempt) {
    Move(task, TaskState::kReady, TaskState::kLaunching, attempt);
    Move(task, TaskState::kLaunching, TaskState::kRunning, attempt);
  }
  void FailOnce(std::size_t task, std::uint32_t attempt, FailureKind kind) {
    Launch(task, attempt);
    Move(task, TaskState::kRunning, TaskState::kBackoff, attempt, kind);
    Move(task, TaskState::kBackoff, TaskState::kReady, attempt);
  }
  static TaskResult Result(const std::string& key) {
    TaskResult result;
    result.key = Sha256::Of(key);
    result.fields = R"({"params":{"C":0.1}})";
    result.metrics = {{"rows", 3}};
    result.warnings = {"rare"};
    result.wall = Duration::Seconds(2);
    return result;
  }

  std::string home_ = testing::TempDir() + "/snapshot_" +
                      testing::UnitTest::GetInstance()->current_test_info()->name();
  std::unique_ptr<RunStore> store_;
  RunId run_;
  std::int64_t now_ = 2'000'000;
};

TEST_F(Snapshot, TellsStatesAttemptsAndBudgetsUsed) {
  Move(0, TaskState::kBlocked, TaskState::kReady, 0);
  FailOnce(0, 1, FailureKind::kInfrastructure);
  FailOnce(0, 2, FailureKind::kOutOfMemory);
  Launch(0, 3);
  const RunSnapshot snapshot = store_->Load(run_).value();
  EXPECT_EQ(snapshot.header.file, "p.yaml");
  EXPECT_EQ(snapshot.header.options["path"], "p.yaml");
  EXPECT_EQ(snapshot.outcome, "running");
  const StoredTask& task = snapshot.tasks[TaskId(0)];
  EXPECT_EQ(task.name, "a");
  EXPECT_EQ(task.state, TaskState::kRunning);
  EXPECT_EQ(task.attempt.value, 3U);
  EXPECT_EQ(task.counts.infrastructure_failures, 1);
  EXPECT_EQ(task.counts.task_failures, 1);
  EXPECT_EQ(task.counts.out_of_memory, 1);
  EXPECT_EQ(task.last_failure, FailureKind::kOutOfMemory);
  EXPECT_EQ(snapshot.tasks[TaskId(1)].state, TaskState::kBlocked);
  const auto open = store_->OpenAttempts(run_).value();
  ASSERT_EQ(open.size(), 1U);
  EXPECT_EQ(open[0].name, "a");
  EXPECT_EQ(store_->Load(RunId{99}).error().message, "there is no run r99");
}

// Only dml's own budget, and only of what was before.
TEST_F(Snapshot, WhoeverFailedAndIsTakenUpAgainHasABudgetAnew) {
  Move(0, TaskState::kBlocked, TaskState::kReady, 0);
  FailOnce(0, 1, FailureKind::kTask);
  FailOnce(0, 2, FailureKind::kInfrastructure);
  Launch(0, 3);
  Move(0, TaskState::kRunning, TaskState::kFailed, 3, FailureKind::kInfrastructure);
  EXPECT_EQ(store_->Load(run_)->tasks[TaskId(0)].counts.infrastructure_failures, 2);
  Move(0, TaskState::kFailed, TaskState::kBlocked, 3);
  Move(0, TaskState::kBlocked, TaskState::kReady, 3);
  FailOnce(0, 4, FailureKind::kInfrastructure);
  const StoredTask task = store_->Load(run_)->tasks[TaskId(0)];
  EXPECT_EQ(task.counts.infrastructure_failures, 1);
  EXPECT_EQ(task.counts.task_failures, 1);
  EXPECT_EQ(task.last_failure, FailureKind::kInfrastructure);
}

TEST_F(Snapshot, PendingCommitsComeBackWholeAndOnlyForTheCurrentAttempt) {
  Move(0, TaskState::kBlocked, TaskState::kReady, 0);
  Launch(0, 1);
  Batch batch;
  batch.changes.push_back({TaskId(0), TaskState::kRunning, TaskState::kCommitting, {1}, "", {}});
  batch.pending.push_back({TaskId(0), {1}, "boot 1", Result("k")});
  Append(batch);
  const auto pending = store_->Load(run_).value().pending;
  ASSERT_EQ(pending.size(), 1U);
  EXPECT_EQ(pending[0].boot, "boot 1");
  EXPECT_EQ(pending[0].result.key, Sha256::Of("k"));
  EXPECT_EQ(pending[0].result.fields, Result("k").fields);
  EXPECT_EQ(pending[0].result.metrics, Result("k").metrics);
  EXPECT_EQ(pending[0].result.warnings, Result("k").warnings);
  EXPECT_EQ(pending[0].result.wall, Duration::Seconds(2));
  Move(0, TaskState::kCommitting, TaskState::kBlocked, 1);
  EXPECT_TRUE(store_->Load(run_).value().pending.empty());
}

TEST_F(Snapshot, TheKeysOfLaunchedAttemptsComeBackWhileTheseAreInFlight) {
  Move(0, TaskState::kBlocked, TaskState::kReady, 0);
  Batch batch;
  batch.changes.push_back({TaskId(0), TaskState::kReady, TaskState::kLaunching, {1}, "", {}});
  batch.pending.push_back({TaskId(0), {1}, "boot 1", Result("k")});
  Append(batch);
  EXPECT_TRUE(store_->Load(run_).value().pending.empty());
  EXPECT_EQ(store_->Load(run_).value().launched,
            (std::map<TaskId, Digest>{{TaskId(0), Sha256::Of("k")}}));
  Move(0, TaskState::kLaunching, TaskState::kRunning, 1);
  EXPECT_EQ(store_->Load(run_).value().launched.size(), 1U);
  Move(0, TaskState::kRunning, TaskState::kBackoff, 1);
  EXPECT_TRUE(store_->Load(run_).value().launched.empty());
}

TEST_F(Snapshot, UnfinishedRunsAreFoundUntilALaterOneMakesUpForThem) {
  EXPECT_EQ(store_->RunningRuns().value(), std::vector<RunId>{run_});
  ASSERT_TRUE(store_->MarkRun(run_, RunOutcome::kInterrupted).ok());
  EXPECT_TRUE(store_->RunningRuns().value().empty());
  EXPECT_EQ(store_->NewestUnfinished().value(), run_);
  const RunId other = BeginRun("other.yaml");
  ASSERT_TRUE(store_->EndRun(other, {3'000'000}, RunOutcome::kSucceeded).ok());
  EXPECT_EQ(store_->NewestUnfinished().value(), run_);
  const RunId later = BeginRun("p.yaml");
  ASSERT_TRUE(store_->EndRun(later, {3'000'000}, RunOutcome::kSucceeded).ok());
  EXPECT_FALSE(store_->NewestUnfinished().value().has_value());
}

TEST_F(Snapshot, TheLogFoldsToTheTables) {
  Move(0, TaskState::kBlocked, TaskState::kReady, 0);
  FailOnce(0, 1, FailureKind::kTask);
  Launch(0, 2);
  EXPECT_EQ(ReplayLog(Path()), std::vector<std::string>());
  auto db = Database::Open(Path(), OpenMode::kReadWrite).value();
  for (const auto& [change, complaint] :
       {std::pair{"UPDATE tasks SET state = 6 WHERE task = 0", "r1 task 0: another state"},
        {"UPDATE tasks SET state = 3, attempt = 9 WHERE task = 0", "r1 task 0: another attempt"},
        {"UPDATE tasks SET attempt = 2, reason = 'x' WHERE task = 0",
         "r1 task 0: another reason"}}) {
    ASSERT_TRUE(db.Execute(change).ok());
    EXPECT_EQ(ReplayLog(Path()), std::vector<std::string>{complaint});
  }
  ASSERT_TRUE(db.Execute("UPDATE tasks SET reason = 'because' WHERE task = 0").ok());
  EXPECT_EQ(ReplayLog(Path()), std::vector<std::string>());
  ASSERT_TRUE(db.Execute("DELETE FROM events WHERE seq = 2").ok());
  EXPECT_FALSE(ReplayLog(Path()).empty()) << "a gap";
}

// A home of the first version: the tables grow, what they hold stays.
TEST_F(Snapshot, AnOlderDatabaseIsBroughtUpToDate) {
  Move(0, TaskState::kBlocked, TaskState::kReady, 0);
  store_.reset();
  {
    auto db = Database::Open(Path(), OpenMode::kReadWrite).value();
    for (const char* undo :
         {"DROP INDEX runs_once", "ALTER TABLE runs DROP COLUMN once", "DROP INDEX events_remade",
          "DROP INDEX runs_hooks", "ALTER TABLE runs DROP COLUMN hooks", "DROP TABLE pending",
          "DROP INDEX runs_running", "DROP INDEX events_failures",
          "ALTER TABLE events DROP COLUMN failure", "PRAGMA user_version = 1"}) {
      ASSERT_TRUE(db.Execute(undo).ok()) << undo;
    }
  }
  store_ = std::make_unique<RunStore>(RunStore::Open(Path()).value());
  EXPECT_EQ(store_->Load(run_).value().tasks[TaskId(0)].state, TaskState::kReady);
  Launch(0, 1);
  EXPECT_EQ(ReplayLog(Path()), std::vector<std::string>());
}

// As `dml stop --now` finds it when a process was frozen in the middle of a write.
TEST_F(Snapshot, WhoOpensADatabaseDoesNotWaitForAWriter) {
  auto writer = Database::Open(Path(), OpenMode::kReadWrite).value();
  const auto transaction = Transaction::Begin(writer);
  ASSERT_TRUE(transaction.ok());
  auto opened = RunStore::Open(Path());
  ASSERT_TRUE(opened.ok()) << opened.error().Render();
  EXPECT_TRUE(opened->Load(run_).ok());
}

TEST_F(Snapshot, TheCacheKnowsWhatIsInUse) {
  for (const char* key : {"old", "new"}) {
    run_ = BeginRun("p.yaml");
    Batch batch;
    batch.results.emplace_back(TaskId(0), Result(key));
    Append(batch);
    ASSERT_TRUE(store_->EndRun(run_, {now_}, RunOutcome::kSucceeded).ok());
  }
  auto cache = CacheStore::Open(Path()).value();
  EXPECT_EQ(cache.KeysInUse(1).value(), std::set<Digest>{Sha256::Of("new")});
  EXPECT_EQ(cache.KeysInUse(2).value().size(), 2U);
  EXPECT_EQ(cache.List().value().at(0).task, "a");
  ASSERT_TRUE(store_->MarkRun(RunId{2}, RunOutcome::kCancelled).ok());
  EXPECT_EQ(cache.KeysInUse(1).value().size(), 2U) << "it may be resumed";
  ASSERT_TRUE(cache.Remove({Sha256::Of("old")}).ok());
  EXPECT_FALSE(store_->FindResult(Sha256::Of("old")).value().has_value());
}

}  // namespace
}  // namespace dml::state
