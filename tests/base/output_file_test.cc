#include "base/output_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "base/files.h"

namespace dml {
namespace {

namespace fs = std::filesystem;

class OutputFileTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::remove_all(root_);
    ASSERT_TRUE(MakeDirectories(root_).ok());
  }
  void TearDown() override { fs::remove_all(root_); }

  [[nodiscard]] std::string Path(const std::string& name) const { return root_ + "/" + name; }
  [[nodiscard]] int Entries() const {
    int count = 0;
    for ([[maybe_unused]] const auto& entry : fs::directory_iterator(root_)) ++count;
    return count;
  }
  void ExpectInvalid(const std::string& path, const std::string& part) const {
    const auto written = WriteOutputFile(path, "x");
    ASSERT_FALSE(written.ok()) << path;
    EXPECT_EQ(written.error().kind, ErrorKind::kInvalid) << written.error().Render();
    EXPECT_NE(written.error().message.find(part), std::string::npos) << written.error().Render();
  }

  std::string root_ = testing::TempDir() + "/output_file_test_" +
                      testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(OutputFileTest, AppearsWholeOrNotAtAll) {
  {
    auto file = OutputFile::Create(Path("out"));
    ASSERT_TRUE(file.ok() && file->Write("half").ok());
    EXPECT_FALSE(fs::exists(Path("out")));
  }
  EXPECT_EQ(Entries(), 0) << "what is not committed is not left behind";
  auto file = OutputFile::Create(Path("out"));
  ASSERT_TRUE(file.ok() && file->Write("one ").ok() && file->Write("two").ok());
  ASSERT_TRUE(file->Commit().ok());
  EXPECT_EQ(*ReadFile(Path("out")), "one two");
  EXPECT_EQ(Entries(), 1);
}

TEST_F(OutputFileTest, KeepsTheModeOfAFile) {
  ASSERT_TRUE(WriteFileAtomic(Path("out"), "old").ok());
  ASSERT_EQ(::chmod(Path("out").c_str(), 0600), 0);
  ASSERT_TRUE(WriteOutputFile(Path("out"), "new").ok());
  EXPECT_EQ(*ReadFile(Path("out")), "new");
  struct stat info {};
  ASSERT_EQ(::stat(Path("out").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 0600U);
}

TEST_F(OutputFileTest, FollowsLinks) {
  ASSERT_TRUE(MakeDirectories(Path("real")).ok());
  ASSERT_TRUE(WriteFileAtomic(Path("real/file"), "old").ok());
  fs::create_symlink("real/file", Path("link"));
  fs::create_symlink(Path("link"), Path("chain"));
  fs::create_symlink("real/later", Path("dangling"));
  ASSERT_TRUE(WriteOutputFile(Path("chain"), "new").ok());
  EXPECT_TRUE(fs::is_symlink(Path("chain")) && fs::is_symlink(Path("link")));
  EXPECT_EQ(*ReadFile(Path("real/file")), "new");
  ASSERT_TRUE(WriteOutputFile(Path("dangling"), "late").ok());
  EXPECT_TRUE(fs::is_symlink(Path("dangling")));
  EXPECT_EQ(*ReadFile(Path("real/later")), "late");
  fs::create_symlink("circle", Path("circle"));
  ExpectInvalid(Path("circle"), "circle");
}

TEST_F(OutputFileTest, WritesIntoAPipe) {
  ASSERT_EQ(::mkfifo(Path("pipe").c_str(), 0600), 0);
  const FileDescriptor reader(::open(Path("pipe").c_str(), O_RDONLY | O_NONBLOCK));
  EXPECT_TRUE(WriteOutputFile(Path("pipe"), "through").ok());
  char got[100];
  ASSERT_EQ(::read(reader.get(), got, sizeof got), 7);
  EXPECT_EQ(std::string(got, 7), "through");
  EXPECT_TRUE(fs::is_fifo(Path("pipe")));
  EXPECT_EQ(Entries(), 1);
}

// The null device under a name of the test's own: nodes of the machine are never tried.
TEST_F(OutputFileTest, WritesIntoADevice) {
  if (::mknod(Path("null").c_str(), S_IFCHR | 0600, makedev(1, 3)) != 0) {
    GTEST_SKIP() << "only root makes devices";
  }
  EXPECT_TRUE(WriteOutputFile(Path("null"), "gone").ok());
  EXPECT_TRUE(fs::is_character_file(Path("null")));
  ASSERT_EQ(::mknod(Path("full").c_str(), S_IFCHR | 0600, makedev(1, 7)), 0);
  const auto full = WriteOutputFile(Path("full"), "x");
  ASSERT_FALSE(full.ok());
  EXPECT_EQ(full.error().kind, ErrorKind::kEnvironment);
  EXPECT_TRUE(fs::is_character_file(Path("full")));
  EXPECT_EQ(Entries(), 2);
}

TEST_F(OutputFileTest, MakesMissingFolders) {
  ASSERT_TRUE(OutputFile::Check(Path("a/b/out")).ok());
  EXPECT_FALSE(fs::exists(Path("a"))) << "a check makes nothing";
  ASSERT_TRUE(WriteOutputFile(Path("a/b/out"), "x").ok());
  EXPECT_EQ(*ReadFile(Path("a/b/out")), "x");
}

TEST_F(OutputFileTest, RefusesWhatAnotherPathWouldMend) {
  ASSERT_TRUE(MakeDirectories(Path("folder")).ok());
  ASSERT_TRUE(WriteFileAtomic(Path("file"), "x").ok());
  EXPECT_FALSE(OutputFile::Check(Path("folder")).ok());
  ExpectInvalid(Path("folder"), "folder' is a folder");
  ExpectInvalid(Path("missing/"), "missing/' is a folder");
  ExpectInvalid(Path("file/out"), "file/out");
  ExpectInvalid(Path("file/sub/out"), "file/sub/out");
  ExpectInvalid(Path(std::string(300, 'n')), "nnn");
  ASSERT_TRUE(WriteOutputFile(Path(std::string(255, 'n')), "x").ok()) << "as long as names can be";
  EXPECT_EQ(Entries(), 3);
}

TEST_F(OutputFileTest, LeavesNothingAfterAFailedRename) {
  auto file = OutputFile::Create(Path("taken"));
  ASSERT_TRUE(file.ok() && file->Write("x").ok());
  fs::create_directory(Path("taken"));
  {
    const OutputFile moved = std::move(*file);
    EXPECT_EQ(Entries(), 2);
  }
  EXPECT_EQ(Entries(), 1);
  auto again = OutputFile::Create(Path("other"));
  ASSERT_TRUE(again.ok());
  fs::create_directory(Path("other"));
  const auto committed = again->Commit();
  ASSERT_FALSE(committed.ok());
  EXPECT_EQ(committed.error().kind, ErrorKind::kInvalid);
}

}  // namespace
}  // namespace dml
