#include "runners/agent/redacted_log.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <string_view>
#include <utility>

#include "base/disk_space.h"
#include "base/file_descriptor.h"

namespace dml::agent {

namespace {

constexpr std::size_t kReadBytes = 1U << 16;
// What is taken in after the end of the command, should somebody else go on writing.
constexpr std::size_t kRestBytesMax = 1U << 20;

void CloseIfOpen(int& fd) {
  const int old = std::exchange(fd, -1);
  if (old >= 0) ::close(old);
}

}  // namespace

Result<int> RedactedLog::Open(const std::string& path, const Redactor& redactor) {
  file_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (file_ < 0) return WriteError("cannot write the log '" + path + "'", path, errno);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return Error::System("cannot make a pipe", errno);
  read_end_ = ends[0];
  write_end_ = ends[1];
  ::fcntl(read_end_, F_SETFL, O_NONBLOCK);
  stop_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (stop_ < 0) return Error::System("cannot make an event descriptor", errno);
  thread_ = std::jthread([this, redactor] { Copy(redactor); });
  return write_end_;
}

void RedactedLog::CloseWriteEnd() { CloseIfOpen(write_end_); }

void RedactedLog::Finish() {
  CloseIfOpen(write_end_);
  if (thread_.joinable()) {
    const std::uint64_t one = 1;
    static_cast<void>(::write(stop_, &one, sizeof one) == sizeof one);
    thread_.join();
  }
  for (int* fd : {&read_end_, &stop_, &file_}) CloseIfOpen(*fd);
}

void RedactedLog::Copy(const Redactor& redactor) const {
  std::string block(kReadBytes, '\0');
  std::string pending;
  std::string clean;
  std::size_t rest = kRestBytesMax;
  pollfd fds[2] = {{read_end_, POLLIN, 0}, {stop_, POLLIN, 0}};
  while (true) {
    ::poll(fds, 2, -1);
    const bool stopping = fds[1].revents != 0;
    const ssize_t got = ::read(read_end_, block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN && !stopping) continue;
    const std::size_t size = got > 0 ? static_cast<std::size_t>(got) : 0;
    if (stopping) rest -= std::min(rest, size);
    const bool last = size == 0 || rest == 0;
    pending.append(block, 0, size);
    clean.clear();
    redactor.Stream(pending, last, clean);
    static_cast<void>(WriteAll(file_, clean));  // a full disk costs the log, not the command
    if (last) return;
  }
}

}  // namespace dml::agent
