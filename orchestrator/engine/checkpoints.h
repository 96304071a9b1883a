#pragma once

#include <cstdint>

#include "base/clock.h"
#include "base/result.h"
#include "orchestrator/engine/home.h"
#include "orchestrator/state/run_store.h"

namespace dml::engine {

// The folders of Home::CheckpointPath(). A task that has committed removes its own; these two see
// to what a crash or a failure left.

// Removes checkpoints of work that is done: of a result that is known and whole, or of a run that
// has ended or whose task is done. Behind the gate of the home.
Result<void> SweepCheckpoints(const Home& home, state::RunStore& store);

// Removes checkpoints that nobody has touched for `age`; returns how many. With `dry_run`, only
// counts them.
std::int64_t ExpireCheckpoints(const Home& home, Duration age, bool dry_run);

}  // namespace dml::engine
