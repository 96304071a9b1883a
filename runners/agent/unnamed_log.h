#pragma once

#include <cstdint>
#include <string>

#include "base/file_descriptor.h"

namespace dml::agent {

// The log of a command that may write nothing, as most short ones do. To make a file for it and
// remove it again takes longer than to start the command, and the longer the more there are: ext4
// looks long for a free inode where many were given up. So it is a file without a name until the
// command has lasted or left something, and one that stays empty is the next command's too. Not
// thread-safe.
class UnnamedLog {
 public:
  // What this process and its children may open, for appending, as the log at `log_path`, whose
  // folder exists. `mask`: of file modes, already in force. Empty if it has to be written by its
  // name: there is such a file, or the disk knows none without a name.
  [[nodiscard]] std::string Open(const std::string& log_path, std::uint32_t mask);
  // Whoever looks for the log finds it from here on.
  void Name();
  // The command and all that it had started have ended. What it left has its name.
  void Finish();

 private:
  [[nodiscard]] bool Make(const std::string& folder, std::uint32_t mask);

  FileDescriptor file_;
  std::string path_;    // of the file, through /proc
  std::string folder_;  // where it may get its name
  std::uint32_t mask_ = 0;
  std::string log_path_;  // its name to be; empty: nobody uses it
  bool named_ = false;
};

}  // namespace dml::agent
