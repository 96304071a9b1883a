#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace dml {

// Whole-file operations. All errors are kEnvironment and name the path.

Result<std::string> ReadFile(const std::string& path);

// Replaces `path` by `content` so that a crash at any instruction leaves the old or the new
// content: temporary file in the same folder, fsync, rename, fsync of the folder.
Result<void> WriteFileAtomic(const std::string& path, std::string_view content);

Result<void> MakeDirectories(const std::string& path);

// Makes the directory entries of `path` durable.
Result<void> SyncDirectory(const std::string& path);

}  // namespace dml
