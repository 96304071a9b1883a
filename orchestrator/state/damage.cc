#include "orchestrator/state/damage.h"

#include <poll.h>

#include <filesystem>
#include <system_error>

#include "base/clock.h"

namespace dml::state {

namespace {

namespace fs = std::filesystem;

constexpr Duration kMakingMax = Duration::Millis(500);
constexpr int kMakingLookMs = 20;

std::string HintForDamaged(const std::string& path) {
  if (path.ends_with("/schedule.db")) {
    return "move it away and add the schedules again; runs and results are not in it";
  }
  if (path.ends_with("/index.db")) {
    return "remove it: homes find each other's results by it, and it fills again";
  }
  return "move it away; finished outputs stay in store/blobs";
}

bool IsThereAndEmpty(const std::string& path) {
  std::error_code problem;
  return fs::file_size(path, problem) == 0 && !problem;
}

bool HasEntries(const fs::path& folder) {
  std::error_code problem;
  return !fs::is_empty(folder, problem) && !problem;
}

}  // namespace

Error DamagedStore(const std::string& path, const std::string& detail) {
  const std::string place = path.empty() ? "the store" : "the store '" + path + "'";
  return Error::Environment(place + " is damaged: " + detail, HintForDamaged(path));
}

Result<void> RefuseEmptied(const std::string& path, bool lived) {
  if (!lived) return {};
  const SystemClock clock;
  const Instant deadline = clock.Now() + kMakingMax;
  while (IsThereAndEmpty(path)) {
    if (clock.Now() >= deadline) return DamagedStore(path, "it is empty");
    ::poll(nullptr, 0, kMakingLookMs);
  }
  return {};
}

bool HadRuns(const std::string& database) {
  const fs::path home = fs::path(database).parent_path();
  std::error_code ignored;
  // What is in a shared store may be that of other homes.
  return HasEntries(home / "runs") ||
         (!fs::is_symlink(home / "store", ignored) && HasEntries(home / "store" / "blobs"));
}

}  // namespace dml::state
