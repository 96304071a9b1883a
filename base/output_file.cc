#include "base/output_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <optional>
#include <utility>

#include "base/disk_space.h"
#include "base/files.h"

namespace dml {

namespace fs = std::filesystem;

namespace {

constexpr int kLinksMax = 40;  // as the kernel
constexpr int kNamesMax = 1000;
constexpr mode_t kModeBits = 07777;

Error Refusal(const std::string& action, const std::string& path, int errno_value) {
  Error error = WriteError(fmt::format("{} '{}'", action, path), path, errno_value);
  switch (errno_value) {
    case EACCES:
    case EEXIST:
    case EISDIR:
    case ELOOP:
    case ENAMETOOLONG:
    case ENOENT:
    case ENOTDIR:
    case ENXIO:
    case EPERM:
    case EROFS:
    case ETXTBSY:
      error.kind = ErrorKind::kInvalid;
      error.hint = "name another file";
      break;
    default:
      break;
  }
  return error;
}

Error IsFolder(const std::string& path) {
  return Error::Invalid(fmt::format("'{}' is a folder, not a file", path), "name a file in it");
}

struct Target {
  std::string path;            // without links
  std::optional<mode_t> mode;  // of the file that is there
  uid_t owner = 0;
  gid_t group = 0;
  bool replace = true;  // else it is written into
  int standard = -1;    // the standard stream that it is
};

// A standard stream is not opened again by its name: that would begin at its first byte, and
// replacing it would leave whoever reads it with the old file.
int StandardStream(const struct stat& info) {
  for (const int fd : {STDOUT_FILENO, STDERR_FILENO}) {
    struct stat stream {};
    const int flags = ::fcntl(fd, F_GETFL);
    if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY || ::fstat(fd, &stream) != 0) continue;
    if (stream.st_dev == info.st_dev && stream.st_ino == info.st_ino) return fd;
  }
  return -1;
}

Result<std::string> FollowLinks(const std::string& path) {
  fs::path real = path;
  for (int i = 0; i < kLinksMax; ++i) {
    std::error_code none;
    const fs::path next = fs::read_symlink(real, none);
    if (none) return real.string();
    real = real.parent_path() / next;
  }
  return Refusal("cannot write", path, ELOOP);
}

Result<Target> Inspect(const std::string& path) {
  Target target;
  struct stat info {};
  if (path.empty() || path.back() == '/') return IsFolder(path);
  if (::stat(path.c_str(), &info) != 0) {
    if (errno != ENOENT) return Refusal("cannot write", path, errno);
    DML_TRY(target.path, FollowLinks(path));
    return target;
  }
  if (S_ISDIR(info.st_mode)) return IsFolder(path);
  target.standard = StandardStream(info);
  target.replace = S_ISREG(info.st_mode) && target.standard < 0;
  if (!target.replace) {
    target.path = path;
    return target;
  }
  // A rename would get past the protection of the file.
  if (::access(path.c_str(), W_OK) != 0) return Refusal("cannot write", path, errno);
  target.mode = info.st_mode & kModeBits;
  target.owner = info.st_uid;
  target.group = info.st_gid;
  DML_TRY(target.path, FollowLinks(path));
  return target;
}

Result<FileDescriptor> OpenInPlace(const std::string& path, const Target& target) {
  FileDescriptor file(target.standard >= 0
                          ? ::fcntl(target.standard, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)
                          : ::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY));
  if (file.get() < 0) return Refusal("cannot write", path, errno);
  return file;
}

std::string FolderOf(const std::string& path) {
  const std::string parent = fs::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

// Its name does not grow with that of the target, which may be as long as names can be. O_EXCL
// also follows no link that somebody else laid there.
Result<FileDescriptor> OpenTemporary(const std::string& path, const Target& target,
                                     std::string& temporary) {
  const mode_t mode = target.mode ? 0600 : 0666;
  for (int i = 0; i < kNamesMax; ++i) {
    temporary = fmt::format("{}/.dml.tmp{}.{}", FolderOf(target.path), ::getpid(), i);
    FileDescriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
    if (file.get() >= 0) return file;
    if (errno != EEXIST) break;
  }
  return Refusal("cannot create", path, errno);
}

// A new owner is for root alone to give; for everybody else the file becomes theirs.
void KeepOwnerAndMode(int fd, const Target& target) {
  if (!target.mode) return;
  const bool owned = target.owner == ::geteuid() && target.group == ::getegid();
  const bool kept = owned || ::fchown(fd, target.owner, target.group) == 0;
  ::fchmod(fd, kept ? *target.mode : *target.mode & 0777U);
}

}  // namespace

Result<void> OutputFile::Check(const std::string& path) {
  DML_TRY([[maybe_unused]] const Target target, Inspect(path));
  return {};
}

OutputFile::OutputFile(std::string path, std::string target, std::string temporary,
                       FileDescriptor file)
    : path_(std::move(path)),
      target_(std::move(target)),
      temporary_(std::move(temporary)),
      file_(std::move(file)) {}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : path_(std::move(other.path_)),
      target_(std::move(other.target_)),
      temporary_(std::exchange(other.temporary_, {})),
      file_(std::move(other.file_)) {}

OutputFile::~OutputFile() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

Result<OutputFile> OutputFile::Create(const std::string& path) {
  DML_TRY(Target target, Inspect(path));
  if (!target.replace) {
    DML_TRY(FileDescriptor file, OpenInPlace(path, target));
    return OutputFile(path, std::move(target.path), {}, std::move(file));
  }
  const std::string folder = FolderOf(target.path);
  std::error_code problem;
  fs::create_directories(folder, problem);
  if (problem) return Refusal("cannot create the folder", folder, problem.value());
  std::string temporary;
  DML_TRY(FileDescriptor file, OpenTemporary(path, target, temporary));
  KeepOwnerAndMode(file.get(), target);
  return OutputFile(path, std::move(target.path), std::move(temporary), std::move(file));
}

Result<void> OutputFile::Write(std::string_view bytes) {
  const int problem = WriteAll(file_.get(), bytes);
  if (problem != 0) return WriteError("cannot write '" + path_ + "'", path_, problem);
  return {};
}

Result<void> OutputFile::Commit() {
  // What is no file on a disk cannot be synced, and says EINVAL.
  if (::fsync(file_.get()) != 0 && errno != EINVAL && errno != EROFS) {
    return WriteError("cannot sync '" + path_ + "'", path_, errno);
  }
  const int problem = file_.Close();
  if (problem != 0) return WriteError("cannot close '" + path_ + "'", path_, problem);
  if (temporary_.empty()) return {};
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) {
    return Refusal("cannot write", path_, errno);
  }
  temporary_.clear();
  // The content is safe; a folder that may be written but not read cannot be synced.
  (void)SyncDirectory(FolderOf(target_));
  return {};
}

Result<void> WriteOutputFile(const std::string& path, std::string_view content) {
  DML_TRY(OutputFile file, OutputFile::Create(path));
  DML_RETURN_IF_ERROR(file.Write(content));
  return file.Commit();
}

}  // namespace dml
