#pragma once

#include <string>

#include "orchestrator/report/run_facts.h"

namespace dml::report {

// The graph of a run, a box a task, coloured by state. Tasks of one step share a box ("model x 4")
// when the step has more than a handful or the run more than kDagTasksMax tasks.
inline constexpr std::size_t kDagTasksMax = 48;
std::string DagSvg(const RunFacts& run);

}  // namespace dml::report
