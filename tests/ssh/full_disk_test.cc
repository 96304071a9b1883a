// A node whose disk is full while tasks run there: nobody's fault but its own.

#include "tests/send_signal.h"
#include "tests/ssh/cluster_fixture.h"

namespace dml::ssh {
namespace {

class FullDiskTest : public ClusterFixture {
 protected:
  FullDiskTest() : ClusterFixture(std::vector<ServerOptions>(1)) {
    Server& server = servers_.server(0);
    WaitUntil([&] { return server.agent() > 0; }, "the agent has begun");
    const pid_t before = server.agent();
    mounted_ = server.MountSmallDisk(server.root(), "48m");
    if (!mounted_) return;
    SendSignal(before, SIGKILL);
    EXPECT_EQ(server.RunThere({"/bin/chmod", "700", server.root()}), 0);
    ConnectOptions options;
    options.timeout = Duration::Seconds(30);
    // It is told that there is little space, and can be used all the same.
    EXPECT_TRUE(SetUpNode(servers_.HostOf(0), worker_, options).set_up);
    Connect(servers_.AllHosts());
  }

  std::string EndOf(const LaunchSpec& spec) {
    EXPECT_TRUE(runner_->Launch({spec}).ok());
    sink_.WaitForEnds(++launched_);
    return sink_.End(spec.key);
  }

  // A blob that nobody holds, as large as the disk allows; its path there.
  std::string FillCache() {
    Server& server = servers_.server(0);
    const std::string folder = server.root() + "/blobs/ab";
    std::string blob = folder + "/" + std::string(62, 'c');
    EXPECT_EQ(server.RunThere({"/bin/mkdir", "-p", folder}), 0);
    EXPECT_NE(server.RunThere({"/bin/dd", "if=/dev/zero", "of=" + blob, "bs=64k", "status=none"}),
              0);
    return blob;
  }

  bool mounted_ = false;
  std::size_t launched_ = 0;
};

constexpr const char* kFill = "dd if=/dev/zero of=filler bs=64k 2> /dev/null; ";

TEST_F(FullDiskTest, AFailureThereIsALostAttemptAndAVerdict) {
  if (!mounted_) GTEST_SKIP() << "nodes cannot have a disk of their own here";
  EXPECT_EQ(EndOf(Script(1, std::string(kFill) + "echo said; echo x > o.txt")), "lost");
  EXPECT_NE(Notices().find("n1: disk full: need"), std::string::npos) << Notices();
  EXPECT_TRUE(runner_->Nodes()[0].verdict.starts_with("disk full"));
}

// A command that does not look whether all was written would pass a part of its output as the
// whole.
TEST_F(FullDiskTest, AnEndThereIsNoSuccess) {
  if (!mounted_) GTEST_SKIP() << "nodes cannot have a disk of their own here";
  EXPECT_EQ(EndOf(Script(1, "yes abcdefg1 | head -c 60000000 > o.txt; exit 0")), "lost");
  EXPECT_NE(Notices().find("n1: disk full: need"), std::string::npos) << Notices();
  EXPECT_TRUE(runner_->Nodes()[0].verdict.starts_with("disk full"));
}

TEST_F(FullDiskTest, ALogThatCouldNotBeWrittenIsNoSuccess) {
  if (!mounted_) GTEST_SKIP() << "nodes cannot have a disk of their own here";
  LaunchSpec spec = Script(1, std::string(kFill) + "echo said; exit 0");
  spec.outputs.clear();
  std::get<runners::Command>(spec.work).outputs.clear();
  EXPECT_EQ(EndOf(spec), "lost");
}

// What only the cache keeps is no reason to refuse a task.
TEST_F(FullDiskTest, TheCacheMakesRoom) {
  if (!mounted_) GTEST_SKIP() << "nodes cannot have a disk of their own here";
  const std::string blob = FillCache();
  const LaunchSpec spec = Script(1, "echo x > o.txt");
  EXPECT_EQ(EndOf(spec), "success") << Notices();
  EXPECT_EQ(OutputOf(spec), "x\n");
  EXPECT_FALSE(fs::exists(servers_.server(0).FromHere(blob)));
}

// Nor a blob, if it was not used lately.
TEST_F(FullDiskTest, OldBlobsMakeRoomForOthers) {
  if (!mounted_) GTEST_SKIP() << "nodes cannot have a disk of their own here";
  Server& server = servers_.server(0);
  const std::string blob = FillCache();
  ASSERT_EQ(server.RunThere({"/usr/bin/truncate", "-s", "-4M", blob}), 0);
  ASSERT_EQ(server.RunThere({"/usr/bin/touch", "-a", "-d", "2 hours ago", blob}), 0);
  LaunchSpec spec = Script(1, "cat in.dat > o.txt");
  AddInput(spec, "small");
  EXPECT_EQ(EndOf(spec), "success") << Notices();
  EXPECT_FALSE(fs::exists(server.FromHere(blob)));
}

// By its end there is room again, and nothing shows that something was cut short.
TEST_F(FullDiskTest, AMomentIsEnough) {
  if (!mounted_) GTEST_SKIP() << "nodes cannot have a disk of their own here";
  const std::string moment = std::string(kFill) + "sleep 3; rm filler; ";
  EXPECT_EQ(EndOf(Script(1, moment + "echo x > o.txt")), "lost");
  EXPECT_EQ(EndOf(Script(2, moment + "exit 1")), "lost");
  EXPECT_EQ(runner_->Nodes()[0].verdict, "ready");
  // It is over for whoever begins later.
  EXPECT_EQ(EndOf(Script(3, "echo x > o.txt")), "success");
}

// A verdict for a while: a run may last much longer than a full disk.
TEST_F(FullDiskTest, ANodeThatHasRoomAgainIsUsedAgain) {
  if (!mounted_) GTEST_SKIP() << "nodes cannot have a disk of their own here";
  full_pause_ = Duration::Seconds(3);
  Connect(servers_.AllHosts());
  Server& server = servers_.server(0);
  const std::string filler = server.root() + "/filler";
  EXPECT_NE(server.RunThere({"/bin/dd", "if=/dev/zero", "of=" + filler, "bs=64k", "status=none"}),
            0);
  EXPECT_EQ(EndOf(Script(1, "true")), "lost");
  EXPECT_TRUE(runner_->Nodes()[0].verdict.starts_with("disk full"));
  EXPECT_EQ(EndOf(Script(2, "true")), "lost") << "there is no other";
  EXPECT_EQ(server.RunThere({"/bin/rm", filler}), 0);
  WaitUntil([&] { return runner_->Nodes()[0].verdict == "ready"; }, "it is tried again");
  EXPECT_EQ(EndOf(Script(3, "echo x > o.txt")), "success") << Notices();
}

// Nothing that is sent there begins.
TEST_F(FullDiskTest, NothingBeginsOnAFullDisk) {
  if (!mounted_) GTEST_SKIP() << "nodes cannot have a disk of their own here";
  Server& server = servers_.server(0);
  EXPECT_NE(server.RunThere({"/bin/dd", "if=/dev/zero", "of=" + server.root() + "/filler", "bs=64k",
                             "status=none"}),
            0);
  const std::string begun = servers_.Path("begun");
  EXPECT_EQ(EndOf(Script(1, "echo x > " + begun)), "lost");
  EXPECT_FALSE(fs::exists(begun));
  EXPECT_NE(Notices().find("n1: disk full: need"), std::string::npos) << Notices();
}

}  // namespace
}  // namespace dml::ssh
