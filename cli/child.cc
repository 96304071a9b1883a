#include "cli/child.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/open_files.h"

extern "C" char** environ;  // NOLINT(readability-redundant-declaration): POSIX names no header

namespace dml::cli {

namespace {

constexpr std::size_t kOutputMax = 64U << 10U;  // also what a pipe holds
constexpr std::size_t kReadBytes = 8U << 10U;
constexpr Duration kGrace = Duration::Seconds(2);
// How long a request to stop may go unheard.
constexpr Duration kLookInterval = Duration::Millis(100);
// How often to look for the end of a child that cannot be polled.
constexpr std::int64_t kBlindMs = 20;

// A file without a name that holds `text`: unlike a pipe it takes any amount at once.
Result<FileDescriptor> InputFile(const std::string& text) {
  if (text.empty()) {
    FileDescriptor null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (null.get() < 0) return Error::System("cannot open '/dev/null'", errno);
    return null;
  }
  FileDescriptor file(::memfd_create("input", MFD_CLOEXEC));
  const int code = file.get() < 0 ? errno : WriteAll(file.get(), text);
  if (code != 0) return Error::System("cannot keep the input of a command", code);
  ::lseek(file.get(), 0, SEEK_SET);
  return file;
}

struct Ends {
  FileDescriptor child;   // becomes stdout, and stderr unless that is kept apart
  FileDescriptor parent;  // none: the output goes to a file
};

Result<Ends> OutputOf(const std::string& log_path) {
  if (!log_path.empty()) {
    const int fd = ::open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0) return Error::System("cannot write '" + log_path + "'", errno);
    return Ends{FileDescriptor(fd), FileDescriptor()};
  }
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0) return Error::System("cannot make a pipe", errno);
  ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
  return Ends{FileDescriptor(ends[1]), FileDescriptor(ends[0])};
}

std::vector<std::string> Environment(const std::map<std::string, std::string>& extra) {
  std::vector<std::string> env;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (!extra.contains(std::string(text.substr(0, text.find('='))))) env.emplace_back(text);
  }
  for (const auto& [name, value] : extra) env.push_back(name + "=" + value);
  return env;
}

// exec() takes char* for historical reasons and does not write through it.
std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// Returns errno, 0 on success.
int Spawn(const std::vector<std::string>& argv, const Child::Options& options, int input,
          int output, int errors, pid_t* pid) {
  posix_spawnattr_t attributes{};
  posix_spawn_file_actions_t actions{};
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_init(&actions);
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  posix_spawn_file_actions_adddup2(&actions, input, 0);
  posix_spawn_file_actions_adddup2(&actions, output, 1);
  posix_spawn_file_actions_adddup2(&actions, errors, 2);
  if (!options.directory.empty()) {
    posix_spawn_file_actions_addchdir_np(&actions, options.directory.c_str());
  }
  const std::vector<std::string> env = Environment(options.env);
  const int status = posix_spawnp(pid, argv[0].c_str(), &actions, &attributes,
                                  Pointers(argv).data(), Pointers(env).data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (status == 0) RestoreOpenFiles(*pid);
  return status;
}

}  // namespace

Result<Child> Child::Start(const std::vector<std::string>& argv, const Options& options) {
  if (argv.empty()) return Error::Invalid("the command is empty");
  DML_TRY(const FileDescriptor input, InputFile(options.input));
  DML_TRY(Ends output, OutputOf(options.log_path));
  FileDescriptor errors(options.errors_apart ? ::memfd_create("errors", MFD_CLOEXEC) : -1);
  if (options.errors_apart && errors.get() < 0) {
    return Error::System("cannot keep the errors of a command", errno);
  }
  const int error_fd = options.errors_apart ? errors.get() : output.child.get();
  pid_t pid = 0;
  const int status = Spawn(argv, options, input.get(), output.child.get(), error_fd, &pid);
  if (status != 0) {
    return Error::Invalid(fmt::format("cannot start '{}': {}", argv[0], std::strerror(status)),
                          status == ENOENT ? "install it, or write its path" : "");
  }
  FileDescriptor pid_fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  return Child(pid, std::move(pid_fd), std::move(output.parent), std::move(errors));
}

void Child::KeepEnd(std::size_t most) {
  if (output_.size() <= most) return;
  output_.erase(0, output_.size() - kOutputMax);
  cut_ = true;
}

Child::Got Child::ReadSome() {
  std::array<char, kReadBytes> buffer{};
  const ssize_t got = ::read(output_fd_.get(), buffer.data(), buffer.size());
  if (got < 0) return errno == EAGAIN || errno == EINTR ? Got::kNothing : Got::kEnd;
  output_.append(buffer.data(), static_cast<std::size_t>(got));
  KeepEnd(2 * kOutputMax);
  return got > 0 ? Got::kSome : Got::kEnd;
}

std::string Child::Errors() const {
  std::string text(kOutputMax, '\0');
  const ssize_t got =
      errors_fd_.get() < 0 ? 0 : ::pread(errors_fd_.get(), text.data(), text.size(), 0);
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return text;
}

std::optional<int> Child::Wait(Duration limit) {
  const SystemClock clock;
  const Instant deadline = clock.Now() + limit;
  while (!exit_code_) {
    const std::int64_t left_ms = std::clamp<std::int64_t>((deadline - clock.Now()).ns / 1'000'000,
                                                          0, pid_fd_.get() < 0 ? kBlindMs : 60'000);
    std::array<pollfd, 2> waits{{{pid_fd_.get(), POLLIN, 0}, {output_fd_.get(), POLLIN, 0}}};
    ::poll(waits.data(), output_fd_.get() >= 0 ? 2 : 1, static_cast<int>(left_ms));
    if (output_fd_.get() >= 0 && waits[1].revents != 0 && ReadSome() == Got::kEnd) {
      output_fd_.Close();
    }
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) == pid_) {
      exit_code_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    } else if (clock.Now() >= deadline) {
      return std::nullopt;
    }
  }
  // What is in the pipe now is all that counts: a grandchild may keep writing for ever.
  for (std::size_t read = 0; read <= kOutputMax && output_fd_.get() >= 0; read += kReadBytes) {
    if (ReadSome() != Got::kSome) break;
  }
  KeepEnd(kOutputMax);
  return exit_code_;
}

void Child::Signal(int number) const {
  if (!exit_code_) ::kill(-pid_, number);
}

void Child::End() {
  Signal(SIGTERM);
  if (Wait(kGrace)) {
    ::kill(-pid_, SIGKILL);  // what it has left behind in its group
    return;
  }
  Signal(SIGKILL);
  Wait(Duration::Seconds(3600));
}

Result<ChildEnd> RunChild(const std::vector<std::string>& argv, const Child::Options& options,
                          Duration timeout, const std::stop_token& stop) {
  DML_TRY(Child child, Child::Start(argv, options));
  const SystemClock clock;
  const Instant deadline = clock.Now() + timeout;
  ChildEnd end;
  std::optional<int> code;
  while (!code) {
    const Duration left = deadline - clock.Now();
    code = child.Wait(stop.stop_possible() ? std::min(left, kLookInterval) : left);
    if (code) break;
    end.cancelled = stop.stop_requested();
    end.timed_out = !end.cancelled && clock.Now() >= deadline;
    if (!end.cancelled && !end.timed_out) continue;
    child.End();
    code = child.Wait(Duration{0}).value_or(137);
  }
  end.code = *code;
  end.output = child.Output();
  end.errors = child.Errors();
  end.cut = child.cut();
  return end;
}

}  // namespace dml::cli
