#include "orchestrator/engine/run_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/files.h"

namespace dml::engine {

Result<RunLock> RunLock::Take(const Home& home, RunId run) {
  const std::string path = home.RunPath(run) + ".lock";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return Error::System("cannot create '" + path + "'", errno);
  RunLock lock(fd, path);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    const int code = errno;
    lock.path_.clear();  // it is the other's file
    if (code != EWOULDBLOCK) return Error::System("cannot lock '" + path + "'", code);
    auto owner = ReadFile(path);
    return Error::Environment(fmt::format("r{} is being run by process {}", run.value,
                                          owner.ok() ? *owner : "(unknown)"));
  }
  const std::string owner = std::to_string(::getpid());
  if (::ftruncate(fd, 0) != 0 || ::pwrite(fd, owner.data(), owner.size(), 0) < 0) {
    return Error::System("cannot write '" + path + "'", errno);
  }
  return lock;
}

RunLock::RunLock(RunLock&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), path_(std::exchange(other.path_, {})) {}

RunLock::~RunLock() {
  if (!path_.empty()) ::unlink(path_.c_str());
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace dml::engine
