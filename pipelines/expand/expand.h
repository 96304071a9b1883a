#pragma once

#include "base/step_spec.h"
#include "pipelines/expressions/resolve.h"
#include "pipelines/pipeline.h"
#include "pipelines/task_decl.h"
#include "pipelines/yaml/diagnostics.h"

namespace dml::pipelines {

// Pipeline -> tasks. Every step becomes one task, or one for each combination of its matrix, with
// consecutive ids in declaration order. Cost is linear in tasks plus edges. Reports what only a
// combination shows: values that do not fit, inputs that do not pair.
ExpandedPipeline Expand(const Pipeline& pipeline, const StepCatalog& catalog, const World& world,
                        Diagnostics& diagnostics);

}  // namespace dml::pipelines
