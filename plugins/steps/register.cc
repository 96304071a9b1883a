#include "plugins/steps/register.h"

namespace dml::steps {

void RegisterBuiltins(plugins::StepRegistry& registry) {
  RegisterLoadSteps(registry);
  RegisterGenerateSteps(registry);
  RegisterSplitSteps(registry);
  RegisterTrainSteps(registry);
  RegisterEvaluateSteps(registry);
  RegisterPredictSteps(registry);
  RegisterNoopStep(registry);
}

}  // namespace dml::steps
