#pragma once

#include <stop_token>

#include "cli/output.h"
#include "cli/pipeline_file.h"
#include "orchestrator/engine/home.h"
#include "orchestrator/engine/observer.h"

namespace dml::cli {

// Runs what `on:` says about the end of a run: success, failure, then finish. A command reads the
// run's JSON on stdin, a webhook gets it posted; each is killed after its timeout. What goes wrong
// is a warning: it changes neither the run nor its exit code. Once `stop` is requested, the hook
// that is at work is ended, and those after it are left out.
void RunHooks(const engine::Home& home, const OpenedPipeline& pipeline,
              const engine::RunResult& result, const std::stop_token& stop, const Output& output);

}  // namespace dml::cli
