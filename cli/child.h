#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
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
  };
  // A program that is not there is kInvalid.
  static Result<Child> Start(const std::vector<std::string>& argv, const Options& options);
  Child(Child&& other) noexcept;
  Child& operator=(Child&&) = delete;
  ~Child();

  // The exit code (128 + n for a death by signal n), or nothing if it still runs after `limit`.
  std::optional<int> Wait(Duration limit);
  // To its whole group.
  void Signal(int number) const;
  // TERM, two seconds of grace, KILL; returns when it is gone.
  void End();
  [[nodiscard]] int pid() const { return pid_; }
  // The end of what it wrote to stdout and stderr, at most 64 KiB.
  [[nodiscard]] const std::string& Output() const { return output_; }

 private:
  Child(int pid, int pid_fd, int output_fd) : pid_(pid), pid_fd_(pid_fd), output_fd_(output_fd) {}
  bool ReadSome();

  int pid_;
  int pid_fd_;
  int output_fd_;  // -1 once closed
  std::optional<int> exit_code_;
  std::string output_;
};

struct ChildEnd {
  int code = 0;
  bool timed_out = false;
  std::string output;
};
// Start, Wait and, if it takes longer than `timeout`, End.
Result<ChildEnd> RunChild(const std::vector<std::string>& argv, const Child::Options& options,
                          Duration timeout);

}  // namespace dml::cli
