#include "base/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <limits>

#include "base/disk_space.h"
#include "base/file_descriptor.h"
#include "base/quantity.h"

namespace dml {

namespace {

Result<void> WriteDurably(const std::string& path, std::string_view content) {
  FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (file.get() < 0) return WriteError("cannot create '" + path + "'", path, errno);
  if (const int problem = WriteAll(file.get(), content); problem != 0) {
    return WriteError("cannot write '" + path + "'", path, problem);
  }
  if (::fsync(file.get()) != 0) return Error::System("cannot sync '" + path + "'", errno);
  if (const int problem = file.Close(); problem != 0) {
    return WriteError("cannot close '" + path + "'", path, problem);
  }
  return {};
}

std::string ParentOf(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

}  // namespace

Result<void> CheckRegularFile(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return Error::System("cannot open '" + path + "'", errno);
  if (S_ISREG(info.st_mode)) return {};
  if (S_ISDIR(info.st_mode)) return Error::Invalid("'" + path + "' is a folder, not a file");
  return Error::Invalid("'" + path + "' is not a regular file",
                        "copy what a pipe or device gives into a file, and name that");
}

Result<std::string> ReadFile(const std::string& path) {
  return ReadFileUpTo(path, std::numeric_limits<std::size_t>::max());
}

Result<std::string> ReadFileUpTo(const std::string& path, std::size_t bytes_max) {
  DML_RETURN_IF_ERROR(CheckRegularFile(path));
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return Error::System("cannot open '" + path + "'", errno);
  std::string content;
  char block[1 << 16];
  while (true) {
    const ssize_t got = ::read(file.get(), block, sizeof block);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error::System("cannot read '" + path + "'", errno);
    if (got == 0) return content;
    content.append(block, static_cast<std::size_t>(got));
    if (content.size() > bytes_max) {
      return Error::Invalid(fmt::format("'{}' is larger than {}", path,
                                        FormatSize(static_cast<std::int64_t>(bytes_max))));
    }
  }
}

Result<void> WriteFileAtomic(const std::string& path, std::string_view content) {
  const std::string temporary = fmt::format("{}.tmp{}", path, ::getpid());
  if (auto written = WriteDurably(temporary, content); !written.ok()) {
    ::unlink(temporary.c_str());
    return written;
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    const int saved = errno;
    ::unlink(temporary.c_str());
    return WriteError("cannot rename '" + temporary + "' to '" + path + "'", path, saved);
  }
  return SyncDirectory(ParentOf(path));
}

Result<void> MakeDirectories(const std::string& path) {
  // Who removes folders in a loop can win a hundred times in a row.
  constexpr int kTriesMax = 100'000;
  std::error_code error;
  for (int tries = 0; tries < kTriesMax; ++tries) {
    std::filesystem::create_directories(path, error);
    if (!error) return {};
    if (error.value() != ENOENT) break;  // else a folder on the way was there, and no longer is
  }
  return WriteError("cannot create the folder '" + path + "'", path, error.value());
}

Result<void> SyncDirectory(const std::string& path) {
  const FileDescriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0) return Error::System("cannot open the folder '" + path + "'", errno);
  if (::fsync(folder.get()) != 0) return Error::System("cannot sync '" + path + "'", errno);
  return {};
}

}  // namespace dml
