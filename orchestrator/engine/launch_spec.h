#pragma once

#include "orchestrator/engine/home.h"
#include "orchestrator/engine/task_resolver.h"
#include "runners/api/runner.h"

namespace dml::engine {

// What a runner needs for one attempt of a prepared unit. Every member's step is in it, in order;
// folders and logs are those of the unit's last task. `directory` is the pipeline's.
runners::LaunchSpec MakeLaunchSpec(const PreparedTask& task, const runners::AttemptKey& key,
                                   const Home& home, const std::string& directory);

}  // namespace dml::engine
