#pragma once

#include <string>
#include <string_view>

#include "base/file_descriptor.h"
#include "base/result.h"

namespace dml {

// A file that somebody named for results, such as a report or predictions.
//   - What does not exist or is a regular file appears complete under its name at Commit(), or not
//     at all. An existing file keeps its mode; of a symbolic link the target is replaced.
//   - A device, a pipe, or what this process has as its standard output or error, is written into.
//   - Missing parent folders are made.
// Errors name the path. What another path would mend (a folder, no permission, a file where a
// folder should be) is kInvalid; a full disk and the like are kEnvironment. Not thread-safe.
class OutputFile {
 public:
  // What can be told of Create() without touching anything: to be asked before long work.
  static Result<void> Check(const std::string& path);

  static Result<OutputFile> Create(const std::string& path);
  ~OutputFile();  // leaves nothing behind without Commit()
  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&&) = delete;

  Result<void> Write(std::string_view bytes);
  // Durable from here on. Once; nothing may be written afterwards.
  Result<void> Commit();

 private:
  OutputFile(std::string path, std::string target, std::string temporary, FileDescriptor file);

  std::string path_;       // as it was given
  std::string target_;     // without links; what is replaced
  std::string temporary_;  // beside the target; "" if it is written into, or once it is gone
  FileDescriptor file_;
};

// Create, Write and Commit.
Result<void> WriteOutputFile(const std::string& path, std::string_view content);

}  // namespace dml
