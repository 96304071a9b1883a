#include "runners/agent/attempt_record.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace dml::agent {
namespace {

namespace fs = std::filesystem;

class AttemptRecords : public testing::Test {
 protected:
  void SetUp() override { fs::remove(path_); }
  void TearDown() override { fs::remove(path_); }

  [[nodiscard]] static AttemptRecord Record(int command_pid) {
    AttemptRecord record;
    record.key = {RunId{7}, TaskId(3), AttemptNumber{2}};
    record.command_pid = command_pid;
    PortSpec out;
    out.name = "out";
    record.outputs = {out};
    return record;
  }
  [[nodiscard]] int PidThere() const {
    const auto record = ReadRecord(path_);
    return record.ok() ? record->command_pid : -1;
  }

  std::string path_ = testing::TempDir() + "/attempt_record_test";
};

TEST_F(AttemptRecords, TheLastStateIsRead) {
  EXPECT_FALSE(ReadRecord(path_).ok()) << "there is none";
  AttemptRecord record = Record(0);
  ASSERT_TRUE(AppendRecord(path_, record).ok());
  EXPECT_EQ(PidThere(), 0);
  record.command_pid = 4711;
  ASSERT_TRUE(AppendRecord(path_, record).ok());
  record.exited = runners::AttemptExited{};
  record.exited->key = record.key;
  ASSERT_TRUE(AppendRecord(path_, record).ok());
  const auto last = ReadRecord(path_);
  ASSERT_TRUE(last.ok());
  EXPECT_EQ(last->command_pid, 4711);
  EXPECT_EQ(last->outputs.at(0).name, "out");
  EXPECT_TRUE(last->exited);
}

// Its worker was killed in the middle, or is at it.
TEST_F(AttemptRecords, HalfAStateIsNoState) {
  ASSERT_TRUE(AppendRecord(path_, Record(1)).ok());
  const auto whole = fs::file_size(path_);
  ASSERT_TRUE(AppendRecord(path_, Record(2)).ok());
  for (auto size = fs::file_size(path_) - 1; size >= whole; --size) {
    fs::resize_file(path_, size);
    EXPECT_EQ(PidThere(), 1) << size;
  }
  for (auto size = whole; size-- > 0;) {
    fs::resize_file(path_, size);
    EXPECT_EQ(PidThere(), -1) << size;
  }
}

TEST_F(AttemptRecords, WhatIsNoRecordIsAnError) {
  for (const std::string& text : {std::string(), std::string("\xff\xff\xff\xff"),
                                  std::string(4, '\0'), std::string("\4\0\0\0none", 8)}) {
    std::ofstream(path_, std::ios::binary) << text;
    const auto record = ReadRecord(path_);
    ASSERT_FALSE(record.ok());
    EXPECT_EQ(record.error().kind, ErrorKind::kEnvironment);
  }
}

}  // namespace
}  // namespace dml::agent
