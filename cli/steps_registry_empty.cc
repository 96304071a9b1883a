#include "cli/steps_registry.h"

namespace dml::cli {

// A build without the step library still runs commands.
const plugins::StepRegistry& BuiltinSteps() {
  static const plugins::StepRegistry registry;
  return registry;
}

}  // namespace dml::cli
