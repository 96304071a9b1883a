#pragma once

#include "cli/output.h"
#include "cli/pipeline_file.h"
#include "orchestrator/engine/home.h"
#include "orchestrator/engine/observer.h"

namespace dml::cli {

// Runs what `on:` says about the end of a run: success, failure, then finish. A command reads the
// run's JSON on stdin, a webhook gets it posted; each is killed after its timeout. What goes wrong
// is a warning: it changes neither the run nor its exit code.
void RunHooks(const engine::Home& home, const OpenedPipeline& pipeline,
              const engine::RunResult& result, const Output& output);

}  // namespace dml::cli
