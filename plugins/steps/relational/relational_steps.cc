#include "plugins/steps/relational/relational_steps.h"

#include "plugins/steps/register.h"

namespace dml::steps {

void RegisterRelationalSteps(plugins::StepRegistry& registry) {
  registry.Add(LoadSqliteStep());
  registry.Add(FilterStep());
  registry.Add(DeriveStep());
  registry.Add(AggregateStep());
  registry.Add(JoinStep());
  registry.Add(DeduplicateStep());
  registry.Add(QuerySqlStep());
}

}  // namespace dml::steps
