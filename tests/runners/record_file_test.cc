#include "runners/agent/record_file.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace dml::agent {
namespace {

namespace fs = std::filesystem;

class RecordFiles : public testing::Test {
 protected:
  void SetUp() override {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  [[nodiscard]] static AttemptRecord Record(int command_pid) {
    AttemptRecord record;
    record.key = {RunId{7}, TaskId(3), AttemptNumber{2}};
    record.worker = {17, 4711, "a boot"};
    record.command_pid = command_pid;
    PortSpec out;
    out.name = "out";
    record.outputs = {out};
    return record;
  }
  Result<void> Append(std::uint32_t slot, const AttemptRecord& record) {
    return writer_.Append(RecordPathOf(folder_, {5, slot}), record);
  }
  // What the states say, in their order.
  [[nodiscard]] std::vector<int> PidsThere() const {
    std::vector<int> pids;
    for (const SlotState& state : ReadStates(path_)) pids.push_back(state.record.command_pid);
    return pids;
  }

  std::string folder_ = testing::TempDir() + "/record_file_test_" + std::to_string(::getpid());
  std::string path_ = StatesPathOf(folder_, 5, Record(0).worker);
  RecordWriter writer_;
};

using Pids = std::vector<int>;

TEST_F(RecordFiles, EveryStateOfEveryAttemptIsRead) {
  EXPECT_TRUE(ReadStates(path_).empty()) << "there is none";
  AttemptRecord record = Record(0);
  ASSERT_TRUE(Append(9, record).ok());
  record.command_pid = 4711;
  ASSERT_TRUE(Append(9, record).ok());
  ASSERT_TRUE(Append(10, Record(1)).ok());
  record.exited = runners::AttemptExited{};
  record.exited->key = record.key;
  record.exited->metrics = {{"rows", 3}};
  record.noted = WallTime{12};
  ASSERT_TRUE(Append(9, record).ok());
  EXPECT_EQ(PidsThere(), (Pids{0, 4711, 1, 4711}));
  const auto states = ReadStates(path_);
  EXPECT_EQ(states.at(2).slot, 10U);
  EXPECT_EQ(states.at(3).slot, 9U);
  EXPECT_EQ(states.at(3).record.outputs.at(0).name, "out");
  EXPECT_EQ(states.at(3).record.worker, record.worker);
  EXPECT_EQ(states.at(3).record.noted.us, 12);
  ASSERT_TRUE(states.at(3).record.exited);
  EXPECT_EQ(states.at(3).record.exited->metrics, record.exited->metrics);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()), 1);
}

// A worker has a file in each segment, and two workers never share one.
TEST_F(RecordFiles, ThePlaceAndTheWorkerSayInWhichFile) {
  ASSERT_TRUE(Append(0, Record(1)).ok());
  ASSERT_TRUE(writer_.Append(RecordPathOf(folder_, {6, 0}), Record(2)).ok());
  AttemptRecord other = Record(3);
  other.worker.start = 4712;
  ASSERT_TRUE(Append(1, other).ok());
  ASSERT_TRUE(Append(2, Record(4)).ok());
  EXPECT_EQ(PidsThere(), (Pids{1, 4}));
  path_ = StatesPathOf(folder_, 6, other.worker);
  EXPECT_EQ(PidsThere(), Pids{});
  path_ = StatesPathOf(folder_, 5, other.worker);
  EXPECT_EQ(PidsThere(), Pids{3});
}

// Its worker was killed in the middle, or is at it.
TEST_F(RecordFiles, HalfAStateIsNoState) {
  ASSERT_TRUE(Append(0, Record(1)).ok());
  const auto whole = fs::file_size(path_);
  ASSERT_TRUE(Append(1, Record(2)).ok());
  for (auto size = fs::file_size(path_) - 1; size >= whole; --size) {
    fs::resize_file(path_, size);
    EXPECT_EQ(PidsThere(), Pids{1}) << size;
  }
  for (auto size = whole; size-- > 0;) {
    fs::resize_file(path_, size);
    EXPECT_EQ(PidsThere(), Pids{}) << size;
  }
}

// As a system that went down may leave the end of a file.
TEST_F(RecordFiles, AStateWithOneWrongByteIsNoState) {
  ASSERT_TRUE(Append(0, Record(1)).ok());
  const auto whole = fs::file_size(path_);
  ASSERT_TRUE(Append(1, Record(2)).ok());
  const auto end = fs::file_size(path_);
  for (auto at = whole; at < end; ++at) {
    std::fstream file(path_, std::ios::binary | std::ios::in | std::ios::out);
    file.seekg(static_cast<std::streamoff>(at));
    const char right = static_cast<char>(file.get());
    file.seekp(static_cast<std::streamoff>(at));
    file.put(static_cast<char>(right ^ 1)).flush();
    EXPECT_EQ(PidsThere(), Pids{1}) << at;
    file.seekp(static_cast<std::streamoff>(at));
    file.put(right).flush();
  }
  EXPECT_EQ(PidsThere(), (Pids{1, 2}));
  fs::resize_file(path_, whole);
  fs::resize_file(path_, whole + 4096);  // zeros
  EXPECT_EQ(PidsThere(), Pids{1});
}

TEST_F(RecordFiles, WhatCannotBeWrittenLeavesNoTrace) {
  ASSERT_TRUE(Append(0, Record(1)).ok());
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = ::signal(SIGXFSZ, SIG_IGN);
  const rlimit tight{fs::file_size(path_) + 20, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &tight);
  EXPECT_FALSE(Append(1, Record(2)).ok());
  ::setrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, handler);
  ASSERT_TRUE(Append(2, Record(3)).ok());
  EXPECT_EQ(PidsThere(), (Pids{1, 3}));
}

TEST_F(RecordFiles, WhatIsNoPlaceIsAnError) {
  for (const std::string& path : {std::string("x"), folder_ + "/1", folder_ + "/1.x",
                                  folder_ + "/.1", folder_ + "/1.2.3", folder_ + "/no/1.2"}) {
    const auto written = writer_.Append(path, Record(1));
    ASSERT_FALSE(written.ok()) << path;
    EXPECT_EQ(written.error().kind, ErrorKind::kEnvironment);
  }
  EXPECT_TRUE(fs::is_empty(folder_));
}

}  // namespace
}  // namespace dml::agent
