#include "base/crash_point.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <string>

#include "base/check.h"

namespace dml {

namespace {

bool IsListed(std::string_view label) {
  const auto in = [&](const auto& labels) {
    return std::ranges::find(labels, label) != std::end(labels);
  };
  return in(kCrashPoints) || in(kClusterCrashPoints) || in(kScheduleCrashPoints) ||
         in(kStoreCrashPoints);
}

}  // namespace

void CrashPoint(std::string_view label) {
  static const char* const wanted = std::getenv("DML_CRASH_AT");
  if (wanted == nullptr) return;
  DML_CHECK(IsListed(label), "every crash point is listed");
  const std::string_view request = wanted;
  const std::size_t at = request.find('@');
  const std::string_view which = request.substr(0, at);
  const std::size_t colon = which.find(':');
  if (which.substr(0, colon) != label) return;
  if (colon != std::string_view::npos) {
    static std::atomic<int> visits = 0;
    if (++visits < std::atoi(std::string(which.substr(colon + 1)).c_str())) return;
  }
  if (at != std::string_view::npos) {
    const std::string once(request.substr(at + 1));
    if (::open(once.c_str(), O_CREAT | O_EXCL | O_CLOEXEC, 0644) < 0) return;
  }
  ::kill(::getpid(), SIGKILL);
}

}  // namespace dml
