#pragma once

#include "plugins/api/step.h"
#include "plugins/table/load.h"

namespace dml::steps {

// How a reader may run inside this step.
table::LoadExecution ExecutionOf(plugins::StepContext& context);

// Turns what a reader found into the step's metrics (rows, columns, bytes, missing) and warnings.
void ReportLoad(const table::LoadReport& report, plugins::StepContext& context);

// Those metrics.
[[nodiscard]] std::vector<MetricSpec> LoadMetrics();

}  // namespace dml::steps
