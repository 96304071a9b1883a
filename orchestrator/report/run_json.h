#pragma once

#include "base/json.h"
#include "orchestrator/report/run_facts.h"

namespace dml::report {

// The stable form of `-o json`: {"run", "pipeline", "file", "outcome", "started", "finished",
// "params", "tasks": [{"name", "step", "type", "state", "reason", "attempts", "seconds",
// "cpu_seconds", "memory_bytes_max", "metrics", "warnings", "error"}]}. Keys are only ever added.
Json RunJson(const RunFacts& run);

}  // namespace dml::report
