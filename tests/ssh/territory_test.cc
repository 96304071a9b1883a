// What dml takes for its own in the folder of a node, and what it leaves alone.

#include "runners/node/territory.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "base/files.h"
#include "base/hash.h"
#include "base/process.h"
#include "runners/node/agent.h"
#include "runners/node/blob_cache.h"
#include "runners/node/upkeep.h"

namespace dml::node {
namespace {

namespace fs = std::filesystem;

constexpr const char* kProgram = "bin/dml-worker-0123456789ab";

class TerritoryTest : public ::testing::Test {
 protected:
  TerritoryTest() {
    std::string name = (fs::temp_directory_path() / "dml-territory-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    base_ = name;
    root_ = base_ + "/a/b/node";
  }
  ~TerritoryTest() override { fs::remove_all(base_); }

  void Put(const std::string& name, const std::string& content = "mine") const {
    const fs::path path = fs::path(root_) / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path) << content;
  }
  [[nodiscard]] std::set<std::string> Files() const {
    std::set<std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(root_)) {
      if (!entry.is_directory()) files.insert(fs::relative(entry.path(), root_).string());
    }
    return files;
  }

  std::string base_;
  std::string root_;
};

TEST_F(TerritoryTest, AFolderOfSomebodyElseIsRefusedAndStaysAsItIs) {
  const std::set<std::string> theirs{"records/tax.txt", "blobs/b", "bin/mytool", "logs/app.log"};
  for (const std::string& name : theirs) Put(name);
  fs::permissions(root_, fs::perms(0700));
  const auto claimed = Claim(root_);
  ASSERT_FALSE(claimed.ok());
  EXPECT_NE(claimed.error().message.find("is not a folder of dml"), std::string::npos);
  EXPECT_EQ(WhyNotClaim(root_).value_or(Error()).message, claimed.error().message);
  EXPECT_FALSE(WhyNotClaim(base_ + "/new/folder"));
  EXPECT_FALSE(fs::exists(base_ + "/new")) << "it was only asked";
  AgentOptions options;
  options.root = root_;
  options.worker_argv = {"/bin/false"};
  EXPECT_FALSE(Agent::Open(options).ok());
  EXPECT_FALSE(CollectGarbage(root_, Duration::Seconds(0)).ok());
  const auto down = TakeDown(root_, /*force=*/true);
  ASSERT_TRUE(down.ok());
  EXPECT_EQ(Files(), theirs);
}

TEST_F(TerritoryTest, TheRootAndTheHomeFolderAreRefusedEvenIfEmpty) {
  EXPECT_NE(Claim("/").error().message.find("is the root"), std::string::npos);
  fs::create_directories(root_);
  const std::string before = ::getenv("HOME") == nullptr ? "" : ::getenv("HOME");
  ::setenv("HOME", root_.c_str(), 1);
  const auto claimed = Claim(base_ + "/a/./b/node/");
  ::setenv("HOME", before.c_str(), 1);
  ASSERT_FALSE(claimed.ok());
  EXPECT_NE(claimed.error().message.find("is the home folder"), std::string::npos);
  EXPECT_TRUE(fs::is_empty(root_));
}

TEST_F(TerritoryTest, WhatWasMadeForItGoesAndWhatWasThereStays) {
  fs::create_directories(base_ + "/a");
  ASSERT_TRUE(Claim(root_ + "/").ok());
  ASSERT_TRUE(Claim(root_).ok()) << "a second time";
  const auto stays = RemoveOwn(root_);
  ASSERT_TRUE(stays.ok() && stays->empty());
  EXPECT_TRUE(fs::exists(base_ + "/a"));
  EXPECT_FALSE(fs::exists(base_ + "/a/b"));

  fs::create_directories(root_);
  EXPECT_FALSE(Claim(root_).ok()) << "others may look into it";
  EXPECT_TRUE(fs::is_empty(root_));
  fs::permissions(root_, fs::perms(0700));
  ASSERT_TRUE(Claim(root_).ok());
  ASSERT_TRUE(RemoveOwn(root_).ok());
  EXPECT_TRUE(fs::is_empty(root_)) << "it was there before";
  EXPECT_TRUE(RemoveOwn(root_).ok()) << "a second time";
}

TEST_F(TerritoryTest, AnOlderVersionIsKnownByItsProgram) {
  Put(kProgram);
  Put("blobs.boot", BootId());
  fs::permissions(root_, fs::perms(0700));
  EXPECT_TRUE(Claim(root_).ok());
  ASSERT_TRUE(RemoveOwn(root_).ok());
  EXPECT_FALSE(fs::exists(root_));
}

TEST_F(TerritoryTest, OnlyNamesOfDmlAreRemoved) {
  ASSERT_TRUE(Claim(root_).ok());
  const std::string hex = Sha256::Of("x").Hex();
  const std::set<std::string> ours{kProgram,
                                   "bin/new.17",
                                   "agent.log",
                                   "agent.log.1",
                                   "agent.pid.tmp12",
                                   "drained",
                                   "blobs.boot",
                                   "records/h.1.2.3.json",
                                   "records/h.1.2.3.json.new",
                                   "records/7.marks",
                                   "records/7.4711.12345.states",
                                   "logs/h.1.2.3.log",
                                   "attempts/h.1.2.3/work/anything",
                                   "attempts/h.1.2.30/x",
                                   "checkpoints/h." + hex + "/c",
                                   "blobs/" + hex + ".part",
                                   "blobs/" + hex.substr(0, 2) + "/" + hex.substr(2),
                                   "blobs/" + hex.substr(0, 2) + "/" + hex.substr(2) + ".7.part"};
  const std::set<std::string> theirs{
      "agent.log.old",    "records/tax.json",     "records/h.1.2.json",
      "records/7.states", "records/h.marks",      "logs/app.log",
      "logs/h.1.2.x.log", "bin/dml-worker-mine",  "bin/new.txt",
      "attempts/notes/n", "attempts/h.1.2.3.4/n", "blobs/b",
      "blobs/ab/c",       "checkpoints/x",        "id"};
  for (const std::string& name : ours) Put(name);
  for (const std::string& name : theirs) Put(name);
  // Of another boot: the cache is emptied.
  ASSERT_TRUE(BlobCache::Open(root_).ok());
  EXPECT_TRUE(fs::exists(root_ + "/blobs/b"));
  const auto stays = RemoveOwn(root_);
  ASSERT_TRUE(stays.ok()) << stays.error().message;
  EXPECT_EQ(Files(), theirs);
  EXPECT_EQ(*stays, (std::vector<std::string>{"agent.log.old", "attempts", "bin", "blobs",
                                              "checkpoints", "id", "logs", "records"}));
}

TEST_F(TerritoryTest, LinksAreNotFollowed) {
  fs::create_directories(root_);
  Put("../there/h.1.2.3");
  fs::permissions(root_, fs::perms(0700));
  ASSERT_TRUE(Claim(root_).ok());
  fs::create_directory_symlink("../there", root_ + "/attempts");
  ASSERT_TRUE(RemoveOwn(root_).ok());
  EXPECT_TRUE(fs::exists(base_ + "/a/b/there/h.1.2.3"));
}

}  // namespace
}  // namespace dml::node
