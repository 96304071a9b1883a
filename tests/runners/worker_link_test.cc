#include "runners/agent/worker_link.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/runners/recording_sink.h"

namespace dml::agent {
namespace {

std::string LaunchOf(std::size_t task) {
  runners::LaunchSpec spec = runners::NativeSpec(task, "noop");
  spec.record_path = "/nowhere/record";
  std::string frame;
  runners::AppendFrame(runners::FrameType::kLaunch, runners::EncodeLaunch(spec), frame);
  return frame;
}

// The other end dies while one attempt runs: it may be any time until the thread that reads hears
// of it, and by then the next one could have begun, which somebody else is given.
TEST(WorkerLink, NothingBeginsWhenTheOtherEndIsGone) {
  for (int i = 0; i < 2000; ++i) {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    const std::string both = LaunchOf(1) + LaunchOf(2);
    ASSERT_EQ(::send(ends[0], both.data(), both.size(), 0), static_cast<ssize_t>(both.size()));
    bool more = true;
    {
      WorkerLink link(ends[1]);
      ASSERT_TRUE(link.Next().has_value());
      link.End();
      ::close(ends[0]);
      more = link.Next().has_value();
    }
    ::close(ends[1]);
    ASSERT_FALSE(more) << i;
  }
}

}  // namespace
}  // namespace dml::agent
