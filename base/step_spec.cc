#include "base/step_spec.h"

#include <algorithm>

namespace dml {

const StepSpec* StepCatalog::FindStep(std::string_view name) const {
  const auto found = std::ranges::find(steps, name, &StepSpec::name);
  return found == steps.end() ? nullptr : &*found;
}

const TransformSpec* StepCatalog::FindTransform(std::string_view name) const {
  const auto found = std::ranges::find(transforms, name, &TransformSpec::name);
  return found == transforms.end() ? nullptr : &*found;
}

}  // namespace dml
