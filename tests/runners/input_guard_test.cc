// Goal: nothing is kept of a task whose inputs were not what was stored, and the damaged file goes.

#include "runners/agent/input_guard.h"

#include <sys/stat.h>

#include <fstream>

#include "base/file_stamp.h"
#include "base/sealed_file.h"
#include "tests/runners/command_fixture.h"

namespace dml::local {
namespace {

namespace fs = std::filesystem;

using runners::Command;
using runners::LaunchSpec;

class InputGuardTest : public CommandTest {
 protected:
  void SetUp() override {
    CommandTest::SetUp();
    Store("good\n");
  }
  void Store(const std::string& content) const {
    ASSERT_TRUE(WriteFileAtomic(Blob(), content).ok());
    ASSERT_TRUE(Seal(Blob()));
  }
  // As root does without asking.
  void Spoil(const std::string& content) const {
    ::chmod(Blob().c_str(), 0644);
    std::ofstream(Blob()) << content;
  }
  [[nodiscard]] std::string Blob() const { return root_ + "/blob"; }
  LaunchSpec Reading(std::size_t task, const std::string& script) {
    LaunchSpec spec = Shell(task, script);
    std::get<Command>(spec.work).inputs = {{"x", "in"}};
    spec.inputs = {{"x", PortKind::kFile, {{"o", Blob(), 5, Sha256::Of("good\n")}}, {}}};
    return spec;
  }
  [[nodiscard]] static bool PutAside(const LaunchSpec& spec) {
    return fs::exists(spec.attempt_dir + "/damaged/" + Sha256::Of("good\n").Hex());
  }
};

TEST_F(InputGuardTest, ASealedInputIsReadInPeace) {
  EXPECT_EQ(Run(Reading(0, "cat in")), "success");
  struct stat info {};
  ASSERT_EQ(::stat(Blob().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0444U);
  EXPECT_EQ(info.st_mtim.tv_sec, kSealedSeconds);
}

// What only this node has is read where it is; it must be what it was when it was looked at, to the
// end.
TEST_F(InputGuardTest, AFileInPlaceThatChangesMakesTheAttemptVoid) {
  const std::string path = root_ + "/in-place.csv";
  ASSERT_TRUE(WriteFileAtomic(path, "x\n1\n").ok());
  const auto reading = [&](std::size_t task, const std::string& script) {
    LaunchSpec spec = Shell(task, script);
    runners::FileSet set{"in-place.csv", {{"in-place.csv", path, 4, Sha256::Of("x\n1\n")}}, {}};
    set.in_place = runners::InPlace{"n2", 0, "/path", {StampOf(path).value()}};
    spec.files = {set};
    return spec;
  };
  EXPECT_EQ(Run(reading(0, "cat " + path)), "success");
  const LaunchSpec early = reading(1, "touch " + root_ + "/ran");
  ASSERT_TRUE(WriteFileAtomic(path, "x\n2\n").ok());
  EXPECT_EQ(Run(early),
            "exit 3: the file 'in-place.csv' of n2 changed while the task was under way");
  EXPECT_FALSE(fs::exists(root_ + "/ran"));
  EXPECT_EQ(Run(reading(2, "echo 3 >> " + path)),
            "exit 3: the file 'in-place.csv' of n2 changed while the task was under way");
  EXPECT_EQ(Run(reading(4, "echo 3 >> " + path + "; exit 2")),
            "exit 3: the file 'in-place.csv' of n2 changed while the task was under way")
      << "what failed has read neither content";
  EXPECT_EQ(Run(reading(3, "rm " + path)),
            "exit 3: the file 'in-place.csv' of n2 changed while the task was under way");
}

// Of an earlier version, or copied.
TEST_F(InputGuardTest, AGoodInputWithoutASealGetsOne) {
  ASSERT_TRUE(WriteFileAtomic(Blob(), "good\n").ok());
  EXPECT_EQ(Run(Reading(0, "cat in")), "success");
  struct stat info {};
  ASSERT_EQ(::stat(Blob().c_str(), &info), 0);
  EXPECT_EQ(info.st_mtim.tv_sec, kSealedSeconds);
}

TEST_F(InputGuardTest, WhoeverChangesItFailsAndItIsPutAside) {
  const std::string open = "chmod u+w $(readlink in); ";
  const std::vector<std::string> scripts{open + "echo BAD >> in",
                                         open + "printf 'evil\\n' | dd of=in conv=notrunc",
                                         "sed -i --follow-symlinks s/good/evil/ in"};
  for (std::size_t i = 0; i < scripts.size(); ++i) {
    Store("good\n");
    const LaunchSpec spec = Reading(i, scripts[i]);
    EXPECT_EQ(Run(spec),
              "exit 125: the input 'x' was changed while the task ran: 'o' is not what was stored");
    EXPECT_TRUE(PutAside(spec));
    EXPECT_FALSE(fs::exists(Blob()));
    fs::remove(Blob());
  }
}

TEST_F(InputGuardTest, NobodyBeginsOnADamagedInput) {
  for (const std::string content : {"good\nBAD\n", "evil\n"}) {
    Spoil(content);
    const LaunchSpec spec = Reading(content.size(), "cat in");
    EXPECT_EQ(Run(spec),
              "exit 3: the input 'x' is damaged: somebody has written to 'o' in the store");
    EXPECT_TRUE(PutAside(spec));
    EXPECT_FALSE(fs::exists(root_ + "/logs/" + std::to_string(content.size()) + ".log"));
  }
}

// By another that had found it damaged: perhaps this one has read it so.
TEST_F(InputGuardTest, AnInputThatWasTakenAwayOrMadeAgainMeanwhileCountsForNothing) {
  EXPECT_EQ(Run(Reading(0, "rm $(readlink in)")),
            "exit 3: the input 'x' was taken away while the task ran");
  Store("good\n");
  const std::string again = "cp -p $(readlink in) copy; mv copy $(readlink in)";
  EXPECT_EQ(Run(Reading(1, again)), "exit 3: the input 'x' was taken away while the task ran");
  EXPECT_TRUE(fs::exists(Blob()));
}

TEST_F(InputGuardTest, AnInputThatIsGoneIsNamed) {
  fs::remove(Blob());
  EXPECT_EQ(Run(Reading(0, "cat in")),
            "exit 3: the input 'x' is not there: 'o' is gone from the store");
}

}  // namespace
}  // namespace dml::local
