#include "plugins/steps/register.h"

namespace dml::steps {

void RegisterBuiltins(plugins::StepRegistry& registry) {
  RegisterLoadSteps(registry);
  RegisterGenerateSteps(registry);
  RegisterSplitSteps(registry);
  RegisterRelationalSteps(registry);
  RegisterTransformSteps(registry);
  RegisterLinearSteps(registry);
  RegisterTreeSteps(registry);
  RegisterUnsupervisedSteps(registry);
  RegisterSelectSteps(registry);
  RegisterSupervisedEvaluations(registry);
  RegisterClusteringEvaluation(registry);
  RegisterPredictSteps(registry);
  RegisterWriteSteps(registry);
  RegisterNoopStep(registry);
}

}  // namespace dml::steps
