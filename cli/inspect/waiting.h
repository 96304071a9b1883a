#pragma once

#include <string>
#include <vector>

#include "cli/inspect/runs.h"
#include "orchestrator/state/run_view.h"

namespace dml::cli {

// Why a task of a run does not run now, or goes on later: from the log, from the pipeline that the
// run kept, and from what a cluster has noted. Empty if it has ended or is running. `home`: the
// folder itself; `tasks`: all of the run.
std::string WhyItWaits(const std::string& home, const state::RunSummary& run,
                       const std::vector<state::TaskView>& tasks, const state::TaskView& task);

}  // namespace dml::cli
