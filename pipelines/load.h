#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/step_spec.h"
#include "pipelines/expressions/resolve.h"
#include "pipelines/task_decl.h"
#include "pipelines/yaml/diagnostics.h"

namespace dml::pipelines {

struct LoadOptions {
  const StepCatalog* catalog = nullptr;                        // must outlive the call
  std::vector<std::pair<std::string, std::string>> overrides;  // -S key=value, later ones win
  EnvLookup env;                                               // absent: the process environment
  FileReader read_file;                                        // absent: ReadSource
  // Whatever ${file:x} names where the reference stays, which is to be kept nowhere. Absent:
  // read_file.
  FileReader read_secret;
  std::string schedule_time;       // ${schedule.time}: when the run was due, RFC 3339
  ScheduleChecker check_schedule;  // absent: cron expressions and time zones are taken as they are
  // Looks into the data files that are there, so that a column they lack is found with the rest.
  bool look_at_data = false;
};

// The whole chain: read, parse, include, validate, expand. Everything that is wrong is reported at
// once; `pipeline`, `schedule` and `hooks` mean something only if ok().
struct LoadedPipeline {
  ExpandedPipeline pipeline;
  Json
      schedule;  // null, or {cron | every, timezone, catchup, overlap, ...} with defaults filled in
  // {"success" | "failure" | "finish": [{run | webhook, env, headers, timeout}]}, with the
  // references ${env.X} and ${file:x} as they are written.
  Json hooks = Json::object();
  std::vector<Diagnostic> diagnostics;
  std::vector<Diagnostic> warnings;  // of what does nothing: parameters that nobody reads, ...

  [[nodiscard]] bool ok() const { return diagnostics.empty(); }
};

// The text of a file that a pipeline consists of or names. kInvalid for one that is not a regular
// file or is longer than a pipeline may be, which are not read to their end.
Result<std::string> ReadSource(const std::string& path);

// `path` names the pipeline file as the user typed it; messages use the same spelling.
LoadedPipeline LoadPipeline(const std::string& path, const LoadOptions& options);

}  // namespace dml::pipelines
