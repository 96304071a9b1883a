#include "orchestrator/engine/key_locks.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/files.h"

namespace dml::engine {

namespace {

constexpr int kNoFile = -2;

// The one byte that stands for a key.
struct flock ByteOf(const Digest& key, short type) {
  std::uint64_t at = 0;
  std::memcpy(&at, key.bytes.data() + 1, sizeof at);
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = static_cast<off_t>(at >> 2U);
  lock.l_len = 1;
  return lock;
}

}  // namespace

KeyLocks::~KeyLocks() {
  for (const int fd : fds_) {
    if (fd >= 0) ::close(fd);
  }
}

int KeyLocks::FileOf(const Digest& key) {
  const std::size_t number = static_cast<std::size_t>(key.bytes[0]) % kFiles;
  int& fd = fds_[number];
  if (fd != -1) return fd;
  fd = kNoFile;
  if (!MakeDirectories(folder_).ok()) return fd;
  const std::string path = fmt::format("{}/{:02}", folder_, number);
  const int opened = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (opened >= 0) fd = opened;
  return fd;
}

bool KeyLocks::TryTake(const Digest& key) {
  if (held_.size() >= kHeldMax) return true;
  const int fd = FileOf(key);
  if (fd < 0) return true;
  struct flock lock = ByteOf(key, F_WRLCK);
  if (::fcntl(fd, F_OFD_SETLK, &lock) != 0) return errno != EAGAIN && errno != EACCES;
  held_.insert(key);
  return true;
}

void KeyLocks::Release(const Digest& key) {
  if (held_.erase(key) == 0) return;
  const int fd = FileOf(key);
  struct flock lock = ByteOf(key, F_UNLCK);
  static_cast<void>(::fcntl(fd, F_OFD_SETLK, &lock));
}

}  // namespace dml::engine
