#include "base/disk_space.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>

namespace dml {
namespace {

TEST(DiskSpace, TheFileSystemOfAPathIsWhereItBegins) {
  EXPECT_EQ(FileSystemOf("/proc/self/status"), "/proc");
  EXPECT_EQ(FileSystemOf("/proc/self/no/such/file"), "/proc");
  EXPECT_EQ(FileSystemOf("/"), "/");
}

TEST(DiskSpace, OneWithRoomIsNotFullAndKeepsNothingOfTheTrial) {
  const std::string folder = testing::TempDir() + "/disk_space";
  std::filesystem::create_directories(folder);
  EXPECT_FALSE(IsFull(folder));
  EXPECT_TRUE(std::filesystem::is_empty(folder));
  std::filesystem::remove_all(folder);
  EXPECT_FALSE(IsFull(folder)) << "what is not there is not full";
}

TEST(DiskSpace, AFullOneIsNamedWithWhatIsFreeAndWhatToDo) {
  const Error error = WriteError("cannot write '/proc/x'", "/proc/x", ENOSPC);
  EXPECT_EQ(error.kind, ErrorKind::kEnvironment);
  EXPECT_EQ(error.message,
            "cannot write '/proc/x': No space left on device; the file system at '/proc' is full: "
            "0 B of 0 B are free");
  EXPECT_EQ(error.hint, "free space there; `du -xhd1 /proc` shows what takes it");
  const Error quota = WriteError("cannot write '/proc/x'", "/proc/x", EDQUOT);
  EXPECT_NE(quota.message.find("the quota of this user on the file system at '/proc' is used up"),
            std::string::npos);
  EXPECT_EQ(WriteError("a", "/proc/x", EACCES), Error::System("a", EACCES));
}

}  // namespace
}  // namespace dml
