#pragma once

#include <string>

#include "orchestrator/report/run_facts.h"

namespace dml::report {

// When every attempt ran: a row a task that ran, in order of start, failed attempts marked. The
// longest kTimelineRowsMax tasks when there are more, and a sentence that says so.
inline constexpr std::size_t kTimelineRowsMax = 120;
std::string TimelineSvg(const RunFacts& run);

}  // namespace dml::report
