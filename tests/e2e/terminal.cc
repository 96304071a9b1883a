#include "tests/e2e/terminal.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

namespace dml::e2e {

namespace {

constexpr int kPatienceMs = 60'000;

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

TerminalProgram::TerminalProgram(const std::string& folder, std::vector<std::string> argv,
                                 std::vector<std::string> env, unsigned short columns) {
  master_ = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  ::grantpt(master_);
  ::unlockpt(master_);
  const winsize size{24, columns, 0, 0};
  ::ioctl(master_, TIOCSWINSZ, &size);
  const std::string name = ::ptsname(master_);
  std::vector<char*> words = Pointers(argv);
  std::vector<char*> variables = Pointers(env);
  pid_ = ::fork();
  if (pid_ != 0) return;
  ::setsid();
  ::signal(SIGHUP, SIG_DFL);                       // also for those who run the tests under nohup
  const int slave = ::open(name.c_str(), O_RDWR);  // becomes the controlling terminal
  for (int fd = 0; fd < 3; ++fd) ::dup2(slave, fd);
  if (slave > 2) ::close(slave);
  if (::chdir(folder.c_str()) != 0) ::_exit(125);
  ::execve(words[0], words.data(), variables.data());
  ::_exit(126);
}

TerminalProgram::~TerminalProgram() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  if (master_ >= 0) ::close(master_);
}

void TerminalProgram::Type(const std::string& keys) const {
  [[maybe_unused]] const ssize_t ignored = ::write(master_, keys.data(), keys.size());
}

void TerminalProgram::Close() {
  ::close(master_);
  master_ = -1;
}

bool TerminalProgram::ReadSome() {
  if (master_ < 0) return false;
  pollfd ready{master_, POLLIN, 0};
  if (::poll(&ready, 1, kPatienceMs) <= 0) return false;
  std::array<char, 4096> buffer{};
  const ssize_t got = ::read(master_, buffer.data(), buffer.size());
  if (got <= 0) return false;  // EIO: the last process has closed the terminal
  screen_.append(buffer.data(), static_cast<std::size_t>(got));
  return true;
}

bool TerminalProgram::ReadUntil(const std::string& text) {
  while (screen_.find(text) == std::string::npos) {
    if (!ReadSome()) return false;
  }
  return true;
}

int TerminalProgram::Wait() {
  while (ReadSome()) {
  }
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace dml::e2e
