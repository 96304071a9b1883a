#include "runners/node/bridge.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "base/file_descriptor.h"
#include "base/hash.h"
#include "base/result.h"
#include "runners/node/territory.h"
#include "runners/node/unix_socket.h"

namespace dml::node {

namespace {

constexpr std::size_t kBlockBytes = 1U << 18;
constexpr int kPipeBytes = 1 << 18;
constexpr int kRetryMs = 5;
constexpr std::size_t kReasonMax = 1000;

void Say(const std::string& text) {
  std::string line(kBridgeMarker);
  for (const char c : text) line += c == '\n' ? ' ' : c;
  line += '\n';
  WriteAll(1, line);
}

// Returns when it has begun, or with what it says of why it has not.
Result<void> StartAgent(const std::vector<std::string>& argv) {
  int said[2];
  if (::pipe2(said, O_CLOEXEC) != 0) return Error::System("cannot start the agent", errno);
  const FileDescriptor hears(said[0]);
  FileDescriptor says(said[1]);
  std::vector<char*> pointers;
  // exec() takes char* for historical reasons and does not write through it.
  for (const std::string& text : argv) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(says.get(), 2);
    ::execv(pointers[0], pointers.data());
    ::_exit(127);
  }
  says.Close();
  if (child < 0) return Error::System("cannot start the agent", errno);
  std::string text;
  char block[1024];
  ssize_t got = 0;
  while ((got = ::read(hears.get(), block, sizeof block)) > 0 || (got < 0 && errno == EINTR)) {
    const std::size_t room = kReasonMax - text.size();
    if (got > 0) text.append(block, std::min(room, static_cast<std::size_t>(got)));
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  const bool begun = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  if (begun || (WIFEXITED(status) && WEXITSTATUS(status) == kAgentThereExit)) return {};
  text.erase(text.find_last_not_of('\n') + 1);
  return Error::Environment(text.empty() ? "it ends at once, and does not say why" : text);
}

Result<int> Connect(const std::string& root, const std::vector<std::string>& agent_argv) {
  if (auto connected = ConnectTo(root, "agent.sock"); connected.ok()) return connected;
  DML_RETURN_IF_ERROR(Claim(root));
  DML_RETURN_IF_ERROR(StartAgent(agent_argv));
  const SystemClock clock;
  const Instant deadline = clock.Now() + kAgentStartMax;
  while (true) {
    auto connected = ConnectTo(root, "agent.sock");
    if (connected.ok() || clock.Now() > deadline) return connected;
    ::poll(nullptr, 0, kRetryMs);
  }
}

// Bytes from one descriptor to another: within the kernel where one of them is a pipe, as sshd
// makes them; else through a buffer that is filled only when it is empty.
class Lane {
 public:
  Lane(int from, int to) : from_(from), to_(to) {}
  [[nodiscard]] pollfd Wanted() const {
    return full_ || !rest_.empty() ? pollfd{to_, POLLOUT, 0} : pollfd{from_, POLLIN, 0};
  }
  // Called when Wanted() has come. False at the end of the stream.
  bool Move() {
    if (!within_kernel_) return Copy();
    const ssize_t moved =
        ::splice(from_, nullptr, to_, nullptr, kBlockBytes, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (moved < 0 && errno == EINVAL) {
      within_kernel_ = full_ = false;
      return true;
    }
    // There is something to read, or nothing would have been tried.
    full_ = moved < 0 && errno == EAGAIN && !full_;
    return moved > 0 || (moved < 0 && (errno == EINTR || errno == EAGAIN));
  }

 private:
  bool Copy() {
    if (rest_.empty()) {
      buffer_.resize(kBlockBytes);
      const ssize_t got = ::read(from_, buffer_.data(), buffer_.size());
      if (got < 0) return errno == EINTR || errno == EAGAIN;
      if (got == 0) return false;
      rest_ = std::string_view(buffer_).substr(0, static_cast<std::size_t>(got));
    }
    const ssize_t put = ::write(to_, rest_.data(), rest_.size());
    if (put < 0) return errno == EINTR || errno == EAGAIN;
    rest_.remove_prefix(static_cast<std::size_t>(put));
    return true;
  }

  int from_;
  int to_;
  bool within_kernel_ = true;
  bool full_ = false;  // what is there to be moved has no room yet
  std::string buffer_;
  std::string_view rest_;
};

void Carry(int agent) {
  // More at a time, and so fewer changes from one process to the next; it fails where it is no
  // pipe. The other way, one place of a pipe takes as much as the agent has sent at once.
  static_cast<void>(::fcntl(0, F_SETPIPE_SZ, kPipeBytes));
  Lane up(0, agent);
  Lane down(agent, 1);
  while (true) {
    pollfd fds[2] = {up.Wanted(), down.Wanted()};
    if (::poll(fds, 2, -1) < 0 && errno != EINTR) return;
    if (fds[0].revents != 0 && !up.Move()) return;
    if (fds[1].revents != 0 && !down.Move()) return;
  }
}

}  // namespace

int ServeBridge(const std::string& root, const std::vector<std::string>& agent_argv) {
  ::signal(SIGPIPE, SIG_IGN);
  const auto hash = HashFile("/proc/self/exe");
  const auto agent = Connect(root, agent_argv);
  if (!agent.ok()) {
    Say("failed " + agent.error().Render());
    return 1;
  }
  Say("ready " + (hash.ok() ? hash->Hex() : std::string("unknown")));
  Carry(*agent);
  ::close(*agent);
  return 0;
}

}  // namespace dml::node
