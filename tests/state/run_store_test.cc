#include "orchestrator/state/run_store.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "orchestrator/state/database.h"
#include "orchestrator/state/run_view.h"

namespace dml::state {
namespace {

using core::TaskState;

class RunStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::remove_all(home_);
    std::filesystem::create_directories(home_);
  }
  void TearDown() override { std::filesystem::remove_all(home_); }

  RunStore Open() { return RunStore::Open(home_ + "/dml.db").value(); }
  static RunId Begin(RunStore& store, std::vector<TaskHeader> tasks) {
    RunHeader header;
    header.name = "demo";
    header.params = {{"seed", 42}};
    header.started = {1'000'000};
    return store.BeginRun(header, tasks).value();
  }
  static TaskResult SomeResult() {
    TaskResult result;
    result.key = Sha256::Of("key");
    result.fields = R"({"params.C":0.1})";
    result.metrics = {{"cv", {{"roc_auc", 0.72}}}};
    result.warnings = {"one class is rare"};
    result.wall = Duration::Seconds(2);
    Artifact model{"model",
                   PortKind::kModel,
                   {{"model.safetensors", "", 7, Sha256::Of("m")}},
                   Sha256::Of("manifest")};
    result.outputs.push_back(model);
    return result;
  }

  std::string home_ = testing::TempDir() + "/run_store_" +
                      testing::UnitTest::GetInstance()->current_test_info()->name();
};

// Where SQLite itself does not wait: it says at once that the file is locked.
TEST_F(RunStoreTest, IsMadeByManyAtOnce) {
  constexpr int kProcesses = 6;
  constexpr int kFiles = 100;
  const auto begin = std::chrono::steady_clock::now() + std::chrono::milliseconds(50);
  std::array<pid_t, kProcesses> processes{};
  for (pid_t& process : processes) {
    process = ::fork();
    if (process != 0) continue;
    for (int i = 0; i < kFiles; ++i) {
      std::this_thread::sleep_until(begin + i * std::chrono::milliseconds(10));
      if (!RunStore::Open(home_ + "/" + std::to_string(i) + ".db").ok()) ::_exit(1);
    }
    ::_exit(0);
  }
  for (const pid_t process : processes) {
    int status = -1;
    ASSERT_EQ(::waitpid(process, &status, 0), process);
    EXPECT_EQ(status, 0);
  }
}

TEST_F(RunStoreTest, WhatIsRunOnceHasOneRun) {
  RunStore store = Open();
  RunHeader header;
  header.once = "slot 1";
  EXPECT_FALSE(store.FindOnce("slot 1")->has_value());
  const RunId run = store.BeginRun(header, {}).value();
  Begin(store, {});
  EXPECT_EQ(*store.FindOnce("slot 1"), run);
  EXPECT_FALSE(store.FindOnce("")->has_value());
  EXPECT_FALSE(store.BeginRun(header, {}).ok());
}

TEST_F(RunStoreTest, ResultsComeBackWhole) {
  RunStore store = Open();
  const RunId run = Begin(store, {{"a", "a"}});
  Batch batch;
  batch.results.emplace_back(TaskId(0), SomeResult());
  ASSERT_TRUE(store.Append(run, {2'000'000}, batch).ok());
  const auto found = store.FindResult(Sha256::Of("key"));
  ASSERT_TRUE(found.ok() && found->has_value());
  const TaskResult& result = **found;
  EXPECT_EQ(result.fields, SomeResult().fields);
  EXPECT_EQ(result.metrics, SomeResult().metrics);
  EXPECT_EQ(result.warnings, SomeResult().warnings);
  EXPECT_EQ(result.wall, Duration::Seconds(2));
  ASSERT_EQ(result.outputs.size(), 1U);
  EXPECT_EQ(result.outputs[0].digest, Sha256::Of("manifest"));
  EXPECT_EQ(result.outputs[0].files[0].digest, Sha256::Of("m"));
  EXPECT_FALSE(store.FindResult(Sha256::Of("other"))->has_value());
}

