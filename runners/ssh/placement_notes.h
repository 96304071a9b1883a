#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/file_descriptor.h"
#include "base/ids.h"
#include "base/json.h"
#include "runners/api/runner.h"

namespace dml::ssh {

// What a runner notes for other processes: where attempts went and why, in
// <home>/runs/r<run>/logs/placement.jsonl, and why others wait, in <home>/cluster-waits.json while
// a run is going on. `dml explain` shows both. The process that goes on with a run believes of a
// node only what the first says it was given: an attempt that is not noted is repeated. What cannot
// be written is not noted. Notes are collected and written by Flush(). Single-threaded.
class PlacementNotes {
 public:
  // An empty `home`: nothing is noted.
  explicit PlacementNotes(std::string home) : home_(std::move(home)) {}

  // `node`: its name in the inventory.
  void Went(const runners::AttemptKey& key, const std::string& node, const std::string& why);
  // Replaces all that was said of waiting before.
  void Wait(const std::map<runners::AttemptKey, std::string>& why);
  void Flush();
  // The run is over: nobody waits.
  void Close();

 private:
  const std::string home_;
  std::map<RunId, std::string> lines_;
  std::map<RunId, FileDescriptor> files_;  // where lines of a run go
  std::string waits_;
};

// Where the attempts of a task went, by number, as a runner noted it.
[[nodiscard]] std::map<std::uint32_t, std::string> ReadWent(const std::string& home, RunId run,
                                                            TaskId task);
// To which node each attempt of a run was given last, as a runner noted it.
[[nodiscard]] std::map<runners::AttemptKey, std::string> ReadGiven(const std::string& home,
                                                                   RunId run);
// Why a task waits; empty if nobody said so.
[[nodiscard]] std::string ReadWait(const std::string& home, RunId run, TaskId task);

}  // namespace dml::ssh
