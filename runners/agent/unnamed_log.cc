#include "runners/agent/unnamed_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/files.h"

namespace dml::agent {

bool UnnamedLog::Make(const std::string& folder, std::uint32_t mask) {
  folder_ = folder;
  mask_ = mask;
  file_ = FileDescriptor(::open(folder.c_str(), O_TMPFILE | O_WRONLY | O_APPEND | O_CLOEXEC, 0644));
  if (file_.get() < 0) return false;
  // An open of its own for every command: none finds what another has set or locked.
  path_ = fmt::format("/proc/self/fd/{}", file_.get());
  if (::access(path_.c_str(), W_OK) == 0) return true;
  file_.Close();
  return false;
}

std::string UnnamedLog::Open(const std::string& log_path, std::uint32_t mask) {
  log_path_.clear();
  const std::size_t slash = log_path.rfind('/');
  if (slash == std::string::npos || ::access(log_path.c_str(), F_OK) == 0) return {};
  const std::string folder = log_path.substr(0, slash);
  const bool there = file_.get() >= 0 && folder == folder_ && mask == mask_;
  if (!there && !Make(folder, mask)) return {};
  log_path_ = log_path;
  named_ = false;
  return path_;
}

void UnnamedLog::Name() {
  if (log_path_.empty() || named_) return;
  const auto link = [this] {
    return ::linkat(AT_FDCWD, path_.c_str(), AT_FDCWD, log_path_.c_str(), AT_SYMLINK_FOLLOW) == 0;
  };
  named_ = link() || (errno == ENOENT && MakeDirectories(folder_).ok() && link());
}

void UnnamedLog::Finish() {
  if (log_path_.empty()) return;
  struct stat info {};
  const bool empty = ::fstat(file_.get(), &info) == 0 && info.st_size == 0;
  if (!empty) Name();
  // A log that could not get its name is lost, as on a full disk; it must not be another's.
  if (named_ || !empty) file_.Close();
  log_path_.clear();
}

}  // namespace dml::agent
