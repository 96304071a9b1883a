// A node that went bad: its words are well formed, and absurd. It can spoil what it was given, and
// nothing else.

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <mutex>
#include <thread>

#include "base/files.h"
#include "runners/api/messages.h"
#include "runners/ssh/runner_loop.h"
#include "tests/runners/recording_sink.h"
#include "tests/ssh/scripted_node.h"

namespace dml::ssh {
namespace {

namespace fs = std::filesystem;
using node::Encode;
using runners::AttemptKey;
using runners::FrameType;
using runners::KeyOf;
using runners::LaunchSpec;

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

// Two nodes, "good" and "bad"; a task goes to the one whose name is its label.
class HostileNodeTest : public ::testing::Test {
 protected:
  HostileNodeTest() {
    std::string name = (fs::temp_directory_path() / "dml-hostile-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override {
    runner_.reset();
    fs::remove_all(folder_);
  }

  void Connect(const node::Attached& good = ScriptedNode::Greeting("good", 1),
               const node::Attached& bad = ScriptedNode::Greeting("bad", 2)) {
    ClusterOptions options;
    for (const char* name : {"good", "bad"}) {
      Host host;
      host.name = host.address = name;
      host.labels = {name};
      options.cluster.hosts.push_back(host);
    }
    options.client = "tester";
    options.home = folder_ + "/home";
    options.notice = [this](const std::string& text) {
      const std::lock_guard lock(mutex_);
      notices_ += text + "\n";
    };
    options.link_to = [this, good, bad](const Host& host, const WorkerProgram&, const LinkOptions&,
                                        std::function<void(LinkEvent)> report) {
      std::string first;
      runners::AppendFrame(FrameType::kAttached, Encode(host.name == "good" ? good : bad), first);
      return (host.name == "good" ? good_ : bad_).Link(std::move(report), first);
    };
    auto runner = SshRunner::Connect(std::move(options), sink_);
    ASSERT_TRUE(runner.ok()) << runner.error().message;
    runner_ = std::move(runner).value();
  }

  // Launches it there, and waits until the node has it.
  LaunchSpec LaunchOn(const std::string& node, std::size_t task) {
    LaunchSpec spec = runners::CommandSpec(task, {"true"}, folder_);
    spec.attempt_dir = folder_ + "/attempt" + std::to_string(task);
    spec.log_path = folder_ + "/logs/" + std::to_string(task) + ".log";
    spec.labels = {node};
    EXPECT_TRUE(runner_->Launch({spec}).ok());
    EXPECT_TRUE((node == "good" ? good_ : bad_).Hear(FrameType::kLaunch));
    return spec;
  }
  // Asks for an attempt of an earlier process.
  void TakeUp(std::size_t task) {
    LaunchSpec spec = runners::CommandSpec(task, {"true"}, folder_);
    spec.attempt_dir = folder_ + "/attempt" + std::to_string(task);
    spec.log_path = folder_ + "/logs/" + std::to_string(task) + ".log";
    EXPECT_TRUE(runner_->Launch({spec}).ok());
  }
  void Log(ScriptedNode& node, std::size_t task, std::int64_t offset, const std::string& bytes) {
    node.Say(FrameType::kLog, Encode(node::LogPiece{KeyOf(task), offset, bytes}));
  }
  // As an earlier process, which was killed, has noted where an attempt went.
  void NoteGiven(std::size_t task, const std::string& node) {
    PlacementNotes notes(folder_ + "/home");
    notes.Went(KeyOf(task), node, "for the test");
    notes.Flush();
  }
  static node::Attached Claiming(node::Attached attached, const std::vector<std::size_t>& tasks) {
    for (const std::size_t task : tasks) attached.attempts.push_back({KeyOf(task), false, 1});
    return attached;
  }
  static node::Finished Success(std::size_t task) {
    node::Finished finished;
    finished.exited.key = KeyOf(task);
    finished.exited.reason = runners::ExitSuccess{};
    return finished;
  }
  std::string Notices() {
    const std::lock_guard lock(mutex_);
    return notices_;
  }
  void AwaitNotice(const std::string& words) {
    for (int i = 0; i < 3000 && Notices().find(words) == std::string::npos; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    EXPECT_NE(Notices().find(words), std::string::npos) << words << "\n" << Notices();
  }
  // Until the head has heard everything that it said.
  void AwaitHeard(ScriptedNode& node) {
    node.Say(FrameType::kDrain, "all heard");
    AwaitNotice("all heard");
  }

  std::string folder_;
  std::mutex mutex_;
  std::string notices_;
  ScriptedNode good_;
  ScriptedNode bad_;
  runners::RecordingSink sink_;
  std::unique_ptr<SshRunner> runner_;
};

TEST_F(HostileNodeTest, HasNothingToSayOfTheAttemptsOfOthers) {
  Connect();
  const LaunchSpec spec = LaunchOn("good", 0);
  Log(good_, 0, 0, "real");
  for (const std::size_t task : {0U, 77U}) {
    bad_.Say(FrameType::kStarted, runners::EncodeStarted({KeyOf(task), 666}));
    bad_.Say(FrameType::kProgress, runners::EncodeProgress({KeyOf(task), 0.5, "forged"}));
    Log(bad_, task, 0, "forged");
    Log(bad_, task, 0, "");
    bad_.Say(FrameType::kFinished, Encode(Success(task)));
    bad_.Say(FrameType::kLost, Encode(node::Lost{KeyOf(task), Error::Environment("forged"), {}}));
  }
  AwaitHeard(bad_);
  good_.Say(FrameType::kStarted, runners::EncodeStarted({KeyOf(0), 7}));
  Log(good_, 0, 4, "!");
  good_.Say(FrameType::kFinished, Encode(Success(0)));
  sink_.WaitForEnds(1);
  EXPECT_EQ(sink_.End(KeyOf(0)), "success");
  EXPECT_EQ(sink_.WaitForStart(KeyOf(0)), 7);
  EXPECT_EQ(sink_.events.size(), 2U) << "one start and one end";
  EXPECT_EQ(*ReadFile(spec.log_path), "real!");
}

// Two attempts of a process that was killed: the bad node says that it has both.
TEST_F(HostileNodeTest, IsNotBelievedToHaveWhatAnEarlierProcessGaveToOthers) {
  NoteGiven(0, "bad");  // it was moved before it began
  NoteGiven(0, "good");
  NoteGiven(1, "good");
  NoteGiven(3, "bad");
  Connect(Claiming(ScriptedNode::Greeting("good", 1), {0}),
          Claiming(ScriptedNode::Greeting("bad", 2), {0, 1, 2, 3}));
  const auto is_known = [&](std::size_t task) {
    return !std::holds_alternative<runners::AttemptUnknown>(*runner_->Find(KeyOf(task)));
  };
  EXPECT_TRUE(is_known(0));
  EXPECT_FALSE(is_known(1)) << "the good node does not have it";
  EXPECT_FALSE(is_known(2)) << "nobody was given it";
  EXPECT_TRUE(is_known(3));

  TakeUp(0);
  ASSERT_TRUE(good_.Hear(FrameType::kAdopt));
  const auto released = bad_.Hear(FrameType::kRelease);
  ASSERT_TRUE(released);
  const auto keys = node::DecodeKeys(released->payload);
  ASSERT_TRUE(keys.ok());
  EXPECT_EQ(*keys, (std::vector<AttemptKey>{KeyOf(0), KeyOf(1), KeyOf(2)}));
  bad_.Say(FrameType::kLost, Encode(node::Lost{KeyOf(0), Error::Environment("forged"), {}}));
  bad_.Say(FrameType::kFinished, Encode(Success(0)));
  AwaitHeard(bad_);
  EXPECT_EQ(sink_.ends(), 0U);
  good_.Say(FrameType::kFinished, Encode(Success(0)));
  sink_.WaitForEnds(1);
  EXPECT_EQ(sink_.End(KeyOf(0)), "success");
  const std::string said = "bad: it claims to have attempt";
  const std::size_t at = Notices().find(said + " 1 of task 0 of r1, which was given to good");
  EXPECT_NE(at, std::string::npos) << Notices();
  EXPECT_EQ(Notices().find(said, at + 1), std::string::npos) << "it is told once";
}

// A node under two names says the same twice: what it has goes on.
TEST_F(HostileNodeTest, IsNotWhoeverHasTwoNames) {
  NoteGiven(0, "good");
  Connect(Claiming(ScriptedNode::Greeting("good", 1), {0}),
          Claiming(ScriptedNode::Greeting("good", 1), {0}));
  TakeUp(0);
  ASSERT_TRUE(good_.Hear(FrameType::kAdopt));
  AwaitHeard(good_);
  runner_.reset();
  EXPECT_FALSE(bad_.Hear(FrameType::kRelease));
  EXPECT_EQ(Notices().find("claims"), std::string::npos) << Notices();
}

// By the time that a node has a launch, another process could go on with it.
TEST_F(HostileNodeTest, WhereAnAttemptWentIsNotedBeforeItIsThere) {
  Connect();
  for (std::size_t task = 0; task < 4; ++task) {
    LaunchOn(task % 2 == 0 ? "good" : "bad", task);
    EXPECT_EQ(ReadGiven(folder_ + "/home", RunId{1})[KeyOf(task)], task % 2 == 0 ? "good" : "bad");
  }
}

// An attempt that came to light after the new one was decided on does not run beside it.
TEST_F(HostileNodeTest, AnOlderAttemptOfTheSameTaskIsLetGo) {
  NoteGiven(0, "good");
  Connect(Claiming(ScriptedNode::Greeting("good", 1), {0}));
  LaunchSpec spec = runners::CommandSpec(0, {"true"}, folder_);
  spec.key.attempt = AttemptNumber{2};
  spec.attempt_dir = folder_ + "/attempt0";
  spec.labels = {"good"};
  ASSERT_TRUE(runner_->Launch({spec}).ok());
  const auto released = good_.Hear(FrameType::kRelease);
  ASSERT_TRUE(released);
  EXPECT_EQ(*node::DecodeKeys(released->payload), (std::vector<AttemptKey>{KeyOf(0)}));
}

// Its outputs are on their way, and it cannot be reached: who asks twice does not wait for it.
TEST_F(HostileNodeTest, WhatIsKilledTwiceWhileItsOutputsAreAwayIsOver) {
  Connect();
  const LaunchSpec spec = LaunchOn("bad", 0);
  node::Finished finished = Success(0);
  finished.outputs = {{"o/x", "", 1, Sha256::Of("a")}};
  bad_.Say(FrameType::kFinished, Encode(finished));
  ASSERT_TRUE(bad_.Hear(FrameType::kGet));
  bad_.GoDown();
  AwaitNotice("bad: connection lost");
  runner_->Kill(spec.key, runners::KillMode::kTerminate);
  AwaitNotice("bad: cancel pending");
  runner_->Kill(spec.key, runners::KillMode::kKill);
  sink_.WaitForEnds(1);
  EXPECT_EQ(sink_.End(spec.key), "killed");
}

// A node that reports while others of the same run are still to be asked for keeps them.
TEST_F(HostileNodeTest, WhatWasNotAskedForYetIsKeptWhenANodeIsBack) {
  NoteGiven(0, "good");
  NoteGiven(1, "good");
  const node::Attached both = Claiming(ScriptedNode::Greeting("good", 1), {0, 1});
  Connect(both);
  TakeUp(0);
  ASSERT_TRUE(good_.Hear(FrameType::kAdopt));
  std::string greeting;
  runners::AppendFrame(FrameType::kAttached, Encode(both), greeting);
  good_.GoDown();
  AwaitNotice("good: connection lost");
  good_.ComeUp(greeting);
  AwaitNotice("good: connected again");
  TakeUp(1);
  AwaitHeard(good_);
  good_.Say(FrameType::kFinished, Encode(Success(1)));
  sink_.WaitForEnds(1);
  EXPECT_EQ(sink_.End(KeyOf(1)), "success");
  runner_->Shutdown();
  const auto released = good_.Hear(FrameType::kRelease);
  ASSERT_TRUE(released);
  EXPECT_EQ(*node::DecodeKeys(released->payload), (std::vector<AttemptKey>{KeyOf(0)}));
}

TEST_F(HostileNodeTest, LeavesNoHoleInALog) {
  Connect();
  const LaunchSpec spec = LaunchOn("bad", 0);
  Log(bad_, 0, 0, "ab");
  Log(bad_, 0, std::int64_t{1} << 40, "x");
  Log(bad_, 0, std::int64_t{1} << 40, "");
  Log(bad_, 0, kMost, "x");
  Log(bad_, 0, 2, "c");
  bad_.Say(FrameType::kFinished, Encode(Success(0)));
  sink_.WaitForEnds(1);
  EXPECT_EQ(*ReadFile(spec.log_path), "abc");
}

TEST_F(HostileNodeTest, EndsNothingTwice) {
  Connect();
  LaunchOn("bad", 0);
  for (int i = 0; i < 3; ++i) bad_.Say(FrameType::kFinished, Encode(Success(0)));
  bad_.Say(FrameType::kLost, Encode(node::Lost{KeyOf(0), Error::Environment("gone"), {}}));
  bad_.Say(FrameType::kStarted, runners::EncodeStarted({KeyOf(0), 1}));
  AwaitHeard(bad_);
  EXPECT_EQ(sink_.ends(), 1U);
  EXPECT_EQ(sink_.events.size(), 1U) << "nothing starts after its end";
}

TEST_F(HostileNodeTest, NamesAnOutputOnce) {
  Connect();
  LaunchOn("bad", 0);
  node::Finished finished = Success(0);
  finished.outputs = {{"o/x", "", 1, Sha256::Of("a")}, {"o/x", "", 1, Sha256::Of("b")}};
  bad_.Say(FrameType::kFinished, Encode(finished));
  AwaitNotice("bad: it sent a message that makes no sense");
}

TEST_F(HostileNodeTest, SaysOnceWhoItIs) {
  Connect();
  bad_.Say(FrameType::kAttached, Encode(ScriptedNode::Greeting("bad", 2)));
  AwaitNotice("bad: it sent a message that makes no sense");
  EXPECT_EQ(Notices().find("connected again"), std::string::npos);
}

TEST_F(HostileNodeTest, IsNotHeardAnyMoreAfterNonsense) {
  Connect();
  std::string both;
  runners::AppendFrame(FrameType::kFinished, "nonsense", both);
  runners::AppendFrame(FrameType::kAttached, Encode(ScriptedNode::Greeting("bad", 2)), both);
  bad_.Say(both);
  bad_.Close();
  AwaitNotice("bad: it sent a message that makes no sense");
  AwaitHeard(good_);
  EXPECT_FALSE(runner_->Nodes()[1].connected);
  EXPECT_EQ(Notices().find("connected again"), std::string::npos);
}

TEST_F(HostileNodeTest, HasNoMoreMemoryThanAMachineCanHave) {
  node::Attached bad = ScriptedNode::Greeting("bad", 2);
  bad.memory_bytes = node::kMachineBytesMax;
  Connect(ScriptedNode::Greeting("good", 1), bad);
  EXPECT_EQ(runner_->Total().memory_bytes, node::kMachineBytesMax + (1 << 30));
  bad.memory_bytes = kMost;
  EXPECT_FALSE(node::DecodeAttached(Encode(bad)).ok());
  bad.memory_bytes = 1;
  bad.trouble = std::string(node::kGreetingTextMax + 1, 'x');
  EXPECT_FALSE(node::DecodeAttached(Encode(bad)).ok());
}

TEST_F(HostileNodeTest, IsNotDrainedMoreOftenThanSomebodyWould) {
  Connect();
  for (int i = 0; i <= kDrainChangesMax; ++i) {
    bad_.Say(FrameType::kDrain, i % 2 == 0 ? "a" : "b");
    bad_.Say(FrameType::kDrain, i % 2 == 0 ? "a" : "b");  // says nothing new
  }
  AwaitNotice("bad: it sent a message that makes no sense");
}

TEST_F(HostileNodeTest, UsesNoMoreThanCanBeAddedUp) {
  node::Finished finished = Success(0);
  finished.exited.usage = {Duration{kMost}, Duration{-1}, kMost};
  const auto heard = node::DecodeFinished(Encode(finished));
  ASSERT_TRUE(heard.ok());
  const runners::ResourceUsage& usage = heard->exited.usage;
  EXPECT_EQ(usage.wall.ns, std::int64_t{1} << 56);
  EXPECT_EQ(usage.cpu.ns, 0);
  EXPECT_EQ(usage.memory_bytes_max, std::int64_t{1} << 56);
  for (const int signal : {std::numeric_limits<int>::max(), -1, 0, 65}) {
    finished.exited.reason = runners::ExitSignal{signal, false};
    EXPECT_FALSE(node::DecodeFinished(Encode(finished)).ok()) << signal;
  }
}

}  // namespace
}  // namespace dml::ssh
