#include "base/presence.h"

#include <sys/stat.h>

#include <cerrno>

namespace dml {

Result<bool> IsThere(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0) return true;
  if (errno == ENOENT || errno == ENOTDIR) return false;
  return Error::System("cannot look at '" + path + "'", errno);
}

}  // namespace dml
