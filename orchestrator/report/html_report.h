#pragma once

#include <string>

#include "orchestrator/report/run_facts.h"

namespace dml::report {

// The whole report as one HTML page: no network, no external file, readable in a light and a dark
// theme, complete without script. Everything that came from outside is escaped. Equal facts give
// equal bytes.
std::string HtmlReport(const RunFacts& run);

}  // namespace dml::report
