#pragma once

#include "plugins/api/step.h"

namespace dml::steps {

// Every step type and transform of this build, in the order of the reference page.
void RegisterBuiltins(plugins::StepRegistry& registry);

// The families, one file each.
void RegisterLoadSteps(plugins::StepRegistry& registry);      // load.*
void RegisterGenerateSteps(plugins::StepRegistry& registry);  // generate.*
void RegisterSplitSteps(plugins::StepRegistry& registry);     // split.*
void RegisterTrainSteps(plugins::StepRegistry& registry);     // train.*
void RegisterEvaluateSteps(plugins::StepRegistry& registry);  // evaluate.*
void RegisterPredictSteps(plugins::StepRegistry& registry);   // predict, write.*
void RegisterNoopStep(plugins::StepRegistry& registry);       // noop

}  // namespace dml::steps

namespace dml::plugins {

// For composition roots that know plugins only.
inline void RegisterBuiltinSteps(StepRegistry& registry) { steps::RegisterBuiltins(registry); }

}  // namespace dml::plugins
