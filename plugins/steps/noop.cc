#include "plugins/steps/register.h"
#include "plugins/steps/step_type.h"

namespace dml::steps {

namespace {

struct NoopParams {};

Result<void> DoNothing(const NoopParams&, plugins::StepContext&) { return {}; }

}  // namespace

void RegisterNoopStep(plugins::StepRegistry& registry) {
  StepSpec spec;
  spec.name = "noop";
  spec.summary = "Do nothing: a point that other steps can wait for";
  spec.metrics.emplace();
  registry.Add(MakeStepType(std::move(spec), plugins::ParamSchema<NoopParams>(), DoNothing));
}

}  // namespace dml::steps
