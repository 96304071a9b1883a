#pragma once

#include "plugins/api/step.h"

namespace dml::cli {

// The step types of this build, made at the first call: commands that need none do not pay for
// them. Thread-safe.
const plugins::StepRegistry& BuiltinSteps();

}  // namespace dml::cli
