#include "orchestrator/engine/file_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/disk_space.h"
#include "base/files.h"
#include "base/folder_owner.h"
#include "base/quantity.h"

namespace dml::engine {

namespace {

// The whole file, whatever its length.
struct flock WholeFile(short type) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  return lock;
}

Result<int> OpenLockFile(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return WriteError("cannot create '" + path + "'", path, errno);
  GiveToOwnerOfFolder(path);
  return fd;
}

// False if somebody else has it.
Result<bool> Lock(int fd, short type, bool wait, const std::string& path) {
  struct flock lock = WholeFile(type);
  while (::fcntl(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, &lock) != 0) {
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EACCES) return false;
    return Error::System("cannot lock '" + path + "'", errno);
  }
  return true;
}

// Whether `path` still names the open file: the former owner may have removed it in between.
bool StillNamed(int fd, const std::string& path) {
  struct stat open_file {};
  struct stat named {};
  return ::fstat(fd, &open_file) == 0 && ::stat(path.c_str(), &named) == 0 &&
         open_file.st_ino == named.st_ino && open_file.st_dev == named.st_dev;
}

std::string OwnerText(const std::string& what, const Json& terms) {
  const ProcessId self = ThisProcess();
  return CanonicalJson({{"pid", self.pid},
                        {"start", self.start},
                        {"boot", self.boot},
                        {"host", HostName()},
                        {"since_us", SystemClock().Wall().us},
                        {"terms", terms},
                        {"what", what}});
}

// The holder may be about to write its name.
LockOwner ReadOwner(const std::string& path) {
  LockOwner owner;
  const auto text = ReadFile(path);
  const Json json = Json::parse(text.ok() ? *text : "", nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return owner;
  owner.process = {json.value("pid", 0), json.value("start", std::int64_t{0}),
                   json.value("boot", "")};
  owner.host = json.value("host", "");
  owner.since = {json.value("since_us", std::int64_t{0})};
  owner.what = json.value("what", "");
  owner.terms = json.value("terms", Json::object());
  return owner;
}

Error Busy(const std::string& path) {
  return Error::Busy(ReadOwner(path).Describe(), "wait for it, or end it with `dml stop RUN`");
}

}  // namespace

std::string LockOwner::Describe() const {
  const std::string subject = what.empty() ? "this home" : what;
  if (process.pid == 0) return subject + " is in use by another process";
  return fmt::format("{} is run by process {} on {} since {}", subject, process.pid, host,
                     FormatUtc(since));
}

Result<FileLock> FileLock::Take(const std::string& path, const std::string& what,
                                const Json& terms) {
  while (true) {
    DML_TRY(const int fd, OpenLockFile(path));
    FileLock lock(fd, "");
    DML_TRY(const bool taken, Lock(fd, F_WRLCK, /*wait=*/false, path));
    if (!taken) return Busy(path);
    if (!StillNamed(fd, path)) continue;
    lock.path_ = path;
    const std::string owner = OwnerText(what, terms);
    if (::ftruncate(fd, 0) != 0 || ::pwrite(fd, owner.data(), owner.size(), 0) < 0) {
      return WriteError("cannot write '" + path + "'", path, errno);
    }
    return lock;
  }
}

Result<FileLock> FileLock::Wait(const std::string& path) {
  DML_TRY(const int fd, OpenLockFile(path));
  FileLock lock(fd, "");
  DML_TRY([[maybe_unused]] const bool taken, Lock(fd, F_WRLCK, /*wait=*/true, path));
  return lock;
}

Result<FileLock> FileLock::Share(const std::string& path) {
  DML_TRY(const int fd, OpenLockFile(path));
  FileLock lock(fd, "");
  DML_TRY(const bool taken, Lock(fd, F_RDLCK, /*wait=*/false, path));
  if (!taken) return Busy(path);
  return lock;
}

std::optional<LockOwner> FileLock::Owner(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::nullopt;
  struct flock lock = WholeFile(F_RDLCK);
  const bool held = ::fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type == F_WRLCK;
  ::close(fd);
  return held ? std::optional(ReadOwner(path)) : std::nullopt;
}

FileLock::FileLock(FileLock&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), path_(std::exchange(other.path_, {})) {}

FileLock::~FileLock() {
  // If it was removed the name may be that of the next one who has it.
  if (!path_.empty() && StillNamed(fd_, path_)) ::unlink(path_.c_str());
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace dml::engine
