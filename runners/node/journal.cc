#include "runners/node/journal.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/file_descriptor.h"
#include "base/files.h"
#include "base/quantity.h"

namespace dml::node {

namespace {

constexpr std::size_t kTextMax = 400;
constexpr int kFollowMs = 200;

std::string PathIn(const std::string& root) { return root + "/agent.log"; }

std::int64_t SizeOf(int fd) {
  struct stat info {};
  return ::fstat(fd, &info) == 0 ? info.st_size : 0;
}

bool SameFile(int fd, const std::string& path) {
  struct stat ours {};
  struct stat there {};
  return ::fstat(fd, &ours) == 0 && ::stat(path.c_str(), &there) == 0 &&
         ours.st_ino == there.st_ino && ours.st_dev == there.st_dev;
}

// Where the last `lines` lines begin.
std::size_t TailOf(const std::string& text, int lines) {
  std::size_t at = text.size();
  if (at > 0 && text.back() == '\n') --at;
  for (int i = 0; i < lines; ++i) {
    if (at == 0) return 0;
    at = text.rfind('\n', at - 1);
    if (at == std::string::npos) return 0;
  }
  return at + 1;
}

// Copies what there is beyond the position of `fd`; false if nobody takes it.
bool CopyRest(int fd, int out_fd) {
  char block[1 << 14];
  for (ssize_t got = ::read(fd, block, sizeof block); got > 0;
       got = ::read(fd, block, sizeof block)) {
    if (WriteAll(out_fd, {block, static_cast<std::size_t>(got)}) != 0) return false;
  }
  return true;
}

// Waits a moment; false once somebody is gone.
bool StillWanted(int out_fd) {
  pollfd fds[2] = {{out_fd, 0, 0}, {STDIN_FILENO, POLLIN, 0}};
  if (::poll(fds, 2, kFollowMs) <= 0) return true;
  if (fds[0].revents != 0) return false;
  char ignored[256];
  return fds[1].revents == 0 || ::read(STDIN_FILENO, ignored, sizeof ignored) > 0;
}

}  // namespace

void Journal::Add(const std::string& text) {
  lines_ += FormatUtc(clock_.Wall()) + "  ";
  const std::size_t size = std::min(text.size(), kTextMax);
  for (std::size_t i = 0; i < size; ++i) {
    const char c = text[i];
    lines_ += static_cast<unsigned char>(c) < ' ' || c == 127 ? ' ' : c;
  }
  lines_ += '\n';
}

void Journal::Flush() {
  if (lines_.empty()) return;
  const std::string path = PathIn(root_);
  FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (file.get() >= 0 && SizeOf(file.get()) > kBytesMax) {
    ::rename(path.c_str(), (path + ".1").c_str());
    file = FileDescriptor(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  }
  if (file.get() >= 0) static_cast<void>(WriteAll(file.get(), lines_));
  lines_.clear();
}

Result<void> CopyJournal(const std::string& root, int lines, bool follow, int out_fd) {
  const std::string path = PathIn(root);
  FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) {
    return Error::Environment("there is no log: no agent has run there", "run `dml cluster setup`");
  }
  // One that was just begun anew says little without the one before.
  const auto older = ReadFile(path + ".1");
  DML_TRY(const std::string newer, ReadFile(path));
  const std::string text = (older.ok() ? *older : "") + newer;
  const std::string_view tail = std::string_view(text).substr(TailOf(text, lines));
  if (WriteAll(out_fd, tail) != 0 || !follow) return {};
  ::lseek(file.get(), static_cast<off_t>(newer.size()), SEEK_SET);
  while (CopyRest(file.get(), out_fd) && StillWanted(out_fd)) {
    if (SameFile(file.get(), path)) continue;
    if (!CopyRest(file.get(), out_fd)) break;
    FileDescriptor next(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (next.get() >= 0) file = std::move(next);
  }
  return {};
}

}  // namespace dml::node
