#include "runners/node/resident.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

#include "base/file_descriptor.h"
#include "base/files.h"
#include "base/process.h"
#include "runners/node/bridge.h"
#include "runners/node/territory.h"

namespace dml::node {

namespace {

// Where the agent says how it begins; all that is above is closed.
constexpr int kReportFd = 3;
constexpr unsigned kLastFd = ~0U;
constexpr std::string_view kListening = "listening";
// The first sign of an error that is kBusy, and of any other.
constexpr char kBusySign = 'b';
constexpr char kErrorSign = 'e';

Agent* serving = nullptr;  // for the signal handler alone

void OnTerminate(int) {
  if (serving != nullptr) serving->Stop();
}

void Say(const std::string& text) {
  const std::string line = text + "\n";
  if (::write(2, line.data(), line.size()) < 0) return;
}

// Once; nobody may be there any more to hear it.
void Tell(std::string_view text) {
  static_cast<void>(WriteAll(kReportFd, text));
  ::close(kReportFd);
}

[[noreturn]] void Fail(const Error& error) {
  Say(error.Render());
  Tell((error.kind == ErrorKind::kBusy ? kBusySign : kErrorSign) + error.Render());
  ::_exit(1);
}

// What the agent tells, to its end.
Result<void> Listen(int fd) {
  const SystemClock clock;
  const Instant deadline = clock.Now() + kAgentStartMax;
  std::string text;
  while (true) {
    const std::int64_t left_ms = (deadline - clock.Now()).ns / 1'000'000;
    pollfd told{fd, POLLIN, 0};
    if (left_ms <= 0) return {};
    if (::poll(&told, 1, static_cast<int>(left_ms)) <= 0) continue;
    char block[1024];
    const ssize_t got = ::read(fd, block, sizeof block);
    if (got > 0) text.append(block, static_cast<std::size_t>(got));
    if (got == 0 || (got < 0 && errno != EINTR)) break;
  }
  if (text == kListening) return {};
  if (text.empty()) return Error::Environment("the agent ended as it began, and does not say why");
  return text.front() == kBusySign ? Error::Busy(text.substr(1))
                                   : Error::Environment(text.substr(1));
}

// Nobody's child, in no session, holding nothing of whoever started it but the end of a pipe, `fd`,
// which becomes kReportFd. False in the calling process.
bool Detach(const std::string& root, int fd) {
  const pid_t child = ::fork();
  if (child != 0) {
    if (child > 0) ::waitpid(child, nullptr, 0);
    return false;
  }
  ::setsid();
  if (::fork() != 0) ::_exit(0);
  ::signal(SIGPIPE, SIG_IGN);
  ::umask(077);
  if (fd == kReportFd) {
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  } else {
    ::dup3(fd, kReportFd, O_CLOEXEC);
  }
  const int nothing = ::open("/dev/null", O_RDWR);
  const int log = ::open((root + "/agent.log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  ::dup2(nothing, 0);
  ::dup2(log >= 0 ? log : nothing, 1);
  ::dup2(log >= 0 ? log : nothing, 2);
  const bool detached = ::close_range(kReportFd + 1, kLastFd, 0) == 0 && ::chdir(root.c_str()) == 0;
  if (!detached) Fail(Error::System("cannot detach the agent", errno));
  return true;
}

Result<void> Serve(const AgentOptions& options) {
  const int lock =
      ::open((options.root + "/agent.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) return Error::System("cannot lock '" + options.root + "'", errno);
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    return Error::Busy("another agent has '" + options.root + "'");
  }
  DML_TRY(const std::unique_ptr<Agent> agent, Agent::Open(options));
  const ProcessId self = ThisProcess();
  DML_RETURN_IF_ERROR(WriteFileAtomic(
      options.root + "/agent.pid",
      CanonicalJson({{"pid", self.pid}, {"start", self.start}, {"boot", self.boot}})));
  serving = agent.get();
  struct sigaction action {};
  action.sa_handler = OnTerminate;
  ::sigaction(SIGTERM, &action, nullptr);
  action.sa_handler = SIG_IGN;
  ::sigaction(SIGPIPE, &action, nullptr);
  ::sigaction(SIGHUP, &action, nullptr);
  Tell(kListening);
  agent->Serve();
  serving = nullptr;
  ::unlink((options.root + "/agent.pid").c_str());
  return {};
}

}  // namespace

Result<void> RunResident(const AgentOptions& options) {
  DML_RETURN_IF_ERROR(Claim(options.root));
  int report[2];
  if (::pipe2(report, O_CLOEXEC) != 0) return Error::System("cannot start the agent", errno);
  const FileDescriptor told(report[0]);
  FileDescriptor telling(report[1]);
  if (!Detach(options.root, telling.get())) {
    telling.Close();
    return Listen(told.get());
  }
  auto served = Serve(options);
  if (!served.ok()) Fail(served.error());
  ::_exit(0);
}

}  // namespace dml::node
