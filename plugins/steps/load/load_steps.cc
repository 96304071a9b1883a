#include "plugins/steps/load/load_steps.h"

#include "plugins/steps/register.h"

namespace dml::steps {

void RegisterLoadSteps(plugins::StepRegistry& registry) {
  registry.Add(LoadCsvStep());
  registry.Add(LoadJsonlStep());
  registry.Add(LoadSvmlightStep());
  registry.Add(LoadNpyStep());
  registry.Add(LoadIdxStep());
}

}  // namespace dml::steps
