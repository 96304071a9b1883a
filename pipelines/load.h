#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/step_spec.h"
#include "pipelines/diagnostics.h"
#include "pipelines/task_decl.h"

namespace dml::pipelines {

// How the language reads the world: parameters, so that the rest is pure and tests need no disk.
using EnvLookup = std::function<std::optional<std::string>(const std::string& name)>;
using FileReader = std::function<Result<std::string>(const std::string& path)>;

struct LoadOptions {
  const StepCatalog* catalog = nullptr;                        // must outlive the call
  std::vector<std::pair<std::string, std::string>> overrides;  // -S key=value, later ones win
  EnvLookup env;                                               // absent: the process environment
  FileReader read_file;                                        // absent: dml::ReadFile
  std::string schedule_time;  // ${schedule.time}: when the run was due, RFC 3339
};

// The whole chain: read, parse, include, validate, expand. Everything that is wrong is reported at
// once; `pipeline`, `schedule` and `hooks` mean something only if ok().
struct LoadedPipeline {
  ExpandedPipeline pipeline;
  Json
      schedule;  // null, or {cron | every, timezone, catchup, overlap, ...} with defaults filled in
  Json hooks = Json::object();  // {"success" | "failure" | "always": [{argv | run, env, timeout}]}
  std::vector<Diagnostic> diagnostics;

  [[nodiscard]] bool ok() const { return diagnostics.empty(); }
};

// `path` names the pipeline file as the user typed it; messages use the same spelling.
LoadedPipeline LoadPipeline(const std::string& path, const LoadOptions& options);

}  // namespace dml::pipelines
