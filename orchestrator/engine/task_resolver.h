#pragma once

#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "orchestrator/core/fingerprint.h"
#include "orchestrator/core/fusion.h"
#include "orchestrator/core/task_state.h"
#include "orchestrator/engine/artifact_store.h"
#include "orchestrator/engine/file_digests.h"
#include "orchestrator/engine/node_files.h"
#include "orchestrator/engine/reasons.h"
#include "orchestrator/engine/selection.h"
#include "orchestrator/state/run_store.h"
#include "pipelines/expand/deferred.h"
#include "pipelines/expressions/condition.h"
#include "pipelines/task_decl.h"
#include "runners/api/runner.h"

namespace dml::engine {

// A unit with everything filled in, ready to be launched.
struct PreparedTask {
  std::vector<const pipelines::TaskDecl*> members;
  std::optional<pipelines::FilledTask> filled;  // of a single member with run-time values
  std::vector<Artifact> inputs;
  std::vector<runners::FileSet> files;  // outside the store, as they were hashed
  std::vector<FileStamp> stamps;        // of those of them that are here, in their order
  // Where a command of it starts, below the attempt's folder: as deep as its code reaches upwards,
  // in folders that are called as those of the pipeline.
  std::string work_folder = "work";
  Digest key;
  std::string fields;  // what the key is the hash of, and the files seen
  bool alone = false;  // it runs whatever was done before, so it goes on with nobody's checkpoint

  [[nodiscard]] const pipelines::TaskDecl& decl() const { return *members.back(); }
  [[nodiscard]] const pipelines::Work& work(std::size_t member) const {
    return filled ? filled->work : members[member]->work;
  }
  [[nodiscard]] const std::map<std::string, std::string>& env() const {
    return filled ? filled->env : decl().env;
  }
};

struct MustRun {
  PreparedTask task;
  std::string reason;
  std::vector<std::string> changes = {};  // all that differs from its last result
};
struct MayReuse {
  state::TaskResult result;
  std::string reason;
};
struct MustSkip {
  std::string reason;
};
// A large input file has to be hashed before anything can be decided.
struct MustHash {
  std::string path;
};
// The node has to be asked what these files are.
struct MustLook {
  std::string node;
  std::string pattern;
};
using Verdict = std::variant<MustRun, MayReuse, MustSkip, MustHash, MustLook>;

// What is known of the tasks that came before, indexed by task.
struct Upstream {
  const IdMap<TaskId, core::TaskState>& states;
  const IdMap<TaskId, std::optional<state::TaskResult>>& results;
  const IdMap<TaskId, std::string>* reasons = nullptr;  // why those that ran, ran; may be absent
};

// What a resolver works with. Everything outlives it.
struct ResolverParts {
  const pipelines::ExpandedPipeline& pipeline;
  const core::TaskGraph& graph;  // of units
  const core::Fusion& fusion;
  const Selection& selection;
  state::RunStore& store;
  const ArtifactStore& artifacts;
  FileDigests& files;
  const NodeFiles& node_files;
  bool no_cache = false;
};

// Decides about a unit whose producers are final: evaluates its `if:`, fills in the metrics that it
// refers to, computes its key, and looks the key up. Reads the store and small input files; writes
// nothing. Used by one thread.
class TaskResolver {
 public:
  explicit TaskResolver(const ResolverParts& parts)
      : parts_(parts), reasons_(parts.pipeline, parts.store) {}

  // The run that it decides for: "what has changed" is since the one before. Without, since the
  // newest.
  void SetRun(RunId run) {
    run_ = run;
    reasons_.SetRun(run);
  }

  Result<Verdict> Resolve(TaskId unit, const Upstream& upstream);
  // Whether the unit would be asked to do the same as when it was given `key`.
  Result<bool> StillHolds(TaskId unit, const Upstream& upstream, const Digest& key);
  // Why the unit runs whatever the store knows; empty: it need not.
  [[nodiscard]] std::string WhyAlone(TaskId unit) const;
  // Whether the store has a result for the key, with all its files.
  [[nodiscard]] bool IsKnown(const Digest& key);

 private:
  Result<std::optional<std::string>> WhySkip(TaskId unit, const Upstream& upstream) const;
  Result<PreparedTask> Prepare(TaskId unit, const Upstream& upstream) const;
  // What has to be known first; nothing: all is known.
  using Open = std::optional<std::variant<MustHash, MustLook>>;
  Result<Open> ComputeKey(PreparedTask& task, const Upstream& upstream);
  Result<Open> AddPart(const pipelines::TaskDecl& decl, std::size_t step, PreparedTask& task,
                       core::KeyParts::Part& part);
  Result<Open> AddFiles(const pipelines::FileInput& file, bool code, PreparedTask& task,
                        core::KeyParts::Part& part);
  Result<Open> AddNodeFiles(const pipelines::FileInput& file, std::size_t step, PreparedTask& task,
                            core::KeyParts::Part& part);
  [[nodiscard]] std::string CodeName(const std::string& path) const;
  [[nodiscard]] std::string ShownName(const std::string& path) const;
  [[nodiscard]] std::string NameOf(const std::string& path) const;

  ResolverParts parts_;
  RunId run_{std::numeric_limits<std::int64_t>::max()};
  Reasons reasons_;
};

}  // namespace dml::engine
