#pragma once

#include <cstddef>
#include <deque>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "orchestrator/core/instance_match.h"
#include "orchestrator/state/run_store.h"
#include "pipelines/task_decl.h"

namespace dml::engine {

struct PreparedTask;
struct Upstream;

// Why tasks run, and why a result stands for them: what differs from earlier runs of the pipeline,
// for people. Reads the store; writes nothing. Everything it is made with outlives it. Used by one
// thread.
class Reasons {
 public:
  Reasons(const pipelines::ExpandedPipeline& pipeline, state::RunStore& store)
      : pipeline_(pipeline), store_(store) {}

  // The run that decides: "earlier" is before it. Without, every run is.
  void SetRun(RunId run) { run_ = run; }

  // All that differs from its last result; never empty.
  Result<std::vector<std::string>> OfRunning(const PreparedTask& task, const Upstream& upstream);
  // Of a unit that the store has a result for.
  Result<std::string> OfReuse(TaskId unit, const state::TaskResult& result);
  // Hears what was decided: an equal task that comes later has it from this one.
  void Note(TaskId unit, const Digest& key) { made_here_.try_emplace(key, unit); }

 private:
  // A digest is as good as random already.
  struct ByFirstBytes {
    std::size_t operator()(const Digest& digest) const;
  };
  // A result, and the earlier run (by its position) that had it.
  struct Last {
    std::size_t run;
    Digest key;
  };
  // The instances of a step in the newest earlier run that has results of any.
  struct EarlierStep {
    std::size_t run = 0;
    std::map<std::string, core::Kin> kin = {};  // of today's instances that it did not have
  };
  Result<std::optional<Last>> FindLast(const std::string& task);
  Result<EarlierStep> LoadEarlier(const std::string& step);
  Result<std::vector<std::string>> OfNewcomer(const PreparedTask& task, const Upstream& upstream);
  Result<std::vector<std::string>> ChangesSince(const Last& last, const PreparedTask& task,
                                                const Upstream& upstream);
  Result<bool> LoadOlder();
  const std::string* WhoHad(const Digest& key);
  Result<std::optional<state::TaskResult>> ResultIn(std::size_t run, const std::string& task);
  Result<std::vector<std::string>> InputChanges(const PreparedTask& task, std::size_t run,
                                                const std::string& fields, const std::string& port,
                                                const Upstream& upstream);
  Result<std::string> ProducerChange(TaskId producer, const state::TaskResult& before,
                                     const Upstream& upstream);

  const pipelines::ExpandedPipeline& pipeline_;
  state::RunStore& store_;
  RunId run_{std::numeric_limits<std::int64_t>::max()};
  std::deque<state::RunStore::KeysOfRun> earlier_;  // the newest first; older ones when asked for
  bool no_older_ = false;
  std::map<std::string, EarlierStep> earlier_steps_;  // those that were asked for
  std::unordered_map<Digest, const std::string*, ByFirstBytes> had_by_;  // of those
  std::size_t had_by_runs_ = 0;                                          // of so many of them
  std::unordered_map<Digest, TaskId, ByFirstBytes> made_here_;
};

// For the log, where `dml explain` finds it when the run is over.
[[nodiscard]] std::string InOneLine(const std::vector<std::string>& changes);

}  // namespace dml::engine
