#pragma once

#include "orchestrator/core/scheduler.h"
#include "orchestrator/state/run_store.h"
#include "pipelines/task_decl.h"

namespace dml::engine {

// Needs one slot and nothing else: while such tasks are short, some wait inside workers.
[[nodiscard]] bool IsQueueable(const pipelines::TaskDecl& decl);

// What the scheduler has to know of every task; expected durations come from earlier runs.
IdMap<TaskId, core::TaskPolicy> PoliciesOf(const pipelines::ExpandedPipeline& pipeline,
                                           state::RunStore& store);

}  // namespace dml::engine
