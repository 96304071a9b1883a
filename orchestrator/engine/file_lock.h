#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "base/json.h"
#include "base/process.h"
#include "base/result.h"

namespace dml::engine {

// Who has a lock, as the holder wrote it into the file.
struct LockOwner {
  ProcessId process;
  std::string host;
  WallTime since;
  std::string what;             // "r12"; may be empty
  Json terms = Json::object();  // what else others may want to know of it

  // "r12 is run by process 4242 on host since 2026-11-21 07:40:12 UTC"
  [[nodiscard]] std::string Describe() const;
};

// A lock of the kernel on a file: it goes with the process that holds it, however that ends, so
// nothing ever needs an unlock. Locks are per open file, hence also between threads of a process.
// The file of an exclusive lock is removed when the lock is given back.
class FileLock {
 public:
  // Exclusive, without waiting. If somebody else lives who has it: kBusy, and says who.
  static Result<FileLock> Take(const std::string& path, const std::string& what,
                               const Json& terms = Json::object());
  // Exclusive, waiting; for moments only. The file stays.
  static Result<FileLock> Wait(const std::string& path);
  // Shared, without waiting: kBusy while somebody has it exclusively. The file stays.
  static Result<FileLock> Share(const std::string& path);
  // Who has it exclusively now; nothing if nobody does.
  static std::optional<LockOwner> Owner(const std::string& path);

  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock();

 private:
  FileLock(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  int fd_;
  std::string path_;  // to be removed; empty: not
};

}  // namespace dml::engine
