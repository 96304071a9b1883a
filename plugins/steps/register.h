#pragma once

#include "plugins/api/step.h"

namespace dml::steps {

// Every step type and transform of this build, in the order of the reference page.
void RegisterBuiltins(plugins::StepRegistry& registry);

// The families, one file each.
void RegisterLoadSteps(plugins::StepRegistry& registry);          // load.*
void RegisterGenerateSteps(plugins::StepRegistry& registry);      // generate.*
void RegisterSplitSteps(plugins::StepRegistry& registry);         // split.*
void RegisterRelationalSteps(plugins::StepRegistry& registry);    // filter, derive, join, ...
void RegisterTransformSteps(plugins::StepRegistry& registry);     // preprocess.*, and inside models
void RegisterLinearSteps(plugins::StepRegistry& registry);        // train.*: linear models
void RegisterTreeSteps(plugins::StepRegistry& registry);          // train.*: trees, forests
void RegisterUnsupervisedSteps(plugins::StepRegistry& registry);  // train.*: k-means, PCA
void RegisterSelectSteps(plugins::StepRegistry& registry);        // select.*
void RegisterSupervisedEvaluations(plugins::StepRegistry& registry);  // evaluate.*
void RegisterClusteringEvaluation(plugins::StepRegistry& registry);   // evaluate.clustering
void RegisterPredictSteps(plugins::StepRegistry& registry);           // predict
void RegisterWriteSteps(plugins::StepRegistry& registry);             // write.*
void RegisterNoopStep(plugins::StepRegistry& registry);               // noop

}  // namespace dml::steps

namespace dml::plugins {

// For composition roots that know plugins only.
inline void RegisterBuiltinSteps(StepRegistry& registry) { steps::RegisterBuiltins(registry); }

}  // namespace dml::plugins
