#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/ids.h"
#include "base/json.h"
#include "runners/api/runner.h"

namespace dml::ssh {

// What a runner notes for `dml explain`, which is another process: where attempts went and why, in
// <home>/runs/r<run>/logs/placement.jsonl, and why others wait, in <home>/cluster-waits.json while
// a run is going on. Nothing depends on these files; what cannot be written is not noted. Notes are
// collected and written by Flush(). Single-threaded.
class PlacementNotes {
 public:
  // An empty `home`: nothing is noted.
  explicit PlacementNotes(std::string home) : home_(std::move(home)) {}

  void Went(const runners::AttemptKey& key, const std::string& where);
  // Replaces all that was said of waiting before.
  void Wait(const std::map<runners::AttemptKey, std::string>& why);
  void Flush();
  // The run is over: nobody waits.
  void Close();

 private:
  const std::string home_;
  std::map<RunId, std::string> lines_;
  std::string waits_;
};

// Where the attempts of a task went, by number, as a runner noted it.
[[nodiscard]] std::map<std::uint32_t, std::string> ReadWent(const std::string& home, RunId run,
                                                            TaskId task);
// Why a task waits; empty if nobody said so.
[[nodiscard]] std::string ReadWait(const std::string& home, RunId run, TaskId task);

}  // namespace dml::ssh
