#pragma once

#include "base/clock.h"
#include "cli/display/output.h"
#include "cli/pipeline/pipeline_file.h"
#include "orchestrator/engine/home.h"
#include "orchestrator/engine/session.h"
#include "runners/api/messages.h"

namespace dml::cli {

// kInvalid, located at the step, if something is to run that this machine can never run: more
// memory than it has, or a label, which only the nodes of a cluster carry. More processors than it
// has is a warning: such a task runs alone. With a cluster nothing is judged: what its nodes have
// is known once they answer.
Result<void> RequireRoom(const engine::Home& home, const OpenedPipeline& opened,
                         const engine::RunOptions& options, const Clock& clock,
                         const Output& output);

// Why a machine of this size can never run the task; "" if it can.
std::string WhyNever(const pipelines::TaskDecl& task, const runners::Capacity& machine);

}  // namespace dml::cli
