#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "orchestrator/engine/file_lock.h"
#include "orchestrator/engine/home.h"

namespace dml::engine {

// As long as it lives no run is going on or begins in a home, nor in any other that shares its
// store. One home at a time has it: the others wait.
class QuietStore {
 public:
  // kBusy, with `hint`, if a run is going on somewhere; says which. kEnvironment if a home cannot
  // be looked into.
  static Result<QuietStore> Make(const Home& home, const std::string& hint);

  // Those that are not where they were: removed, or moved, and then they still need their files.
  [[nodiscard]] const std::vector<std::string>& gone_homes() const { return gone_; }
  // Each once, however many names it has; without the home itself and those that are gone.
  [[nodiscard]] const std::vector<std::string>& other_homes() const { return others_; }

 private:
  QuietStore() = default;
  std::vector<FileLock> locks_;
  std::vector<std::string> others_;
  std::vector<std::string> gone_;
};

}  // namespace dml::engine
