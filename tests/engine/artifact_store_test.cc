#include "orchestrator/engine/artifact_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "base/files.h"
#include "orchestrator/state/result_json.h"
#include "runners/api/executables.h"
#include "tests/engine/failing_disk.h"
#include "tests/engine/fake_step.h"

namespace dml::engine {
namespace {

namespace fs = std::filesystem;

class ArtifactStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::remove_all(folder_);
    home_ = Home::Open(folder_ + "/home", "/").value();
    fs::create_directories(attempt_ + "/out/rows/sub");
    Write("rows/part-0", "first");
    Write("rows/part-1", "second");
    Write("rows/sub/part-2", "third");
  }
  void TearDown() override { fs::remove_all(folder_); }

  void Write(const std::string& name, const std::string& content) const {
    std::ofstream(attempt_ + "/out/" + name) << content;
  }
  [[nodiscard]] Result<std::vector<Artifact>> Commit(StoreFiles& disk) const {
    CommitCost cost;
    return ArtifactStore(home_, disk).Commit(attempt_, ports_, cost);
  }
  void ExpectWhole(const std::vector<Artifact>& artifacts) const {
    ASSERT_EQ(artifacts.size(), 1U);
    ASSERT_EQ(artifacts[0].files.size(), 3U);
    for (const ArtifactFile& file : artifacts[0].files) {
      EXPECT_EQ(HashFile(file.path).value(), file.digest) << file.name;
    }
    EXPECT_EQ(artifacts[0].files[2].name, "sub/part-2");
  }

  std::string folder_ = testing::TempDir() + "/artifact_store_" +
                        testing::UnitTest::GetInstance()->current_test_info()->name();
  std::string attempt_ = folder_ + "/attempt";
  Home home_ = Home::Open(folder_ + "/home", "/").value();
  std::vector<PortSpec> ports_{TablePort("rows")};
};

// The files are sealed by the first commit, and have no such mode when it is done again.
TEST_F(ArtifactStoreTest, WhatCouldBeExecutedIsPartOfTheArtifact) {
  const Artifact plain = Commit(DiskFiles()).value()[0];
  ASSERT_TRUE(runners::NoteExecutables(attempt_, {"rows/part-1", "other/part-0"}).ok());
  for (int i = 0; i < 2; ++i) {
    const Artifact artifact = Commit(DiskFiles()).value()[0];
    EXPECT_NE(artifact.digest, plain.digest);
    EXPECT_FALSE(artifact.files[0].executable);
    EXPECT_TRUE(artifact.files[1].executable);
    EXPECT_EQ(artifact.files[1].path, plain.files[1].path);
    const Json stored = state::ArtifactsToJson({artifact, plain});
    const std::vector<Artifact> read = state::ArtifactsFromJson(stored).value();
    EXPECT_TRUE(read[0].files[1].executable);
    EXPECT_FALSE(read[1].files[1].executable);
  }
  ASSERT_TRUE(runners::NoteExecutables(attempt_, {}).ok());
  EXPECT_EQ(Commit(DiskFiles()).value()[0].digest, plain.digest);
}

// A crash in the middle leaves any prefix of the changes; doing it again has to give the same.
TEST_F(ArtifactStoreTest, AnyInterruptedCommitCanBeDoneAgain) {
  const auto expected = Commit(DiskFiles()).value()[0].digest;
  for (int good = 0; good < 7; ++good) {
    fs::remove_all(home_.path() + "/store/blobs");
    FailingDisk disk(good, ENOSPC);
    const auto failed = Commit(disk);
    ASSERT_FALSE(failed.ok()) << good;
    EXPECT_EQ(failed.error().kind, ErrorKind::kEnvironment);
    EXPECT_NE(failed.error().message.find("No space left"), std::string::npos);
    disk.Mend();
    const auto again = Commit(disk);
    ASSERT_TRUE(again.ok()) << again.error().Render();
    ExpectWhole(*again);
    EXPECT_EQ((*again)[0].digest, expected);
  }
}

TEST_F(ArtifactStoreTest, WhatIsInTheStoreCannotBeWrittenAndADamagedFileGivesWay) {
  const auto artifacts = Commit(DiskFiles()).value();
  const std::string blob = artifacts[0].files[0].path;
  struct stat info {};
  ASSERT_EQ(::stat(blob.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0444U);
  fs::remove(blob);
  std::ofstream(blob) << "torn";  // another size: a crash of the machine, or another program
  ExpectWhole(Commit(DiskFiles()).value());
}

// Written to in place, its size is what it was: a commit of the same content does not trust it.
TEST_F(ArtifactStoreTest, ADamagedFileOfTheSameSizeGivesWayToo) {
  const auto artifacts = Commit(DiskFiles()).value();
  const std::string blob = artifacts[0].files[0].path;
  fs::remove(blob);
  std::ofstream(blob) << "fIrst";
  EXPECT_EQ(ArtifactStore(home_).Look(artifacts), BlobState::kDamaged);
  ExpectWhole(Commit(DiskFiles()).value());
  EXPECT_EQ(ArtifactStore(home_).Look(artifacts), BlobState::kWhole);
}

TEST_F(ArtifactStoreTest, LinksAreRefused) {
  fs::create_symlink("/etc/hostname", attempt_ + "/out/rows/link");
  const auto refused = Commit(DiskFiles());
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind, ErrorKind::kTask);
  EXPECT_EQ(refused.error().message, "the output 'link' is not a regular file");
}

}  // namespace
}  // namespace dml::engine
