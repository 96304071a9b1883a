#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/json.h"

namespace dml::e2e {

// What a finished program left behind. `code` is 128 + n for a death by signal n.
struct Finished {
  int code = -1;
  std::string out;
  std::string err;
};

// A started program whose stdout and stderr go to files.
class Program {
 public:
  Program(pid_t pid, std::string out_path, std::string err_path);
  ~Program();  // kills what still runs
  Program(Program&& other) noexcept;
  Program& operator=(Program&&) = delete;

  void Signal(int number) const;
  [[nodiscard]] Finished Wait();
  [[nodiscard]] std::string ErrorSoFar() const;
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  pid_t pid_;
  std::string out_path_;
  std::string err_path_;
};

// Limits and variables of a started program.
struct StartOptions {
  std::vector<std::string> env = {};  // "NAME=value", added or instead
  long file_size_max = -1;            // RLIMIT_FSIZE, as `ulimit -f` sets it
  bool obeys_permissions = false;     // as every user does but root
  std::string input = {};             // what stdin gives, through a pipe, if it is not empty
  bool error_is_closed = false;       // stderr is a pipe that nobody reads any more
};

// Runs the real binary in a folder of its own, with a home inside it and nothing of the user's
// environment that could change what it does.
class EndToEnd : public ::testing::Test {
 protected:
  EndToEnd();
  ~EndToEnd() override;

  // Files of the test's folder.
  void Write(const std::string& name, const std::string& content) const;
  [[nodiscard]] std::string Read(const std::string& name) const;
  [[nodiscard]] bool Exists(const std::string& name) const;
  [[nodiscard]] std::string Path(const std::string& name) const { return folder_ + "/" + name; }

  // `dml` with these arguments.
  [[nodiscard]] Finished Run(const std::vector<std::string>& args,
                             const StartOptions& options = {}) const;
  [[nodiscard]] Program Start(const std::vector<std::string>& args,
                              const StartOptions& options = {}) const;
  // `dml ... -o json`, which must succeed and print one document.
  [[nodiscard]] Json RunJson(std::vector<std::string> args) const;
  // The state of every task of the newest run, by name.
  [[nodiscard]] std::map<std::string, std::string> States() const;

  // Looks again and again until the condition holds; fails the test after a minute.
  static void WaitUntil(const std::function<bool()>& condition, const char* what);

 private:
  std::string folder_;
  mutable int count_ = 0;
};

}  // namespace dml::e2e
