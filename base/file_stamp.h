#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace dml {

// By which it shows that a file has been changed, without reading it.
struct FileStamp {
  std::int64_t device = 0;
  std::int64_t inode = 0;
  std::int64_t size = 0;
  std::int64_t mtime_ns = 0;
  std::int64_t ctime_ns = 0;
  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

// The stamp of a regular file, or of what a link leads to. kInvalid if there is none, with
// `remedy`, or it is something else; kEnvironment if nobody can tell.
[[nodiscard]] Result<FileStamp> StampOf(const std::string& path, const std::string& remedy = "");

}  // namespace dml
