#include "runners/ssh/subprocess.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

extern "C" char** environ;  // NOLINT(readability-redundant-declaration): POSIX names no header

namespace dml::ssh {

namespace {

struct Ends {
  int in;
  int out;
  int err;
};

Result<int> Spawn(const std::vector<std::string>& argv, const Ends& ends) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  if (ends.in < 0) {
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  } else {
    posix_spawn_file_actions_adddup2(&actions, ends.in, 0);
  }
  posix_spawn_file_actions_adddup2(&actions, ends.out, 1);
  posix_spawn_file_actions_adddup2(&actions, ends.err, 2);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  std::vector<char*> pointers;
  // exec() takes char* for historical reasons and does not write through it.
  for (const std::string& text : argv) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  pid_t pid = 0;
  const int status =
      posix_spawnp(&pid, pointers[0], &actions, &attributes, pointers.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (status != 0) return Error::System("cannot start '" + argv[0] + "'", status);
  return pid;
}

// Reads both pipes until they end; false if the deadline came first.
bool ReadBoth(int out_fd, int err_fd, Instant deadline, Output& output) {
  const SystemClock clock;
  pollfd fds[2] = {{out_fd, POLLIN, 0}, {err_fd, POLLIN, 0}};
  std::string* texts[2] = {&output.out, &output.err};
  char block[4096];
  while (fds[0].fd >= 0 || fds[1].fd >= 0) {
    const std::int64_t left = (deadline - clock.Now()).ns / 1'000'000;
    if (left <= 0) return false;
    ::poll(fds, 2, static_cast<int>(left));
    for (int i = 0; i < 2; ++i) {
      if (fds[i].fd < 0 || fds[i].revents == 0) continue;
      const ssize_t got = ::read(fds[i].fd, block, sizeof block);
      if (got <= 0) fds[i].fd = -1;
      const std::size_t room = kSubprocessOutputMax - texts[i]->size();
      if (got > 0) texts[i]->append(block, std::min(room, static_cast<std::size_t>(got)));
    }
  }
  return true;
}

}  // namespace

Result<Output> RunProgram(const std::vector<std::string>& argv, Duration limit) {
  int out[2];
  int err[2];
  if (::pipe2(out, O_CLOEXEC) != 0) return Error::System("cannot make a pipe", errno);
  if (::pipe2(err, O_CLOEXEC) != 0) return Error::System("cannot make a pipe", errno);
  const auto pid = Spawn(argv, {-1, out[1], err[1]});
  ::close(out[1]);
  ::close(err[1]);
  Output output;
  const SystemClock clock;
  const bool ended = pid.ok() && ReadBoth(out[0], err[0], clock.Now() + limit, output);
  ::close(out[0]);
  ::close(err[0]);
  if (!pid.ok()) return pid.error();
  if (!ended) ::kill(*pid, SIGKILL);
  int status = 0;
  while (::waitpid(*pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!ended) return Error::Cancelled("'" + argv[0] + "' did not answer in time");
  output.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return output;
}

Result<Piped> StartPiped(const std::vector<std::string>& argv) {
  int ends[2];
  int err[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return Error::System("cannot make a socket", errno);
  }
  if (::pipe2(err, O_CLOEXEC) != 0) return Error::System("cannot make a pipe", errno);
  const auto pid = Spawn(argv, {ends[1], ends[1], err[1]});
  ::close(ends[1]);
  ::close(err[1]);
  if (pid.ok()) return Piped{*pid, ends[0], err[0]};
  ::close(ends[0]);
  ::close(err[0]);
  return pid.error();
}

}  // namespace dml::ssh
