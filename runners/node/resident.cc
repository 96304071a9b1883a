#include "runners/node/resident.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "base/files.h"
#include "base/process.h"
#include "runners/node/territory.h"

namespace dml::node {

namespace {

constexpr int kFirstSpareFd = 3;
constexpr unsigned kLastFd = ~0U;

Agent* serving = nullptr;  // for the signal handler alone

void OnTerminate(int) {
  if (serving != nullptr) serving->Stop();
}

void Say(const std::string& text) {
  const std::string line = text + "\n";
  if (::write(2, line.data(), line.size()) < 0) return;
}

// Nobody's child, in no session, holding nothing of whoever started it.
bool Detach(const std::string& root) {
  const pid_t child = ::fork();
  if (child != 0) {
    if (child > 0) ::waitpid(child, nullptr, 0);
    return false;
  }
  ::setsid();
  if (::fork() != 0) ::_exit(0);
  ::umask(077);
  const int nothing = ::open("/dev/null", O_RDWR);
  const int log = ::open((root + "/agent.log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  ::dup2(nothing, 0);
  ::dup2(log >= 0 ? log : nothing, 1);
  ::dup2(log >= 0 ? log : nothing, 2);
  const bool detached = ::close_range(kFirstSpareFd, kLastFd, 0) == 0 && ::chdir(root.c_str()) == 0;
  if (!detached) {
    Say(Error::System("cannot detach the agent", errno).Render());
    ::_exit(1);
  }
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
  agent->Serve();
  serving = nullptr;
  ::unlink((options.root + "/agent.pid").c_str());
  return {};
}

}  // namespace

Result<void> RunResident(const AgentOptions& options) {
  DML_RETURN_IF_ERROR(Claim(options.root));
  if (!Detach(options.root)) return {};
  auto served = Serve(options);
  if (!served.ok()) Say(served.error().Render());
  ::_exit(served.ok() ? 0 : 1);
}

}  // namespace dml::node
