// What an agent says of files that only its node has.

#include "runners/node/file_looker.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <set>

#include "base/file_stamp.h"
#include "base/hash.h"

namespace dml::node {
namespace {

namespace fs = std::filesystem;

class FileLookerTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::remove_all(base_);
    fs::create_directories(base_ + "/data");
  }
  void TearDown() override { fs::remove_all(base_); }

  // A file that has not been touched for long.
  void Write(const std::string& name, const std::string& text) const {
    std::ofstream(base_ + "/" + name) << text;
    fs::last_write_time(base_ + "/" + name,
                        fs::file_time_type::clock::now() - std::chrono::hours(1));
  }
  // By a looker of its own, as a new agent has it.
  [[nodiscard]] Looked LookAt(const std::string& pattern) const {
    std::promise<Looked> answer;
    FileLooker looker(base_ + "/", base_ + "/memory", [&](std::uint64_t asker, Looked looked) {
      EXPECT_EQ(asker, 3U);
      answer.set_value(std::move(looked));
    });
    looker.Add(3, {5, pattern});
    return answer.get_future().get();
  }

  const std::string base_ =
      fs::path(testing::TempDir() + "/file_looker_" + std::to_string(::getpid()))
          .lexically_normal()
          .string();
};

TEST_F(FileLookerTest, NamesAndHashesWhatIsThere) {
  Write("data/b.csv", "bb");
  Write("data/a.csv", "a");
  const Looked one = LookAt("data/../data/./a.csv");
  ASSERT_EQ(one.error.message, "");
  EXPECT_EQ(one.id, 5U);
  ASSERT_EQ(one.files.size(), 1U);
  EXPECT_EQ(one.files[0].name, "data/a.csv");
  EXPECT_EQ(one.files[0].path, base_ + "/data/a.csv");
  EXPECT_EQ(one.files[0].digest, Sha256::Of("a"));
  EXPECT_EQ(one.files[0].stamp, StampOf(base_ + "/data/a.csv").value());
  const Looked two = LookAt("data/*.csv");
  ASSERT_EQ(two.files.size(), 2U) << two.error.message;
  EXPECT_EQ(two.files[1].name, "data/b.csv");
  EXPECT_EQ(two.files[1].digest, Sha256::Of("bb"));
  const Looked full = LookAt(base_ + "/data/a.csv");
  ASSERT_EQ(full.files.size(), 1U);
  EXPECT_EQ(full.files[0].name, base_ + "/data/a.csv");
}

TEST_F(FileLookerTest, SaysWhyNot) {
  const auto expect = [&](const std::string& pattern, const std::string& message,
                          const std::string& hint) {
    const Looked looked = LookAt(pattern);
    EXPECT_TRUE(looked.files.empty());
    EXPECT_EQ(looked.error.kind, ErrorKind::kInvalid);
    EXPECT_EQ(looked.error.message, message);
    EXPECT_EQ(looked.error.hint, hint);
  };
  const std::string from = "relative paths start at the home folder there, " + base_;
  expect("none.csv", "there is no file '" + base_ + "/none.csv'", from);
  expect("data/*.csv", "no file matches 'data/*.csv'", from);
  expect("/none/*.csv", "no file matches '/none/*.csv'", "");
  expect("data", "'" + base_ + "/data' is a folder, not a file",
         "name the files in it with a pattern such as *.csv");
  ASSERT_EQ(::mkfifo((base_ + "/pipe").c_str(), 0600), 0);
  EXPECT_EQ(LookAt("pipe").error.kind, ErrorKind::kInvalid);
}

// Told by what no other way shows: a content that was changed behind an unchanged stamp.
TEST_F(FileLookerTest, AnUnchangedFileIsNotReadAgain) {
  Write("data/a.csv", "a");
  const Looked first = LookAt("data/a.csv");
  ASSERT_EQ(first.files.size(), 1U);
  // Its change time is of now: a second change might leave the same.
  EXPECT_TRUE(KnownDigests(base_ + "/memory").Find(first.files[0].path, first.files[0].stamp) ==
              nullptr);
  const WallTime later{SystemClock().Wall().us + 10'000'000};
  {
    KnownDigests known(base_ + "/memory");
    known.Learn(first.files[0].path, first.files[0].stamp, Sha256::Of("as known"), later);
    known.Save();
  }
  EXPECT_EQ(LookAt("data/a.csv").files.at(0).digest, Sha256::Of("as known"));
  Write("data/a.csv", "other");
  EXPECT_EQ(LookAt("data/a.csv").files.at(0).digest, Sha256::Of("other"));
}

TEST_F(FileLookerTest, ADamagedMemoryIsNone) {
  Write("data/a.csv", "a");
  Write("memory", "\xff\xff\xff\xff nonsense");
  EXPECT_EQ(LookAt("data/a.csv").files.at(0).digest, Sha256::Of("a"));
}

// Whoever has gone hears nothing; whoever comes after is not held up by what nobody waits for.
TEST_F(FileLookerTest, QuestionsOfWhoHasGoneAreDropped) {
  Write("data/a.csv", "a");
  const int fd = ::open((base_ + "/large").c_str(), O_WRONLY | O_CREAT, 0600);
  ASSERT_EQ(::ftruncate(fd, std::int64_t{1} << 40), 0);  // a terabyte of nothing
  ::close(fd);
  std::promise<std::uint64_t> heard;
  FileLooker looker(base_, "", [&](std::uint64_t asker, const Looked&) { heard.set_value(asker); });
  looker.Add(1, {1, "large"});
  looker.Add(1, {2, "data/a.csv"});
  looker.Add(2, {1, "data/a.csv"});
  looker.Cancel(1);
  EXPECT_EQ(heard.get_future().get(), 2U);
}

}  // namespace
}  // namespace dml::node
