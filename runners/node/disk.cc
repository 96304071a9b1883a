#include "runners/node/disk.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "base/file_descriptor.h"
#include "base/files.h"

namespace dml::node {

namespace {

constexpr std::size_t kTriedBytes = 1U << 16;

}  // namespace

Error DiskFull(const std::string& path, std::int64_t needed) {
  const std::int64_t free = FreeBytes(path);
  return Error::Environment(fmt::format("disk full: need {} bytes, have {}, at '{}'", needed,
                                        free == INT64_MAX ? 0 : free, path),
                            "free space there, or run `dml cluster gc`");
}

std::optional<Error> FindDiskFull(const std::string& root) {
  if (FreeBytes(root) >= kDiskFreeMin) return std::nullopt;
  return DiskFull(root, kDiskFreeMin);
}

std::optional<Error> ProveDiskFull(const std::string& root) {
  if (auto full = FindDiskFull(root)) return full;
  const std::string path = root + "/disk.probe";
  FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  int code = file.get() < 0 ? errno : WriteAll(file.get(), std::string(kTriedBytes, '\0'));
  if (code == 0) code = file.Close();
  ::unlink(path.c_str());
  if (code != ENOSPC && code != EDQUOT) return std::nullopt;
  return DiskFull(root, kDiskFreeMin);
}

}  // namespace dml::node
