#pragma once

#include "pipelines/pipeline.h"
#include "pipelines/task_decl.h"
#include "pipelines/yaml/diagnostics.h"

namespace dml::pipelines {

// Reports steps that would overwrite a file which a step before them, or beside them, reads. One
// that comes after may read what was written. Links and other names of one file are not seen.
void CheckWrittenFiles(const Pipeline& pipeline, const ExpandedPipeline& expanded,
                       Diagnostics& diagnostics);

}  // namespace dml::pipelines
