#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "orchestrator/engine/home.h"
#include "orchestrator/state/run_store.h"
#include "runners/api/runner.h"

namespace dml::engine {

// What a new process does about those before it; see docs/durability.md. Called behind the gate of
// the home, so that no run comes into being or is taken up meanwhile.

// Marks runs whose process is dead as interrupted, ends what is left of their attempts, and removes
// their unfinished files. Their finished work stays: they can be resumed. Costs nothing for runs
// that have ended or that were seen to before.
Result<void> RecoverDeadRuns(const Home& home, state::RunStore& store, runners::Runner& runner);

// The same for one run, of which the caller knows that its process is dead.
Result<void> RecoverRun(const Home& home, state::RunStore& store, runners::Runner& runner,
                        RunId run);

// What a run on this machine that cannot go on leaves at once, so that there is room to say so: no
// attempt of it is alive. Those that are to be stored stay.
Result<void> SweepUnfinished(const Home& home, state::RunStore& store, RunId run);

// RecoverDeadRuns() for whoever does not begin a run: takes the gate. Needs no room on the disk
// before it has removed what it can.
Result<void> TidyDeadRuns(const Home& home, runners::Runner& runner);

// Removes the attempts' folders of a run but for those in `keep`.
void SweepAttempts(const Home& home, RunId run, const std::set<std::string>& keep);

// Removes files that a dead process was copying into the store.
void SweepTemporaries(const Home& home);

}  // namespace dml::engine
