#include "base/crash_point.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "base/check.h"

namespace dml {

void CrashPoint(std::string_view label) {
  static const char* const wanted = std::getenv("DML_CRASH_AT");
  if (wanted == nullptr) return;
  const bool listed =
      std::ranges::find(kCrashPoints, label) != std::end(kCrashPoints) ||
      std::ranges::find(kClusterCrashPoints, label) != std::end(kClusterCrashPoints);
  DML_CHECK(listed, "every crash point is listed");
  const std::string_view request = wanted;
  const std::size_t at = request.find('@');
  if (request.substr(0, at) != label) return;
  if (at != std::string_view::npos) {
    const std::string once(request.substr(at + 1));
    if (::open(once.c_str(), O_CREAT | O_EXCL | O_CLOEXEC, 0644) < 0) return;
  }
  ::kill(::getpid(), SIGKILL);
}

}  // namespace dml
