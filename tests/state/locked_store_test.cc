// Goal: another program that has a database to itself for a moment costs that moment; one that
// keeps it is named, with what to do.

#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "orchestrator/state/run_store.h"

namespace dml::state {
namespace {

namespace fs = std::filesystem;

// A process that is in the middle of a transaction, as a shell of SQLite is after BEGIN IMMEDIATE.
class Intruder {
 public:
  Intruder(const std::string& database, unsigned seconds) {
    int ready[2] = {-1, -1};
    EXPECT_EQ(::pipe(ready), 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      sqlite3* db = nullptr;
      sqlite3_open(database.c_str(), &db);
      sqlite3_exec(db, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr);
      if (::write(ready[1], "!", 1) == 1) ::sleep(seconds);
      sqlite3_exec(db, "ROLLBACK", nullptr, nullptr, nullptr);
      ::_exit(0);
    }
    char byte = 0;
    EXPECT_EQ(::read(ready[0], &byte, 1), 1);
    ::close(ready[0]);
    ::close(ready[1]);
  }
  ~Intruder() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Intruder(const Intruder&) = delete;
  Intruder& operator=(const Intruder&) = delete;
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
};

class LockedStore : public testing::Test {
 protected:
  LockedStore() {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    path_ = fs::canonical(folder_).string() + "/dml.db";
  }
  ~LockedStore() override { fs::remove_all(folder_); }

  std::string path_;

 private:
  std::string folder_ = testing::TempDir() + "/locked_store_" +
                        testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(LockedStore, ForAMomentIsWaitedFor) {
  { const RunStore made = RunStore::Open(path_).value(); }
  const Intruder backup(path_, 2);
  RunStore store = RunStore::Open(path_).value();
  EXPECT_TRUE(store.BeginRun(RunHeader(), {}).ok());
}

TEST_F(LockedStore, ForGoodNamesTheFileAndWhoHasIt) {
  { const RunStore made = RunStore::Open(path_).value(); }
  const Intruder shell(path_, 3600);
  RunStore store = RunStore::Open(path_).value();
  const auto refused = store.BeginRun(RunHeader(), {});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind, ErrorKind::kEnvironment);
  const std::string message = refused.error().message;
  EXPECT_EQ(message.find("the store '" + path_ + "' is locked by another program: process " +
                         std::to_string(shell.pid()) + " (state_test)"),
            0U)
      << message;
  EXPECT_EQ(refused.error().hint,
            "end its transaction, or that program; then `dml resume` goes on");
}

}  // namespace
}  // namespace dml::state
