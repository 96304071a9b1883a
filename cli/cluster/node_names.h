#pragma once

#include <string>

#include "base/result.h"
#include "cli/display/output.h"
#include "pipelines/task_decl.h"

namespace dml::cli {

// kInvalid, at the place in the pipeline, if a task reads files of a node (`at:`) that the
// inventory `cluster` does not have; empty: the run has no nodes. Nothing is connected to.
Result<void> RequireNodes(const pipelines::ExpandedPipeline& pipeline, const std::string& cluster,
                          const Output& output);

}  // namespace dml::cli
