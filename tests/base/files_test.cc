#include "base/files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <thread>

namespace dml {
namespace {

class FilesTest : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::remove_all(root_);
    ASSERT_TRUE(MakeDirectories(root_ + "/a/b").ok());
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  std::string root_ = testing::TempDir() + "/files_test_" +
                      testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(FilesTest, WritesAndReplacesWhole) {
  const std::string path = root_ + "/a/b/file";
  ASSERT_TRUE(WriteFileAtomic(path, "one").ok());
  ASSERT_TRUE(WriteFileAtomic(path, std::string(200'000, 'x')).ok());
  EXPECT_EQ(*ReadFile(path), std::string(200'000, 'x'));
}

TEST_F(FilesTest, LeavesNoTemporaryBehind) {
  ASSERT_TRUE(WriteFileAtomic(root_ + "/a/file", "content").ok());
  std::filesystem::create_directories(root_ + "/a/taken");
  EXPECT_FALSE(WriteFileAtomic(root_ + "/a/taken", "content").ok());
  int entries = 0;
  for (const auto& entry : std::filesystem::directory_iterator(root_ + "/a")) {
    ++entries;
    EXPECT_EQ(entry.path().string().find(".tmp"), std::string::npos) << entry.path();
  }
  EXPECT_EQ(entries, 3);
}

TEST_F(FilesTest, ErrorsNameThePath) {
  const auto missing = ReadFile(root_ + "/nothing");
  ASSERT_FALSE(missing.ok());
  EXPECT_NE(missing.error().message.find(root_ + "/nothing"), std::string::npos);
  EXPECT_FALSE(WriteFileAtomic(root_ + "/no/such/folder/file", "x").ok());
}

TEST_F(FilesTest, ReadsRegularFilesAloneAndUpToALimit) {
  ASSERT_EQ(::mkfifo((root_ + "/pipe").c_str(), 0600), 0);
  for (const std::string& path : {root_ + "/pipe", std::string("/dev/zero"), root_}) {
    const auto refused = ReadFile(path);
    ASSERT_FALSE(refused.ok()) << path;
    EXPECT_EQ(refused.error().kind, ErrorKind::kInvalid) << path;
  }
  EXPECT_TRUE(ReadFile("/proc/self/stat").ok()) << "a file whose size is not known before";
  ASSERT_TRUE(WriteFileAtomic(root_ + "/file", std::string(200'000, 'x')).ok());
  EXPECT_TRUE(ReadFileUpTo(root_ + "/file", 200'000).ok());
  const auto longer = ReadFileUpTo(root_ + "/file", 199'999);
  ASSERT_FALSE(longer.ok());
  EXPECT_EQ(longer.error().kind, ErrorKind::kInvalid);
}

// As attempts of a task begin while the folder of the one before is tidied away.
TEST_F(FilesTest, AFolderIsMadeWhileOthersRemoveThoseAboveThatAreEmpty) {
  const std::string above = root_ + "/task";
  const std::jthread tidy([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) ::rmdir(above.c_str());
  });
  for (int attempt = 0; attempt < 300; ++attempt) {
    const std::string folder = above + "/" + std::to_string(attempt);
    const auto made = MakeDirectories(folder);
    ASSERT_TRUE(made.ok()) << made.error().Render();
    ::rmdir(folder.c_str());
  }
}

}  // namespace
}  // namespace dml
