// Folders of a home whose own names are synced: a loss of power must not take the folder with all
// that was synced inside it.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "orchestrator/engine/home.h"
#include "orchestrator/engine/store_files.h"
#include "tests/state/recorded_syncs.h"

namespace dml::engine {
namespace {

namespace fs = std::filesystem;
using state::RecordedSyncs;

class LastingFolders : public testing::Test {
 protected:
  LastingFolders() {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    folder_ = fs::canonical(folder_).string();
    RecordedSyncs().clear();
  }
  ~LastingFolders() override { fs::remove_all(folder_); }
  [[nodiscard]] const std::string& folder_path() const { return folder_; }
  [[nodiscard]] std::string Path(const std::string& name) const { return folder_ + "/" + name; }
  [[nodiscard]] static int Syncs(const std::string& path) { return RecordedSyncs()[path]; }
  // A file that enters the store; how often the folder of folders was synced for it.
  [[nodiscard]] int SyncsOfAdopting(const std::string& name) const {
    const int before = Syncs(Path("home/store/blobs"));
    std::ofstream(Path("file")) << name;
    EXPECT_TRUE(DiskFiles().Adopt(Path("file"), Path("home/store/blobs/" + name)).ok());
    fs::remove(Path("file"));
    return Syncs(Path("home/store/blobs")) - before;
  }

 private:
  std::string folder_ = testing::TempDir() + "/lasting_folders_" +
                        testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(LastingFolders, OfANewHomeAreSyncedUpToWhatWasThere) {
  ASSERT_TRUE(Home::Open(Path("a/b/home"), folder_path()).ok());
  for (const char* parent : {"", "/a", "/a/b", "/a/b/home", "/a/b/home/store"}) {
    EXPECT_GE(Syncs(folder_path() + parent), 1) << parent;
  }
}

TEST_F(LastingFolders, OfASharedStoreToo) {
  ASSERT_TRUE(Home::Open(Path("home"), folder_path(), Path("c/shared")).ok());
  for (const char* parent : {"", "/c", "/c/shared", "/home"}) {
    EXPECT_GE(Syncs(folder_path() + parent), 1) << parent;
  }
}

// Its maker may have died in between.
TEST_F(LastingFolders, OfAHomeThatIsThereAreSyncedOnceMore) {
  ASSERT_TRUE(Home::Open(Path("home"), folder_path()).ok());
  RecordedSyncs().clear();
  ASSERT_TRUE(Home::Open(Path("home"), folder_path()).ok());
  EXPECT_EQ(Syncs(folder_path()), 1);
  EXPECT_EQ(Syncs(Path("home")), 1);
  EXPECT_EQ(Syncs(Path("home/store")), 1);
}

TEST_F(LastingFolders, OfBlobsAreSyncedOnceAProcess) {
  ASSERT_TRUE(Home::Open(Path("home"), folder_path()).ok());
  EXPECT_EQ(SyncsOfAdopting("ab/ab01"), 1) << "it was made";
  EXPECT_EQ(SyncsOfAdopting("ab/ab02"), 0);
  fs::create_directory(Path("home/store/blobs/cd"));
  EXPECT_EQ(SyncsOfAdopting("cd/cd01"), 1) << "somebody has made it, and may be dead";
  EXPECT_EQ(SyncsOfAdopting("cd/cd02"), 0);
}

}  // namespace
}  // namespace dml::engine
