// Goal: a file that is in the store under its name stays there for whoever reads it.

#include "orchestrator/engine/store_files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/files.h"

namespace dml::engine {
namespace {

namespace fs = std::filesystem;

class StoreFilesTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::remove_all(folder_);
    fs::create_directories(folder_ + "/store/tmp");
    fs::create_directories(folder_ + "/store/blobs/ab");
  }
  void TearDown() override { fs::remove_all(folder_); }

  [[nodiscard]] std::string Write(const std::string& name, const std::string& content) const {
    std::ofstream(folder_ + "/" + name) << content;
    return folder_ + "/" + name;
  }
  static ino_t FileOf(const std::string& path) {
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0 ? info.st_ino : 0;
  }

  std::string folder_ = testing::TempDir() + "/store_files_" +
                        testing::UnitTest::GetInstance()->current_test_info()->name();
  std::string blob_ = folder_ + "/store/blobs/ab/abcd";
};

TEST_F(StoreFilesTest, TheSameContentLeavesTheFileThatIsThere) {
  const std::string first = Write("first", "content");
  const std::string second = Write("second", "content");
  ASSERT_TRUE(DiskFiles().Adopt(first, blob_).ok());
  ASSERT_TRUE(DiskFiles().Adopt(second, blob_).ok());
  EXPECT_EQ(FileOf(blob_), FileOf(first));
  EXPECT_NE(FileOf(blob_), FileOf(second));
}

TEST_F(StoreFilesTest, ADamagedFileGivesWayAndTheNameIsNeverGone) {
  const std::string good = Write("good", "content");
  ASSERT_TRUE(DiskFiles().Adopt(good, blob_).ok());
  std::atomic<bool> over = false;
  int missing = 0;
  std::jthread reader([&] {
    while (!over) missing += ::access(blob_.c_str(), R_OK) == 0 ? 0 : 1;
  });
  for (int round = 0; round < 2000; ++round) {
    fs::rename(Write("damaged", "cut"), blob_);
    ASSERT_TRUE(DiskFiles().Adopt(good, blob_).ok());
    ASSERT_EQ(FileOf(blob_), FileOf(good));
  }
  over = true;
  reader.join();
  EXPECT_EQ(missing, 0);
  EXPECT_EQ(ReadFile(blob_).value(), "content");
  EXPECT_TRUE(fs::is_empty(folder_ + "/store/tmp"));
}

}  // namespace
}  // namespace dml::engine
