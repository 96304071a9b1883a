#include "runners/node/record_book.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

namespace dml::node {
namespace {

namespace fs = std::filesystem;
using agent::AttemptRecord;
using agent::RecordPlace;

class RecordBookTest : public ::testing::Test {
 protected:
  RecordBookTest() {
    std::string name = (fs::temp_directory_path() / "dml-book-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
    fs::create_directories(root_ + "/records");
  }
  void TearDown() override { fs::remove_all(root_); }

  // What a worker notes about the attempt of that number.
  static AttemptRecord Record(std::size_t task, bool exited = false) {
    AttemptRecord record;
    record.key = {RunId{1}, TaskId(task), AttemptNumber{1}};
    record.worker = ThisProcess();
    record.attempt_dir = "/node/attempts/head.1." + std::to_string(task) + ".1";
    if (exited) record.exited.emplace();
    return record;
  }
  void Note(const RecordBook& book, const RecordPlace& place, std::size_t task,
            bool exited = false) {
    ASSERT_TRUE(writer_.Append(book.PathOf(place), Record(task, exited)).ok());
  }
  // A new attempt that its worker has begun with.
  RecordPlace Begin(RecordBook& book, std::size_t task) {
    const auto place = book.Add();
    EXPECT_TRUE(place);
    if (place) Note(book, *place, task);
    return place.value_or(RecordPlace{});
  }
  // The attempts that whoever comes next finds.
  std::vector<std::string> Names() {
    std::vector<std::string> names;
    for (const auto& entry : RecordBook::Read(root_)) names.push_back(entry.name);
    return names;
  }
  std::set<std::string> Files() {
    std::set<std::string> files;
    for (const auto& entry : fs::directory_iterator(root_ + "/records")) {
      files.insert(entry.path().filename().string());
    }
    return files;
  }
  // The name of what this process notes in that segment.
  static std::string States(std::int64_t segment) {
    return fs::path(agent::StatesPathOf("", segment, ThisProcess())).filename().string();
  }

  std::string root_;
  const SystemClock clock_;
  agent::RecordWriter writer_;
};

using Found = std::vector<std::string>;

TEST_F(RecordBookTest, TheNextOneFindsWhatBeganAndHowItStands) {
  {
    RecordBook book(root_);
    ASSERT_TRUE(book.TakeOver().ok());
    const RecordPlace first = Begin(book, 1);
    EXPECT_FALSE(book.Find(*book.Add(), ThisProcess())) << "nobody has begun with it";
    const RecordPlace third = Begin(book, 3);
    Note(book, first, 1, /*exited=*/true);
    book.MarkTold(first);
    EXPECT_TRUE(book.Find(first, ThisProcess())->exited);
    EXPECT_FALSE(book.Find(third, ThisProcess())->exited);
  }
  for (int i = 0; i < 2; ++i) {
    RecordBook book(root_);
    const auto entries = book.TakeOver();
    ASSERT_TRUE(entries.ok());
    ASSERT_EQ(entries->size(), 2U);
    EXPECT_EQ((*entries)[0].name, "head.1.1.1");
    EXPECT_TRUE((*entries)[0].told);
    EXPECT_TRUE((*entries)[0].record.exited);
    EXPECT_EQ((*entries)[1].name, "head.1.3.1");
    EXPECT_FALSE((*entries)[1].told);
    EXPECT_FALSE((*entries)[1].record.exited);
  }
}

TEST_F(RecordBookTest, WhatIsDroppedIsNeverFoundAgain) {
  RecordBook book(root_);
  ASSERT_TRUE(book.TakeOver().ok());
  const RecordPlace first = Begin(book, 1);
  const RecordPlace second = Begin(book, 2);
  const std::string marks = root_ + "/records/1.marks";
  const auto size = fs::file_size(marks);
  book.Drop(first);
  book.Drop(first);
  book.MarkTold(first);
  EXPECT_EQ(Names(), Found{"head.1.2.1"});
  EXPECT_EQ(fs::file_size(marks), size) << "a full disk does not bring it back";
  RecordBook next(root_);
  ASSERT_EQ(next.TakeOver()->size(), 1U);
  next.Drop(second);
  EXPECT_EQ(Names(), Found{});
  EXPECT_TRUE(Files().empty());
}

// The worker was killed in the middle of a word about the second.
TEST_F(RecordBookTest, ATornStateHidesNoOther) {
  RecordBook book(root_);
  ASSERT_TRUE(book.TakeOver().ok());
  const RecordPlace first = Begin(book, 1);
  Note(book, first, 1, /*exited=*/true);
  const std::string states = root_ + "/records/" + States(1);
  const auto whole = fs::file_size(states);
  const RecordPlace second = Begin(book, 2);
  const auto begun = fs::file_size(states);
  Note(book, second, 2, /*exited=*/true);
  fs::resize_file(states, begun + 30);
  EXPECT_EQ(Names(), (Found{"head.1.1.1", "head.1.2.1"}));
  EXPECT_FALSE(book.Find(second, ThisProcess())->exited) << "half an end is none";
  fs::resize_file(states, whole + 30);
  EXPECT_EQ(Names(), Found{"head.1.1.1"}) << "half a beginning is none";
  EXPECT_TRUE(RecordBook::Read(root_).at(0).record.exited);
}

// One attempt that runs for long beside thousands of short ones.
TEST_F(RecordBookTest, FilesGoWithTheLastOfTheirAttempts) {
  RecordBook book(root_);
  ASSERT_TRUE(book.TakeOver().ok());
  const RecordPlace stays = Begin(book, 0);
  for (std::size_t task = 1; task < std::size_t{5} * RecordBook::kSlots; ++task) {
    book.Drop(Begin(book, task));
    EXPECT_LE(Files().size(), 4U);
  }
  EXPECT_EQ(Files(), (std::set<std::string>{"1.marks", States(1)}));
  const RecordPlace more = Begin(book, 9999);
  EXPECT_GT(more.segment, stays.segment);
  EXPECT_EQ(Names(), (Found{"head.1.0.1", "head.1.9999.1"}));
  book.Drop(stays);
  EXPECT_EQ(Files(), (std::set<std::string>{"6.marks", States(6)}));
  EXPECT_EQ(Names(), Found{"head.1.9999.1"});
}

TEST_F(RecordBookTest, ManyBytesFillASegmentToo) {
  RecordBook book(root_);
  ASSERT_TRUE(book.TakeOver().ok());
  AttemptRecord large = Record(1);
  large.log_path = std::string(RecordBook::kBytesMax / 16, 'x');
  std::int64_t last = 0;
  for (int i = 0; i < 64; ++i) {
    const auto place = book.Add();
    ASSERT_TRUE(place);
    ASSERT_TRUE(writer_.Append(book.PathOf(*place), large).ok());
    book.Drop(*place);
    last = place->segment;
  }
  EXPECT_EQ(last, 4);
  EXPECT_EQ(Files().size(), 2U);
}

TEST_F(RecordBookTest, AnIdleNodeHasNoFiles) {
  RecordBook book(root_);
  ASSERT_TRUE(book.TakeOver().ok());
  EXPECT_FALSE(book.Untidy());
  const RecordPlace place = Begin(book, 1);
  book.Tidy(clock_.Now() + Duration::Seconds(1));
  EXPECT_EQ(Names(), Found{"head.1.1.1"});
  book.Drop(place);
  EXPECT_TRUE(book.Untidy());
  const Instant dropped = clock_.Now();
  book.Tidy(dropped);
  EXPECT_FALSE(Files().empty()) << "the next one may come at once";
  book.Tidy(dropped + RecordBook::kIdleMax);
  EXPECT_TRUE(Files().empty());
  EXPECT_FALSE(book.Untidy());
  EXPECT_EQ(Begin(book, 2).segment, place.segment + 1)
      << "a worker may have the file of before open";
  EXPECT_EQ(Names(), Found{"head.1.2.1"});
}

// Places of before stay as they are, and no new one is among them.
TEST_F(RecordBookTest, TheNextOneBeginsItsOwnSegment) {
  RecordBook before(root_);
  ASSERT_TRUE(before.TakeOver().ok());
  const RecordPlace first = Begin(before, 1);
  RecordBook book(root_);
  ASSERT_TRUE(book.TakeOver().ok());
  EXPECT_GT(Begin(book, 2).segment, first.segment);
  EXPECT_EQ(Names(), (Found{"head.1.1.1", "head.1.2.1"}));
}

TEST_F(RecordBookTest, WhereNoAgentIsFilesGoToo) {
  RecordBook book(root_);
  ASSERT_TRUE(book.TakeOver().ok());
  const RecordPlace first = Begin(book, 1);
  const RecordPlace second = Begin(book, 2);
  RecordBook::DropUnled(root_, {first});
  EXPECT_EQ(Names(), Found{"head.1.2.1"});
  RecordBook::DropUnled(root_, {second});
  EXPECT_TRUE(Files().empty());
  RecordBook::DropUnled(root_, {});
}

TEST_F(RecordBookTest, OnlyFilesOfABookAreTouched) {
  const std::set<std::string> theirs{"1.marks.old", "x.marks", "1.2.states", "1.2.3.4.states",
                                     "-1.marks",    "notes",   ".marks"};
  for (const std::string& name : theirs) std::ofstream(root_ + "/records/" + name) << "x";
  // Of a dml that had a file for each attempt.
  std::ofstream(root_ + "/records/head.1.2.3.json") << "x";
  // Of nobody who is known: states that are none, marks without states.
  for (const char* name : {"7.1.2.states", "9.marks"}) {
    std::ofstream(root_ + "/records/" + std::string(name)) << "x";
    EXPECT_TRUE(IsRecordName(name)) << name;
  }
  for (const std::string& name : theirs) EXPECT_FALSE(IsRecordName(name)) << name;
  RecordBook book(root_);
  const auto entries = book.TakeOver();
  ASSERT_TRUE(entries.ok());
  EXPECT_TRUE(entries->empty());
  EXPECT_EQ(Files(), theirs);
  EXPECT_EQ(Begin(book, 1).segment, 10);
}

// Names come from files: what is none of an attempt is not believed.
TEST_F(RecordBookTest, ARecordWithoutTheNameOfAnAttemptIsNone) {
  RecordBook book(root_);
  ASSERT_TRUE(book.TakeOver().ok());
  for (const char* folder : {"", "/etc", "/node/attempts/head.1.2.3.log", "/node/attempts/.."}) {
    AttemptRecord record = Record(1);
    record.attempt_dir = folder;
    ASSERT_TRUE(writer_.Append(book.PathOf(*book.Add()), record).ok());
  }
  EXPECT_EQ(Names(), Found{});
}

// Behind such a number there is none. Somebody has put the file there, and it stays theirs.
TEST_F(RecordBookTest, OfANumberThatNoNodeReachesIsNobodys) {
  for (const char* name : {"9223372036854775807.marks", "9223372036854775807.5.6.states"}) {
    std::ofstream(root_ + "/records/" + name) << "x";
    EXPECT_FALSE(IsRecordName(name));
  }
  RecordBook book(root_);
  ASSERT_TRUE(book.TakeOver().ok());
  Begin(book, 1);
  EXPECT_EQ(Names().size(), 1U);
  EXPECT_TRUE(Files().contains("9223372036854775807.marks"));
  EXPECT_TRUE(IsRecordName("9007199254740992.marks")) << "the last that counts";
}

}  // namespace
}  // namespace dml::node
