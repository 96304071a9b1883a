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
  void Log(ScriptedNode& node, std::size_t task, std::int64_t offset, const std::string& bytes) {
    node.Say(FrameType::kLog, Encode(node::LogPiece{KeyOf(task), offset, bytes}));
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
