#pragma once

#include <signal.h>

#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "orchestrator/engine/home.h"
#include "runners/api/runner.h"

namespace dml::engine {

// Asks the process that drives a run to kill its tasks now, while SIGTERM asks it to end them. Of
// another kind, because two of a kind that come at once arrive as one.
inline constexpr int kStopNowSignal = SIGUSR1;

// Makes the runner that answers for the attempts of a run whose owner is dead.
using RunnerMaker = std::function<Result<std::unique_ptr<runners::Runner>>()>;

struct StopRequest {
  RunId run;
  bool at_once = false;                       // KILL without TERM and grace
  bool hooks = false;                         // the run has some for its end
  Duration patience = Duration::Seconds(20);  // for the tasks' grace; then KILL
  // Hears a line about whom this waits for, if that takes longer than a moment. Not empty.
  std::function<void(const std::string&)> say = [](const std::string&) {};
};

// Ends a run, whoever drives it: the owner is asked (TERM), told to kill its tasks (kStopNowSignal)
// and finally killed; at once if it was told so and is stopped itself. When this returns, no
// process of the run is left where its runner works, and it gives how the run has ended:
// "cancelled", which can be resumed, or what it came to before it heard. kInvalid: it had ended
// already; kEnvironment: its owner is on another machine or belongs to another user. `make_runner`
// is called only if the owner is dead, or died of this; then hooks are due, and left to the caller.
Result<std::string> StopRun(const Home& home, const StopRequest& request,
                            const RunnerMaker& make_runner, const Clock& clock);

}  // namespace dml::engine
