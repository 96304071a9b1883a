#include "runners/agent/start_program.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/open_files.h"

namespace dml::agent {

namespace {

constexpr int kCannotStart = 127;
// Above the descriptors that a new process gets under numbers of their own.
constexpr int kReportFdMin = 10;

// exec() takes char* for historical reasons and does not write through it.
std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// Where a program may be, in the order of the PATH, of which an empty entry is the work folder.
// It is the PATH of the environment that the program gets.
std::vector<std::string> PlacesOf(const std::string& program, const std::vector<std::string>& env) {
  if (program.find('/') != std::string::npos) return {program};
  const auto own = std::ranges::find_if(
      env, [](const std::string& entry) { return entry.starts_with("PATH="); });
  const std::string path = own == env.end() ? "/bin:/usr/bin" : own->substr(5);
  std::vector<std::string> places;
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t end = std::min(path.find(':', at), path.size());
    const std::string folder = path.substr(at, end - at);
    places.push_back((folder.empty() ? "." : folder) + "/" + program);
    at = end + 1;
  }
  return places;
}

// A process may lower its hard limit but not raise it.
rlimit DataLimit(std::int64_t bytes) {
  rlimit limit{};
  ::getrlimit(RLIMIT_DATA, &limit);
  limit.rlim_max = std::min(limit.rlim_max, static_cast<rlim_t>(bytes));
  limit.rlim_cur = limit.rlim_max;
  return limit;
}

// The new process until its program begins. It borrows the memory of its parent, so everything is
// ready before, and nothing here but system calls.
class Childhood {
 public:
  Childhood(const ProgramStart& start, int report_fd)
      : start_(start),
        report_fd_(report_fd),
        places_(PlacesOf(start.argv.front(), start.env)),
        argv_(Pointers(start.argv)),
        env_(Pointers(start.env)),
        data_limit_(DataLimit(start.memory_max)) {
    sigemptyset(&no_signals_);
  }

  [[noreturn]] void Live() const {
    if (Prepare()) Execute();
    const int code = errno;
    [[maybe_unused]] const ssize_t reported = ::write(report_fd_, &code, sizeof code);
    ::_exit(kCannotStart);
  }

 private:
  static bool OpenAs(int wanted, const char* path, int flags) {
    ::close(wanted);
    const int fd = ::open(path, flags, 0644);
    if (fd < 0 || fd == wanted) return fd >= 0;
    const bool moved = ::dup2(fd, wanted) >= 0;
    ::close(fd);
    return moved;
  }

  // False with errno if something fails.
  [[nodiscard]] bool Prepare() const {
    for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);  // KILL refuses
    if (start_.session ? ::setsid() < 0 : ::setpgid(0, 0) != 0) return false;
    if (!OpenAs(STDIN_FILENO, "/dev/null", O_RDONLY)) return false;
    const bool output = start_.output_fd >= 0 ? ::dup2(start_.output_fd, STDOUT_FILENO) >= 0
                                              : OpenAs(STDOUT_FILENO, start_.output.c_str(),
                                                       O_WRONLY | O_CREAT | O_APPEND);
    if (!output) return false;
    if (start_.errors_to_output && ::dup2(STDOUT_FILENO, STDERR_FILENO) < 0) return false;
    if (start_.inherited_fd >= 0 && ::dup2(start_.inherited_fd, start_.inherited_as) < 0) {
      return false;
    }
    if (!start_.directory.empty() && ::chdir(start_.directory.c_str()) != 0) return false;
    if (start_.memory_max > 0 && ::setrlimit(RLIMIT_DATA, &data_limit_) != 0) return false;
    RestoreOpenFiles(0);
    return ::sigprocmask(SIG_SETMASK, &no_signals_, nullptr) == 0;
  }

  // Returns with errno if it cannot.
  void Execute() const {
    bool refused = false;
    for (const std::string& place : places_) {
      ::execve(place.c_str(), argv_.data(), env_.data());
      refused |= errno == EACCES;
      const bool elsewhere = errno == EACCES || errno == ENOENT || errno == ENOTDIR;
      if (!elsewhere) return;
    }
    if (refused) errno = EACCES;
  }

  const ProgramStart& start_;
  int report_fd_;
  std::vector<std::string> places_;
  std::vector<char*> argv_;
  std::vector<char*> env_;
  rlimit data_limit_;
  sigset_t no_signals_{};
};

// Alone, since the two processes share the frame of whoever calls vfork().
[[gnu::noinline]] pid_t Fork(const Childhood& childhood) {
  const pid_t pid = ::vfork();
  if (pid == 0) childhood.Live();
  return pid;
}

// A pipe that says why a program has not begun, and closes when it has. Returns errno.
int MakeReport(int ends[2]) {
  if (::pipe2(ends, O_CLOEXEC) != 0) return errno;
  const int high = ::fcntl(ends[1], F_DUPFD_CLOEXEC, kReportFdMin);
  const int code = errno;
  ::close(ends[1]);
  ends[1] = high;
  if (high >= 0) return 0;
  ::close(ends[0]);
  return code;
}

// What the pipe says: 0 if the program has begun.
int ReadReport(int fd) {
  int code = 0;
  ssize_t got = 0;
  while ((got = ::read(fd, &code, sizeof code)) < 0 && errno == EINTR) {
  }
  return got == sizeof code ? code : 0;
}

}  // namespace

int StartProgram(const ProgramStart& start, int* pid) {
  int report[2] = {-1, -1};
  if (const int code = MakeReport(report); code != 0) return code;
  const Childhood childhood(start, report[1]);
  // A handler of this process must not run in the child.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t child = Fork(childhood);
  int code = child < 0 ? errno : 0;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::close(report[1]);
  if (child >= 0) code = ReadReport(report[0]);
  ::close(report[0]);
  if (child >= 0 && code != 0) {
    while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  *pid = child;
  return code;
}

}  // namespace dml::agent
