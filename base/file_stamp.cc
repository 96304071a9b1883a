#include "base/file_stamp.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/files.h"

namespace dml {

namespace {

std::int64_t Nanoseconds(const timespec& time) {
  return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

Result<FileStamp> StampOf(const std::string& path, const std::string& remedy) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    if (errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG) {
      return Error::Invalid(fmt::format("there is no file '{}'", path), remedy);
    }
    return Error::System("cannot read '" + path + "'", errno);
  }
  if (S_ISDIR(info.st_mode)) {
    return Error::Invalid(fmt::format("'{}' is a folder, not a file", path),
                          "name the files in it with a pattern such as *.csv");
  }
  if (!S_ISREG(info.st_mode)) DML_RETURN_IF_ERROR(CheckRegularFile(path));
  return FileStamp{static_cast<std::int64_t>(info.st_dev), static_cast<std::int64_t>(info.st_ino),
                   info.st_size, Nanoseconds(info.st_mtim), Nanoseconds(info.st_ctim)};
}

}  // namespace dml
