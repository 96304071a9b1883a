#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/json.h"
#include "base/result.h"
#include "orchestrator/engine/file_lock.h"
#include "orchestrator/engine/home.h"

namespace dml::engine {

// The second lock of a run, in its folder: no task has a folder of that name.
inline constexpr char kOwnerFile[] = ".owner";

// Whoever drives a run holds this: a kernel lock in locks/, and one with the files of the run, so
// that nobody else takes it for dead when somebody clears locks/ away.
class RunLock {
 public:
  // kBusy if somebody else lives who has it, and says who. `terms`: see LockOwner.
  static Result<RunLock> Take(const Home& home, RunId run, const Json& terms = Json::object());
  RunLock(RunLock&&) noexcept = default;
  RunLock& operator=(RunLock&&) = delete;
  ~RunLock();

 private:
  RunLock(std::vector<FileLock> locks, std::string folder)
      : locks_(std::move(locks)), folder_(std::move(folder)) {}
  std::vector<FileLock> locks_;
  std::string folder_;  // of the run: not left behind empty
};

// Removes what a dead owner has left of its lock among the files of the run.
void ForgetDeadOwner(const Home& home, RunId run);

// Who drives the run now; nothing if nobody does.
[[nodiscard]] std::optional<LockOwner> OwnerOfRun(const std::string& home, RunId run);

}  // namespace dml::engine
