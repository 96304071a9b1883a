#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace dml {

// Whole-file operations. Errors name the path and are kEnvironment if nothing else is said. Files
// that users name for results are written as base/output_file.h says.

// kInvalid if `path` is a folder, a device, a pipe or a socket: what may have no end, or block.
Result<void> CheckRegularFile(const std::string& path);

// kInvalid for what CheckRegularFile() refuses, unread.
Result<std::string> ReadFile(const std::string& path);
// Also kInvalid if there is more than `bytes_max`, of which little more is read.
Result<std::string> ReadFileUpTo(const std::string& path, std::size_t bytes_max);

// Replaces `path` by `content` so that a crash at any instruction leaves the old or the new
// content: temporary file in the same folder, fsync, rename, fsync of the folder.
Result<void> WriteFileAtomic(const std::string& path, std::string_view content);

// With those above it, also while others remove the ones among them that are empty.
Result<void> MakeDirectories(const std::string& path);

// Makes the directory entries of `path` durable.
Result<void> SyncDirectory(const std::string& path);

}  // namespace dml
