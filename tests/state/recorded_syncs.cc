#include "tests/state/recorded_syncs.h"

#include <unistd.h>

#include <array>
#include <climits>

namespace dml::state {

std::map<std::string, int>& RecordedSyncs() {
  static std::map<std::string, int> syncs;
  return syncs;
}

namespace {

int Note(int fd) {
  std::array<char, PATH_MAX> path{};
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  const ssize_t size = ::readlink(link.c_str(), path.data(), path.size());
  if (size > 0) ++RecordedSyncs()[std::string(path.data(), static_cast<std::size_t>(size))];
  return 0;
}

}  // namespace
}  // namespace dml::state

extern "C" int fdatasync(int fd) { return dml::state::Note(fd); }
extern "C" int fsync(int fd) { return dml::state::Note(fd); }
