// What docs/durability.md promises of the three databases: after a commit everything that was
// written is synced. SQLite is watched from below, at the calls with which it syncs.

#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>

#include "orchestrator/state/run_store.h"
#include "orchestrator/state/schedule_store.h"
#include "orchestrator/state/shared_index.h"
#include "tests/state/recorded_syncs.h"

namespace dml::state {
namespace {

namespace fs = std::filesystem;

class DurableCommits : public testing::Test {
 protected:
  DurableCommits() {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    folder_ = fs::canonical(folder_).string();
    RecordedSyncs().clear();
  }
  ~DurableCommits() override { fs::remove_all(folder_); }

  [[nodiscard]] std::string Path(const std::string& name) const { return folder_ + "/" + name; }
  // Of what commits are written to, since the last call.
  [[nodiscard]] int NewSyncs(const std::string& name) {
    const int now = RecordedSyncs()[Path(name + "-wal")];
    return now - std::exchange(seen_, now);
  }
  // Bytes 18 and 19 of a database say how it is written and read: 2 is WAL.
  [[nodiscard]] bool IsWal(const std::string& name) const {
    std::ifstream file(Path(name), std::ios::binary);
    const std::string header{std::istreambuf_iterator<char>(file), {}};
    return header.size() >= 20 && header[18] == 2 && header[19] == 2;
  }

 private:
  std::string folder_ = testing::TempDir() + "/durable_commits_" +
                        testing::UnitTest::GetInstance()->current_test_info()->name();
  int seen_ = 0;
};

TEST_F(DurableCommits, OfRuns) {
  RunStore store = RunStore::Open(Path("dml.db")).value();
  EXPECT_TRUE(IsWal("dml.db"));
  (void)NewSyncs("dml.db");
  const std::array<TaskHeader, 1> tasks{{{"a", "a"}}};
  const RunId run = store.BeginRun(RunHeader(), tasks).value();
  EXPECT_GE(NewSyncs("dml.db"), 1) << "the beginning of a run";
  Batch batch;
  batch.changes = {{TaskId(0), core::TaskState::kBlocked, core::TaskState::kReady, {0}, ""}};
  ASSERT_TRUE(store.Append(run, {1}, batch).ok());
  EXPECT_GE(NewSyncs("dml.db"), 1) << "what a turn of the loop has decided";
  ASSERT_TRUE(store.EndRun(run, {2}, RunOutcome::kSucceeded, /*hooks=*/true).ok());
  EXPECT_GE(NewSyncs("dml.db"), 1) << "the end of a run";
  ASSERT_TRUE(store.SetDueHook(run, 0).ok());
  EXPECT_GE(NewSyncs("dml.db"), 1) << "that a hook has been run";
  ASSERT_TRUE(store.RememberFile("/data.csv", FileStamp{1, 2, 3, 4, 5}, Sha256::Of("c")).ok());
  EXPECT_GE(NewSyncs("dml.db"), 1) << "the digest of an input";
}

TEST_F(DurableCommits, OfSchedules) {
  ScheduleStore store = ScheduleStore::Open(Path("schedule.db")).value();
  EXPECT_TRUE(IsWal("schedule.db"));
  (void)NewSyncs("schedule.db");
  ScheduleRow row;
  row.name = "nightly";
  const ScheduleId schedule = store.Add(row).value();
  EXPECT_GE(NewSyncs("schedule.db"), 1) << "a schedule";
  Transaction transaction = store.Begin().value();
  SlotRow slot;
  slot.schedule = schedule;
  slot.due = {1'000'000};
  ASSERT_EQ(store.AddSlots({slot}).value(), 1);
  ASSERT_TRUE(store.SetCursor(schedule, {1'000'000}).ok());
  ASSERT_TRUE(transaction.Commit().ok());
  EXPECT_GE(NewSyncs("schedule.db"), 1) << "a slot";
  const SlotId entered = store.SlotAt(schedule, {1'000'000}).value()->id;
  SlotMove move;
  move.slot = entered;
  move.from = SlotState::kWaiting;
  move.to = SlotState::kStarting;
  ASSERT_TRUE(store.Move(move).value());
  EXPECT_GE(NewSyncs("schedule.db"), 1) << "that a process is asked for";
}

TEST_F(DurableCommits, OfASharedStore) {
  SharedIndex index = SharedIndex::Open(Path("index.db"), "/home/dml").value();
  EXPECT_TRUE(IsWal("index.db"));
  (void)NewSyncs("index.db");
  TaskResult result;
  result.key = Sha256::Of("key");
  ASSERT_TRUE(index.Add({1}, result).ok());
  EXPECT_GE(NewSyncs("index.db"), 1);
}

// The page and the program say the same, word for word.
TEST_F(DurableCommits, AreOpenedAsThePageSays) {
  Database db = Database::Open(Path("any.db"), OpenMode::kReadWrite).value();
  const auto value = [&](const char* pragma) {
    Statement query = db.Prepare(pragma).value();
    EXPECT_TRUE(query.Step().value());
    return query.Text(0);
  };
  EXPECT_EQ(value("PRAGMA journal_mode"), "wal");
  EXPECT_EQ(value("PRAGMA synchronous"), "2") << "FULL";
  std::ifstream file(std::string(DML_SOURCE_DIR) + "/docs/durability.md");
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  EXPECT_NE(
      page.find("| databases (`dml.db`, `schedule.db`, the `index.db` of a shared store): WAL, "
                "`synchronous = FULL` | yes | yes: every commit is synced"),
      std::string::npos);
}

}  // namespace
}  // namespace dml::state
