#pragma once

#include <functional>
#include <optional>

#include "base/ids.h"
#include "base/result.h"
#include "cli/display/output.h"
#include "cli/exit_code.h"
#include "cli/pipeline/pipeline_file.h"
#include "orchestrator/engine/session.h"

namespace dml::cli {

// Runs a pipeline, on this machine or on the cluster that the options name, with progress on
// stderr, signals as requests to stop, and a summary on stdout: the body of run, resume and retry.
// `unfinished`: the run to go on with; none: a new one. `began` hears its id once it is durable.
// The hooks of `on:` come last; a signal then ends them and leaves the outcome of the run.
Result<ExitCode> DriveRun(const engine::Home& home, const OpenedPipeline& pipeline,
                          const engine::RunOptions& options, std::optional<RunId> unfinished,
                          const Output& output, const std::function<void(RunId)>& began = {});

}  // namespace dml::cli
