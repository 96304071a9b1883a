#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "orchestrator/engine/session.h"

namespace dml::engine {

// What the user asked for, kept with the run so that it can be resumed or retried as it was.
struct RunRequest {
  std::string path;                            // of the pipeline, as typed
  std::vector<std::string> sets;               // of -S, as key=value
  std::map<std::string, std::string> sources;  // absolute path -> text, of all files
  RunOptions options;
  std::string at;  // what ${schedule.time} stands for; may be empty
};

[[nodiscard]] Json RequestToJson(const RunRequest& request);
// kInvalid if the run was made by a dml that did not keep it.
Result<RunRequest> RequestFromJson(const Json& json);

// What the process that has a run goes with, kept in the lock of the run: whoever resumes it may
// have asked for something else than it began with.
[[nodiscard]] Json TermsOf(const RunOptions& options);
void HeedTerms(const Json& terms, RunOptions& options);

}  // namespace dml::engine
