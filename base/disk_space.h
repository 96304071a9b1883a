#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace dml {

// Where the file system begins that a path is on, or would be.
[[nodiscard]] std::string FileSystemOf(const std::string& path);

// What this user may still write there; 0 too if there are no inodes left, and the largest number
// if nobody knows.
[[nodiscard]] std::int64_t FreeBytes(const std::string& path);

// Whether not even a little can be written to a folder, for a full disk or a quota. Tries.
[[nodiscard]] bool IsFull(const std::string& folder);

// "the file system at '/home' is full: 0 B of 20 GiB are free". Whoever has filled it: dml cannot
// know.
[[nodiscard]] std::string FullDisk(const std::string& path);
// How to find out what takes its room.
[[nodiscard]] std::string FullDiskHint(const std::string& path);

// The failure of a system call that was to write to `path`: as Error::System(), and of a full disk
// which one it is, how much of it is free and what to do.
[[nodiscard]] Error WriteError(const std::string& action, const std::string& path, int errno_value);

}  // namespace dml
