#include "plugins/steps/relational/relational_steps.h"

#include "plugins/steps/load/load_params.h"
#include "plugins/steps/register.h"

namespace dml::steps {

void RegisterRelationalSteps(plugins::StepRegistry& registry) {
  registry.Add(FromAnyNode(LoadSqliteStep()));
  registry.Add(FilterStep());
  registry.Add(DeriveStep());
  registry.Add(AggregateStep());
  registry.Add(JoinStep());
  registry.Add(DeduplicateStep());
  registry.Add(QuerySqlStep());
}

}  // namespace dml::steps
