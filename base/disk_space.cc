#include "base/disk_space.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <optional>
#include <system_error>

#include "base/file_descriptor.h"
#include "base/quantity.h"

namespace dml {

namespace {

namespace fs = std::filesystem;

std::optional<dev_t> DeviceOf(const fs::path& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return std::nullopt;
  return info.st_dev;
}

// The path itself, or the nearest folder above it that is there.
fs::path Existing(const std::string& path) {
  std::error_code ignored;
  fs::path at = fs::weakly_canonical(path, ignored);
  if (ignored) at = fs::absolute(path, ignored);
  while (at.has_relative_path() && !DeviceOf(at)) at = at.parent_path();
  return at;
}

}  // namespace

std::string FileSystemOf(const std::string& path) {
  fs::path at = Existing(path);
  const std::optional<dev_t> device = DeviceOf(at);
  while (at.has_relative_path() && DeviceOf(at.parent_path()) == device) at = at.parent_path();
  return at.string();
}

std::int64_t FreeBytes(const std::string& path) {
  struct statvfs info {};
  if (::statvfs(path.c_str(), &info) != 0) return INT64_MAX;
  // Where inodes are not counted, there are none in all.
  if (info.f_files > 0 && info.f_favail == 0) return 0;
  return static_cast<std::int64_t>(info.f_bavail) * static_cast<std::int64_t>(info.f_frsize);
}

bool IsFull(const std::string& folder) {
  constexpr std::size_t kTriedBytes = 1U << 16;
  FileDescriptor file(::open(folder.c_str(), O_WRONLY | O_TMPFILE | O_CLOEXEC, 0600));
  if (file.get() < 0 && errno != ENOSPC && errno != EDQUOT) {
    // Not every file system has files without a name.
    const std::string named = folder + "/disk.probe";
    file = FileDescriptor(
        ::open(named.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (file.get() >= 0) ::unlink(named.c_str());
  }
  int code = file.get() < 0 ? errno : WriteAll(file.get(), std::string(kTriedBytes, '\0'));
  if (code == 0) code = file.Close();
  return code == ENOSPC || code == EDQUOT;
}

std::string FullDisk(const std::string& path) {
  const std::string place = FileSystemOf(path);
  struct statvfs info {};
  if (::statvfs(place.c_str(), &info) != 0) {
    return fmt::format("the file system at '{}' is full", place);
  }
  if (info.f_files > 0 && info.f_favail == 0) {
    return fmt::format(
        "the file system at '{}' has no room for further files: all of its {} are "
        "in use",
        place, info.f_files);
  }
  const auto bytes = [&](fsblkcnt_t blocks) {
    return FormatSize(static_cast<std::int64_t>(blocks) * static_cast<std::int64_t>(info.f_frsize));
  };
  return fmt::format("the file system at '{}' is full: {} of {} are free", place,
                     bytes(info.f_bavail), bytes(info.f_blocks));
}

std::string FullDiskHint(const std::string& path) {
  return fmt::format("free space there; `du -xhd1 {}` shows what takes it", FileSystemOf(path));
}

Error WriteError(const std::string& action, const std::string& path, int errno_value) {
  Error error = Error::System(action, errno_value);
  if (errno_value == ENOSPC) {
    error.message += "; " + FullDisk(path);
    error.hint = FullDiskHint(path);
  } else if (errno_value == EDQUOT) {
    error.message += fmt::format("; the quota of this user on the file system at '{}' is used up",
                                 FileSystemOf(path));
    error.hint = "free space there, or have the quota raised";
  }
  return error;
}

}  // namespace dml
