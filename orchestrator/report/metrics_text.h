#pragma once

#include <cstddef>
#include <string>

#include "base/json.h"
#include "orchestrator/report/metrics_table.h"

namespace dml::report {

// A table a step for a terminal `width` columns wide. A step with more metrics than fit stands
// upright: a row a metric; one that does not fit that way either comes in pieces. No name is cut.
// Then a table for every evaluation that has figures by class (class_table.h). Empty when nothing
// was measured.
std::string MetricsText(const RunFacts& run, std::size_t width);
std::string MetricsTableText(const MetricsTable& table, std::size_t width);
// {"run": "r12", "tasks": {"eval": {"roc_auc": 0.77, ...}}}
Json MetricsJson(const RunFacts& run);

// What changed between two runs; with `all` also what did not.
std::string DiffText(const RunFacts& before, const RunFacts& after, bool all, std::size_t width);
// {"before": "r3", "after": "r7", "changes": [{"task", "metric", "before", "after", "delta"}]}
Json DiffJson(const RunFacts& before, const RunFacts& after);

}  // namespace dml::report
