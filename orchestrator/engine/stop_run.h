#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "orchestrator/engine/home.h"
#include "runners/api/runner.h"

namespace dml::engine {

struct StopRequest {
  RunId run;
  bool at_once = false;                       // KILL without TERM and grace
  Duration patience = Duration::Seconds(20);  // for the tasks' grace; then KILL
};

// Ends a run, whoever drives it: the owner is asked (TERM), asked again (it kills its tasks) and
// finally killed. When this returns, no process of the run is left on this machine and the run is
// cancelled; it can be resumed. kInvalid: it has ended already; kEnvironment: its owner is on
// another machine. `runner` answers for attempts whose owner is dead.
Result<void> StopRun(const Home& home, const StopRequest& request, runners::Runner& runner,
                     const Clock& clock);

}  // namespace dml::engine
