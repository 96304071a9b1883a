// A node on which an agent of another version of dml has stayed.

#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "runners/node/unix_socket.h"
#include "runners/node/wire.h"
#include "tests/ssh/cluster_fixture.h"

namespace dml::ssh {
namespace {

using runners::Frame;
using runners::FrameType;

// Greets as agents of version 1 did, and notes what it is sent after the greeting. At kStop it
// ends, if it has nothing to do.
class OldAgent {
 public:
  OldAgent(const std::string& root, bool busy) : root_(root), busy_(busy) {
    const auto listener = node::ListenAt(root, "agent.sock");
    EXPECT_TRUE(listener.ok()) << listener.error().message;
    listener_ = listener.ok() ? *listener : -1;
    thread_ = std::jthread([this](const std::stop_token& stop) { Serve(stop); });
  }
  ~OldAgent() {
    thread_.request_stop();
    thread_.join();
    if (listener_ >= 0) ::close(listener_);
  }
  std::vector<FrameType> heard() {
    const std::lock_guard lock(mutex_);
    return heard_;
  }

 private:
  void Serve(const std::stop_token& stop) {
    while (!stop.stop_requested() && listener_ >= 0) {
      pollfd waiting{listener_, POLLIN, 0};
      if (::poll(&waiting, 1, 20) != 1) continue;
      const int fd = node::AcceptOwn(listener_);
      if (fd < 0) continue;
      Talk(fd, stop);
      ::close(fd);
    }
  }
  void Talk(int fd, const std::stop_token& stop) {
    runners::FrameDecoder decoder;
    char block[4096];
    while (!stop.stop_requested()) {
      pollfd waiting{fd, POLLIN, 0};
      if (::poll(&waiting, 1, 20) != 1) continue;
      const ssize_t got = ::recv(fd, block, sizeof block, 0);
      if (got <= 0) return;
      decoder.Feed({block, static_cast<std::size_t>(got)});
      for (auto frame = decoder.Next(); frame.ok() && *frame; frame = decoder.Next()) {
        if (!Answer(fd, **frame)) return;
      }
    }
  }
  bool Answer(int fd, const Frame& frame) {
    if (frame.type == FrameType::kAttach) {
      Json greeting = Json::parse(node::Encode(node::Attached{}));
      greeting.erase("version");
      if (busy_) greeting["attempts"] = {{1, 0, 1, false, 7}};
      std::string bytes;
      runners::AppendFrame(FrameType::kAttached, greeting.dump(), bytes);
      return ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) > 0;
    }
    const std::lock_guard lock(mutex_);
    heard_.push_back(frame.type);
    if (frame.type != FrameType::kStop || busy_) return true;
    ::unlink((root_ + "/agent.sock").c_str());
    ::close(std::exchange(listener_, -1));
    return false;
  }

  const std::string root_;
  const bool busy_;
  int listener_ = -1;
  std::mutex mutex_;
  std::vector<FrameType> heard_;
  std::jthread thread_;
};

class OtherVersionTest : public ClusterFixture {
 protected:
  OtherVersionTest() : ClusterFixture(std::vector<ServerOptions>(1)) {
    WaitUntil([&] { return servers_.server(0).agent() > 0; }, "the agent has begun");
    servers_.server(0).SignalAgent(SIGKILL);
    WaitUntil([&] { return servers_.server(0).agent() == 0; }, "it ends");
  }
};

TEST_F(OtherVersionTest, AnAgentThatNobodyNeedsIsReplaced) {
  OldAgent old(servers_.server(0).root(), /*busy=*/false);
  Connect(servers_.AllHosts());
  ASSERT_TRUE(runner_);
  EXPECT_EQ(old.heard(), std::vector<FrameType>{FrameType::kStop});
  const LaunchSpec spec = Script(1, "echo result > o.txt");
  ASSERT_TRUE(runner_->Launch({spec}).ok());
  sink_.WaitForEnds(1);
  EXPECT_EQ(OutputOf(spec), "result\n");
}

TEST_F(OtherVersionTest, AnAgentThatIsAtWorkIsLeftAloneAndSaidSo) {
  OldAgent old(servers_.server(0).root(), /*busy=*/true);
  ClusterOptions options;
  options.cluster = servers_.AllHosts();
  options.worker = worker_;
  options.client = "tester";
  const auto runner = SshRunner::Connect(std::move(options), sink_);
  ASSERT_FALSE(runner.ok());
  EXPECT_NE(runner.error().message.find("n1: its agent was started by another version of dml (it "
                                        "speaks 1, "),
            std::string::npos)
      << runner.error().message;
  EXPECT_TRUE(old.heard().empty()) << "nothing that it would misunderstand";
}

}  // namespace
}  // namespace dml::ssh
