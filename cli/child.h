#pragma once

#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/file_descriptor.h"
#include "base/result.h"

namespace dml::cli {

// A command that dml starts for itself: a hook, a tool of the system, a run. It gets a process
// group of its own and no shell. Move-only; one that still runs when this goes is left to run.
class Child {
 public:
  struct Options {
    std::string input{};                       // what it reads on stdin
    std::map<std::string, std::string> env{};  // on top of this process's environment
    std::string directory{};                   // empty: this process's
    std::string log_path{};                    // its output is appended; empty: kept, see Output()
    bool errors_apart = false;                 // stderr is kept for Errors(), not with the output
  };
  // A program that is not there is kInvalid.
  static Result<Child> Start(const std::vector<std::string>& argv, const Options& options);
  Child(Child&& other) noexcept = default;
  Child& operator=(Child&&) = delete;
  ~Child() = default;

  // The exit code (128 + n for a death by signal n), or nothing if it still runs after `limit`.
  std::optional<int> Wait(Duration limit);
  // To its whole group.
  void Signal(int number) const;
  // TERM, two seconds of grace, KILL; returns when it is gone.
  void End();
  [[nodiscard]] int pid() const { return pid_; }
  // The end of what it wrote to stdout and stderr, at most 64 KiB.
  [[nodiscard]] const std::string& Output() const { return output_; }
  // Whether it wrote more than that.
  [[nodiscard]] bool cut() const { return cut_; }
  // The beginning of what it wrote to stderr if that is kept apart, at most 64 KiB.
  [[nodiscard]] std::string Errors() const;

 private:
  Child(int pid, FileDescriptor pid_fd, FileDescriptor output_fd, FileDescriptor errors_fd)
      : pid_(pid),
        pid_fd_(std::move(pid_fd)),
        output_fd_(std::move(output_fd)),
        errors_fd_(std::move(errors_fd)) {}
  enum class Got { kSome, kNothing, kEnd };
  Got ReadSome();
  void KeepEnd(std::size_t most);

  int pid_;
  FileDescriptor pid_fd_;
  FileDescriptor output_fd_;  // none once closed
  FileDescriptor errors_fd_;  // a file without a name; none: stderr is not kept apart
  std::optional<int> exit_code_;
  std::string output_;
  bool cut_ = false;
};

struct ChildEnd {
  int code = 0;
  bool timed_out = false;
  std::string output;
  std::string errors;      // see Child::Errors()
  bool cut = false;        // see Child::cut()
  bool cancelled = false;  // `stop` was requested
};
// Start, Wait and, if it takes longer than `timeout` or once `stop` is requested, End.
Result<ChildEnd> RunChild(const std::vector<std::string>& argv, const Child::Options& options,
                          Duration timeout, const std::stop_token& stop = {});

}  // namespace dml::cli
