#include "cli/pipeline/steps_registry.h"

#include "plugins/steps/register.h"

namespace dml::cli {

const plugins::StepRegistry& BuiltinSteps() {
  static const plugins::StepRegistry registry = [] {
    plugins::StepRegistry filled;
    plugins::RegisterBuiltinSteps(filled);
    return filled;
  }();
  return registry;
}

}  // namespace dml::cli