TEST_F(RunStoreTest, TheTaskTableIsTheFoldOfTheLog) {
  RunStore store = Open();
  const RunId run = Begin(store, {{"a", "a"}, {"b", "b"}});
  Batch batch;
  batch.changes = {{TaskId(0), TaskState::kBlocked, TaskState::kReady, {0}, ""},
                   {TaskId(0), TaskState::kReady, TaskState::kLaunching, {1}, ""},
                   {TaskId(0), TaskState::kLaunching, TaskState::kBackoff, {1}, "exit 1"},
                   {TaskId(0), TaskState::kBackoff, TaskState::kReady, {1}, ""},
                   {TaskId(0), TaskState::kReady, TaskState::kLaunching, {2}, ""},
                   {TaskId(0), TaskState::kLaunching, TaskState::kFailed, {2}, "exit 2"},
                   {TaskId(1), TaskState::kBlocked, TaskState::kSkipped, {0}, "a failed"}};
  ASSERT_TRUE(store.Append(run, {2'000'000}, batch).ok());
  ASSERT_TRUE(store.EndRun(run, {3'000'000}, RunOutcome::kFailed).ok());

  RunView view = RunView::Open(home_).value();
  const auto tasks = view.Tasks(run).value();
  ASSERT_EQ(tasks.size(), 2U);
  EXPECT_EQ(tasks[0].state, TaskState::kFailed);
  EXPECT_EQ(tasks[0].attempt, AttemptNumber{2});
  EXPECT_EQ(tasks[0].reason, "exit 2");
  ASSERT_EQ(tasks[0].attempts.size(), 2U);
  EXPECT_EQ(tasks[0].attempts[0].ended_as, TaskState::kBackoff);
  EXPECT_EQ(tasks[0].attempts[0].reason, "exit 1");
  EXPECT_EQ(tasks[1].reason, "a failed");
  const auto summary = view.Find("latest").value();
  EXPECT_EQ(summary.outcome, "failed");
  EXPECT_EQ(summary.counts[static_cast<std::size_t>(TaskState::kFailed)], 1U);
  EXPECT_EQ(view.Find("r1")->id, run);
  EXPECT_FALSE(view.Find("r9").ok());
  EXPECT_FALSE(view.Find("first").ok());
}

TEST_F(RunStoreTest, ReusedResultsShowInTheNewRun) {
  RunStore store = Open();
  const RunId first = Begin(store, {{"a", "a"}});
  Batch batch;
  batch.results.emplace_back(TaskId(0), SomeResult());
  ASSERT_TRUE(store.Append(first, {2'000'000}, batch).ok());
  const RunId second = Begin(store, {{"a", "a"}});
  Batch reuse;
  reuse.reused.emplace_back(TaskId(0), Sha256::Of("key"));
  ASSERT_TRUE(store.Append(second, {3'000'000}, reuse).ok());
  const auto tasks = RunView::Open(home_)->Tasks(second).value();
  ASSERT_TRUE(tasks[0].result.has_value());
  EXPECT_EQ(tasks[0].result->metrics["cv"]["roc_auc"], 0.72);
}

TEST_F(RunStoreTest, AFileIsKnownByItsStamp) {
  RunStore store = Open();
  const FileStamp stamp{1, 2, 3, 4, 5};
  ASSERT_TRUE(store.RememberFile("/data.csv", stamp, Sha256::Of("content")).ok());
  EXPECT_EQ(*store.FindFile("/data.csv", stamp), Sha256::Of("content"));
  EXPECT_FALSE(store.FindFile("/data.csv", FileStamp{1, 2, 3, 4, 6})->has_value());
  EXPECT_FALSE(store.FindFile("/other.csv", stamp)->has_value());
}

TEST_F(RunStoreTest, StatesTheNatureOfItsTroubles) {
  { const RunStore store = Open(); }
  {
    Database db = Database::Open(home_ + "/dml.db", OpenMode::kReadWrite).value();
    ASSERT_TRUE(db.Execute("PRAGMA user_version = 99").ok());
  }
  const auto newer = RunStore::Open(home_ + "/dml.db");
  ASSERT_FALSE(newer.ok());
  EXPECT_EQ(newer.error().message, "the store was written by a newer dml");

  std::ofstream(home_ + "/broken.db") << std::string(8192, 'x');
  const auto broken = RunStore::Open(home_ + "/broken.db");
  ASSERT_FALSE(broken.ok());
  EXPECT_EQ(broken.error().kind, ErrorKind::kEnvironment);
  EXPECT_NE(broken.error().message.find("is damaged"), std::string::npos);

  const auto nowhere = RunStore::Open(home_ + "/no/such/folder/dml.db");
  ASSERT_FALSE(nowhere.ok());
  EXPECT_NE(nowhere.error().message.find("cannot write the store"), std::string::npos);
  EXPECT_EQ(RunView::Open(home_ + "/none").error().kind, ErrorKind::kInvalid);
}

TEST_F(RunStoreTest, NothingOfAFailedBatchStays) {
  RunStore store = Open();
  const RunId run = Begin(store, {{"a", "a"}});
  Database other = Database::Open(home_ + "/dml.db", OpenMode::kReadWrite).value();
  ASSERT_TRUE(other
                  .Execute("CREATE TRIGGER refuse BEFORE INSERT ON events WHEN NEW.to_state = 2 "
                           "BEGIN SELECT RAISE(FAIL, 'refused'); END")
                  .ok());
  Batch batch;
  batch.changes = {{TaskId(0), TaskState::kBlocked, TaskState::kReady, {0}, ""},
                   {TaskId(0), TaskState::kReady, TaskState::kLaunching, {1}, ""}};
  EXPECT_FALSE(store.Append(run, {2'000'000}, batch).ok());
  EXPECT_EQ(RunView::Open(home_)->Tasks(run)->at(0).state, TaskState::kBlocked);
}

}  // namespace
}  // namespace dml::state
