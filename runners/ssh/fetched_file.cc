#include "runners/ssh/fetched_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace dml::ssh {

namespace {

// Of memory, places and amounts, for any disk.
constexpr std::size_t kDiskAlignment = 4096;
constexpr int kFetchedFlags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC;

}  // namespace

void FetchedFile::Free::operator()(char* block) const { std::free(block); }

Result<FetchedFile> FetchedFile::Create(const std::string& path, std::int64_t size) {
  if (size >= kLargeBytes) {
    const int fd = ::open(path.c_str(), kFetchedFlags | O_DIRECT, 0644);
    if (fd >= 0) return FetchedFile(FileDescriptor(fd), /*direct=*/true);
    if (errno != EINVAL) return Error::System("cannot write '" + path + "'", errno);
  }
  const int fd = ::open(path.c_str(), kFetchedFlags, 0644);
  if (fd < 0) return Error::System("cannot write '" + path + "'", errno);
  return FetchedFile(FileDescriptor(fd), /*direct=*/false);
}

Result<void> FetchedFile::Append(std::string_view bytes) {
  while (direct_ && !bytes.empty()) {
    if (!block_) {
      block_.reset(static_cast<char*>(std::aligned_alloc(kDiskAlignment, kBlockBytes)));
      if (!block_) {
        StopBeingDirect();
        break;
      }
    }
    const std::size_t taken = std::min(bytes.size(), kBlockBytes - filled_);
    std::memcpy(block_.get() + filled_, bytes.data(), taken);
    bytes.remove_prefix(taken);
    filled_ += taken;
    if (filled_ < kBlockBytes) continue;
    DML_RETURN_IF_ERROR(WriteOut({block_.get(), filled_}));
    filled_ = 0;
  }
  return WriteOut(bytes);
}

Result<void> FetchedFile::Close() {
  if (direct_) StopBeingDirect();  // the end is no whole block
  DML_RETURN_IF_ERROR(WriteOut({block_.get(), filled_}));
  filled_ = 0;
  block_.reset();
  const int failure = file_.Close();
  if (failure != 0) return Error::System("cannot write an output", failure);
  return {};
}

void FetchedFile::StopBeingDirect() {
  const int flags = ::fcntl(file_.get(), F_GETFL);
  static_cast<void>(::fcntl(file_.get(), F_SETFL, flags & ~O_DIRECT));
  direct_ = false;
}

Result<void> FetchedFile::WriteOut(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file_.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    // A file system that promised it and cannot, or a full disk that took half a block.
    if (written < 0 && errno == EINVAL && direct_) {
      StopBeingDirect();
      continue;
    }
    if (written < 0) return Error::System("cannot write an output", errno);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

}  // namespace dml::ssh
