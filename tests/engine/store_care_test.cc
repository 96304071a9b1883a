// Goal: homes that share a store may care for it at the same time.

#include "orchestrator/engine/store_care.h"

#include <grp.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "orchestrator/engine/store_verify.h"
#include "orchestrator/state/run_store.h"
#include "orchestrator/state/shared_index.h"

namespace dml::engine {
namespace {

namespace fs = std::filesystem;

constexpr uid_t kNobody = 65534;
constexpr int kRounds = 200;
constexpr auto kPatience = std::chrono::seconds(250);

class StoreCare : public testing::Test {
 protected:
  void SetUp() override { fs::remove_all(folder_); }
  void TearDown() override { fs::remove_all(folder_); }

  [[nodiscard]] Home SharingHome(const std::string& name) const {
    Home home = Home::Open(folder_ + "/" + name, "/", folder_ + "/cache").value();
    EXPECT_TRUE(state::RunStore::Open(home.DatabasePath()).ok());
    Note(home, home.path());
    return home;
  }
  // The store hears of `name` as the path of a home.
  static void Note(const Home& home, const std::string& name) {
    EXPECT_TRUE(state::SharedIndex::Open(home.SharedIndexPath(), name).ok());
  }
  // A process that collects garbage again and again, and exits with 0 if that went well.
  static pid_t Collect(const Home& home, int rounds) {
    const pid_t pid = ::fork();
    if (pid != 0) return pid;
    for (int round = 0; round < rounds; ++round) {
      auto cache = state::CacheStore::Open(home.DatabasePath());
      if (!cache.ok() || !CollectGarbage(home, *cache, 1, /*dry_run=*/false).ok()) ::_exit(1);
    }
    ::_exit(0);
  }
  // The exit code; -1 if it had to be killed.
  static int Wait(pid_t pid) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    int status = 0;
    while (::waitpid(pid, &status, WNOHANG) == 0) {
      if (std::chrono::steady_clock::now() > deadline) ::kill(pid, SIGKILL);
      ::poll(nullptr, 0, 1);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  std::string folder_ = testing::TempDir() + "/store_care_" +
                        testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(StoreCare, TwoHomesMayCollectGarbageAtOnce) {
  const Home one = SharingHome("one");
  const Home two = SharingHome("two");
  const pid_t first = Collect(one, kRounds);
  const pid_t second = Collect(two, kRounds);
  EXPECT_EQ(Wait(first), 0);
  EXPECT_EQ(Wait(second), 0);
}

TEST_F(StoreCare, AHomeThatIsKnownByTwoNamesDoesNotWaitForItself) {
  const Home one = SharingHome("one");
  const Home two = SharingHome("two");
  for (const char* name : {"one", "two"}) {
    const std::string alias = folder_ + "/alias_of_" + name;
    fs::create_directory_symlink(folder_ + "/" + name, alias);
    Note(one, alias);
  }
  EXPECT_EQ(Wait(Collect(one, 1)), 0);
}

TEST_F(StoreCare, AHomeThatIsNotThereKeepsItsFilesUntilItIsForgotten) {
  const Home one = SharingHome("one");
  const Home two = SharingHome("two");
  const std::string blob = one.BlobPath(Sha256::Of("of nobody"));
  fs::create_directories(fs::path(blob).parent_path());
  std::ofstream(blob) << "of nobody";
  fs::rename(two.path(), folder_ + "/moved");
  auto cache = state::CacheStore::Open(one.DatabasePath());
  ASSERT_TRUE(cache.ok());
  const auto refused = CollectGarbage(one, *cache, 1, /*dry_run=*/false);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind, ErrorKind::kEnvironment);
  EXPECT_NE(refused.error().message.find("'" + two.path() + "'"), std::string::npos);
  EXPECT_NE(refused.error().hint.find("--forget-home"), std::string::npos);
  EXPECT_TRUE(fs::exists(blob));
  EXPECT_FALSE(ForgetHome(one, folder_ + "/unknown").ok());
  EXPECT_FALSE(ForgetHome(one, one.path()).ok()) << "it is there";
  ASSERT_TRUE(ForgetHome(one, two.path()).ok());
  const auto report = CollectGarbage(one, *cache, 1, /*dry_run=*/false);
  ASSERT_TRUE(report.ok()) << report.error().Render();
  EXPECT_FALSE(fs::exists(blob));
}

// Another user's, that nobody else may enter: not to be seen is not to be gone.
TEST_F(StoreCare, AHomeThatCannotBeLookedIntoKeepsEverything) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can be another user";
  const Home one = SharingHome("one");
  const Home two = SharingHome("two");
  const std::string blob = one.BlobPath(Sha256::Of("of nobody"));
  fs::create_directories(fs::path(blob).parent_path());
  std::ofstream(blob) << "of nobody";
  ASSERT_EQ(::chmod(two.path().c_str(), 0700), 0);
  for (const std::string& own : {folder_ + "/one", folder_ + "/cache"}) {
    ASSERT_EQ(::chown(own.c_str(), kNobody, kNobody), 0);
    for (const auto& entry : fs::recursive_directory_iterator(own)) {
      ASSERT_EQ(::lchown(entry.path().c_str(), kNobody, kNobody), 0);
    }
  }
  const pid_t other = ::fork();
  if (other == 0) {
    if (::setgroups(0, nullptr) != 0 || ::setuid(kNobody) != 0) ::_exit(9);
    auto cache = state::CacheStore::Open(one.DatabasePath());
    if (!cache.ok()) ::_exit(8);
    const auto refused = CollectGarbage(one, *cache, 1, /*dry_run=*/false);
    if (refused.ok()) ::_exit(1);
    const bool named = refused.error().message.find(two.path()) != std::string::npos;
    if (!named || ForgetHome(one, two.path()).ok()) ::_exit(2);
    ::_exit(refused.error().kind == ErrorKind::kEnvironment ? 0 : 3);
  }
  EXPECT_EQ(Wait(other), 0);
  EXPECT_TRUE(fs::exists(blob));
}

// Left by a process that died in the middle of forgetting it, or by a home that is gone.
TEST_F(StoreCare, TheIndexForgetsWhatNoHomeHas) {
  const Home one = SharingHome("one");
  const Home two = SharingHome("two");
  const auto index = [&] { return state::SharedIndex::Open(one.SharedIndexPath(), one.path()); };
  state::TaskResult stale;
  stale.key = Sha256::Of("stale");
  ASSERT_TRUE(index()->Add({1}, stale).ok());
  state::TaskResult held;
  held.key = Sha256::Of("held");
  ASSERT_TRUE(index()->Add({1}, held).ok());
  auto store = state::RunStore::Open(two.DatabasePath());
  const state::TaskHeader task{"a", "a"};
  const auto run = store->BeginRun({}, {&task, 1});
  ASSERT_TRUE(run.ok()) << run.error().Render();
  state::Batch batch;
  batch.results.emplace_back(TaskId(0), held);
  ASSERT_TRUE(store->Append(*run, {1}, batch).ok());
  EXPECT_EQ(Wait(Collect(one, 1)), 0);
  EXPECT_FALSE(index()->Find(stale.key)->has_value());
  EXPECT_TRUE(index()->Find(held.key)->has_value()) << "another home has it";
}

// Reading the memory of a process from its beginning fails with EIO, as a bad sector does.
TEST_F(StoreCare, AFileThatTheDiskCannotReadIsDamaged) {
  const Home home = Home::Open(folder_ + "/home", "/").value();
  ASSERT_TRUE(state::RunStore::Open(home.DatabasePath()).ok());
  const std::string blob = home.BlobPath(Sha256::Of("lost"));
  fs::create_directories(fs::path(blob).parent_path());
  fs::create_symlink("/proc/self/mem", blob);
  auto cache = state::CacheStore::Open(home.DatabasePath());
  ASSERT_TRUE(cache.ok());
  const auto report = VerifyStore(home, *cache);
  ASSERT_TRUE(report.ok()) << report.error().Render();
  ASSERT_EQ(report->damaged.size(), 1U);
  EXPECT_EQ(report->damaged[0].path, blob);
  EXPECT_FALSE(fs::exists(fs::symlink_status(blob)));
}

}  // namespace
}  // namespace dml::engine
