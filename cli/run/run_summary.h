#pragma once

#include "base/result.h"
#include "cli/display/output.h"
#include "orchestrator/engine/home.h"
#include "orchestrator/engine/observer.h"
#include "pipelines/task_decl.h"

namespace dml::cli {

// What is said when a run is over: failures with the end of their logs and the command that shows
// more, the metrics of the evaluating steps, a line of counts, where the results are. With -o json
// the whole run as one document on stdout.
Result<void> PrintSummary(const engine::Home& home, const pipelines::ExpandedPipeline& pipeline,
                          const engine::RunResult& result, const Output& output);

// The last `lines_max` lines of a file, at most 4 KiB of them; "" if it cannot be read.
std::string LastLines(const std::string& path, std::size_t lines_max);

}  // namespace dml::cli
