#pragma once

#include "plugins/steps/register.h"

namespace dml::steps {

// The steps that the program has, for tests of what is declared about them. Made once.
inline const StepCatalog& Catalog() {
  static const plugins::StepRegistry registry = [] {
    plugins::StepRegistry filled;
    RegisterBuiltins(filled);
    return filled;
  }();
  return registry.catalog();
}

}  // namespace dml::steps
