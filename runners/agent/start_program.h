#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace dml::agent {

// A program to be started, and what its process does before the program begins. It has the default
// action for every signal, none blocked, and /dev/null as input.
struct ProgramStart {
  std::vector<std::string> argv;     // not empty; a name without a slash is looked for on the PATH
  std::vector<std::string> env;      // the whole environment, as "NAME=value"
  bool session = false;              // leads a session of its own; otherwise a process group
  std::string output = "/dev/null";  // appended to, and created if needed, unless there is
  int output_fd = -1;                // an open file to take
  bool errors_to_output = false;     // stderr becomes what stdout is; otherwise this process's
  int inherited_fd = -1;             // becomes `inherited_as`
  int inherited_as = -1;
  std::string directory;        // empty: this process's
  std::int64_t memory_max = 0;  // of its data and heap, in bytes; 0: this process's
};

// Starts it; returns errno, 0 on success. By vfork(): copying the page tables of a process that
// holds much costs more than the rest of a start, and posix_spawn() cannot set a limit. The calling
// thread waits until the program has begun.
int StartProgram(const ProgramStart& start, int* pid);

}  // namespace dml::agent
