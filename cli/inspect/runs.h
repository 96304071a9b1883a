#pragma once

#include <string>

#include "base/result.h"
#include "cli/args.h"
#include "cli/display/output.h"
#include "orchestrator/report/run_facts.h"
#include "orchestrator/state/run_view.h"

namespace dml::cli {

// A run that was looked up in the store of the home.
struct OpenedRun {
  state::RunView view;
  state::RunSummary run;
};

// `selector`: "r12", "12", "latest" or "" for the newest. `home`: --home.
Result<OpenedRun> OpenRun(const std::string& home, const std::string& selector);

// A run whose process is dead, which nobody has noted yet, is shown as interrupted. `home`: the
// folder itself.
void CorrectOutcome(const std::string& home, state::RunSummary& run);

// Where a home is looked for: --home, else DML_HOME, else upwards from the working directory, which
// is asked for only if it matters: it may have been removed.
struct HomeSearch {
  std::string wanted;
  std::string directory;
};
Result<HomeSearch> SearchForHome(const std::string& home);

// The folder that --home, DML_HOME or a search upwards names; it need not exist.
Result<std::string> HomePath(const std::string& home);

// The facts of a run for tables and reports. Types and edges come from expanding the pipeline text
// that the run kept; when that is no longer possible, they are left out.
Result<report::RunFacts> FactsOf(OpenedRun& opened, bool with_panels);

// The task that a user means: an exact name, or the id of a step that has a single task; kInvalid
// with did-you-mean otherwise.
Result<state::TaskView> FindTask(const std::vector<state::TaskView>& tasks,
                                 const std::string& name);

}  // namespace dml::cli
