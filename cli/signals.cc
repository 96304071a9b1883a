#include "cli/signals.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <thread>

#include "base/check.h"

namespace dml::cli {

namespace {

constexpr std::array<int, 4> kWatched{SIGINT, SIGTERM, SIGHUP, kStopNow};
constexpr unsigned char kStop = 0;

// The only thing a handler may reach. A lock-free atomic is safe to read there.
std::atomic<int> pipe_end{-1};

void OnSignal(int signal) {
  const int saved_errno = errno;
  const auto byte = static_cast<unsigned char>(signal);
  const int fd = pipe_end.load();
  // The pipe is non-blocking: when it is full, plenty of signals are waiting already.
  if (fd >= 0) [[maybe_unused]]
    const ssize_t ignored = ::write(fd, &byte, 1);
  errno = saved_errno;
}

}  // namespace

struct SignalWatcher::State {
  std::function<void(int, int)> on_signal;
  int read_end = -1;
  int write_end = -1;
  std::array<struct sigaction, kWatched.size()> before{};
  std::atomic<int> first{0};
  std::jthread thread;

  void Watch() {
    int count = 0;
    for (;;) {
      unsigned char byte = kStop;
      const ssize_t got = ::read(read_end, &byte, 1);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0 || byte == kStop) return;
      int none = 0;
      first.compare_exchange_strong(none, byte);
      on_signal(byte, ++count);
    }
  }
};

SignalWatcher::SignalWatcher(std::function<void(int signal, int count)> on_signal)
    : state_(new State) {
  state_->on_signal = std::move(on_signal);
  int ends[2] = {-1, -1};
  DML_CHECK(::pipe2(ends, O_CLOEXEC) == 0, "a process can have a pipe");
  state_->read_end = ends[0];
  state_->write_end = ends[1];
  ::fcntl(state_->write_end, F_SETFL, O_NONBLOCK);
  DML_CHECK(pipe_end.exchange(state_->write_end) == -1, "one SignalWatcher at a time");
  state_->thread = std::jthread([state = state_] { state->Watch(); });
  for (std::size_t i = 0; i < kWatched.size(); ++i) {
    struct sigaction action {};
    action.sa_handler = OnSignal;
    action.sa_flags = SA_RESTART;
    ::sigaction(kWatched[i], nullptr, &state_->before[i]);
    // Under nohup the end of the terminal is nobody's business.
    if (kWatched[i] == SIGHUP && state_->before[i].sa_handler == SIG_IGN) continue;
    ::sigaction(kWatched[i], &action, nullptr);
  }
}

SignalWatcher::~SignalWatcher() {
  for (std::size_t i = 0; i < kWatched.size(); ++i) {
    ::sigaction(kWatched[i], &state_->before[i], nullptr);
  }
  pipe_end.store(-1);
  ::fcntl(state_->write_end, F_SETFL, 0);
  [[maybe_unused]] const ssize_t ignored = ::write(state_->write_end, &kStop, 1);
  state_->thread.join();
  ::close(state_->read_end);
  ::close(state_->write_end);
  delete state_;
}

int SignalWatcher::first_signal() const { return state_->first.load(); }

}  // namespace dml::cli
