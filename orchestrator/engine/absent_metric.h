#pragma once

#include <optional>

#include "base/json.h"
#include "base/result.h"
#include "orchestrator/state/run_store.h"
#include "pipelines/task_decl.h"

namespace dml::engine {

// "step 'e' reported no metric 'precison'", with the nearest one that it did report, or all of them
// if they are few, as the hint. Without a result the step did not run. kInvalid.
Error AbsentMetric(const pipelines::MetricReference& reference,
                   const std::optional<state::TaskResult>& result);

}  // namespace dml::engine
