#include "base/sealed_file.h"

#include <fcntl.h>
#include <sys/stat.h>

namespace dml {

bool Seal(const std::string& path) {
  ::chmod(path.c_str(), 0444);
  const timespec times[2] = {{0, UTIME_NOW}, {kSealedSeconds, 0}};
  return ::utimensat(AT_FDCWD, path.c_str(), times, 0) == 0;
}

bool Touch(const std::string& path) {
  const timespec times[2] = {{0, UTIME_NOW}, {0, UTIME_OMIT}};
  return ::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW) == 0;
}

}  // namespace dml
