#pragma once

#include <string_view>
#include <utility>

namespace dml {

// Owns an open file; -1 means none. Movable, not thread-safe.
class FileDescriptor {
 public:
  explicit FileDescriptor(int fd = -1) : fd_(fd) {}
  ~FileDescriptor();
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;

  [[nodiscard]] int get() const { return fd_; }
  // Closes it and returns 0 or errno, which the destructor would have to swallow: on some file
  // systems a full disk is known no sooner.
  int Close();

 private:
  int fd_;
};

// Writes everything, however many calls it takes; also where the descriptor does not block.
// Returns 0 or errno.
int WriteAll(int fd, std::string_view bytes);

}  // namespace dml
