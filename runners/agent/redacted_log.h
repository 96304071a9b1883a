#pragma once

#include <string>
#include <thread>

#include "base/redactor.h"
#include "base/result.h"

namespace dml::agent {

// The log of a command that knows secrets: what it writes passes through a pipe and is appended to
// the file without them. A thread of its own does that from Open() until Finish().
class RedactedLog {
 public:
  RedactedLog() = default;
  ~RedactedLog() { Finish(); }
  RedactedLog(const RedactedLog&) = delete;
  RedactedLog& operator=(const RedactedLog&) = delete;

  // Returns the end that the command writes to; it stays owned by this object.
  Result<int> Open(const std::string& path, const Redactor& redactor);
  // The command has its own copy of it now.
  void CloseWriteEnd();
  // Takes in what has been written so far and stops, whoever still holds the other end. Idempotent.
  void Finish();

 private:
  void Copy(const Redactor& redactor) const;

  int read_end_ = -1;
  int write_end_ = -1;
  int stop_ = -1;  // an eventfd
  int file_ = -1;
  std::jthread thread_;
};

}  // namespace dml::agent
