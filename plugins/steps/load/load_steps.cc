#include "plugins/steps/load/load_steps.h"

#include "plugins/steps/load/load_params.h"
#include "plugins/steps/register.h"

namespace dml::steps {

void RegisterLoadSteps(plugins::StepRegistry& registry) {
  registry.Add(FromAnyNode(LoadCsvStep()));
  registry.Add(FromAnyNode(LoadJsonlStep()));
  registry.Add(FromAnyNode(LoadSvmlightStep()));
  registry.Add(FromAnyNode(LoadNpyStep()));
  registry.Add(FromAnyNode(LoadIdxStep()));
}

}  // namespace dml::steps
