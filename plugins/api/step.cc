#include "plugins/api/step.h"

#include "base/check.h"
#include "base/files.h"

namespace dml::plugins {

Result<const Artifact*> StepContext::Input(std::string_view port) const {
  const auto found = Inputs(port);
  if (found.size() != 1) {
    return Error::Invalid("the input '" + std::string(port) + "' has " +
                          std::to_string(found.size()) + " artifacts where one is needed");
  }
  return found.front();
}

std::vector<const Artifact*> StepContext::Inputs(std::string_view port) const {
  std::vector<const Artifact*> found;
  for (const Artifact& input : inputs) {
    if (input.port == port) found.push_back(&input);
  }
  return found;
}

Result<std::string> StepContext::OutputDirectory(std::string_view port) const {
  const std::string directory = output_root + "/" + std::string(port);
  DML_RETURN_IF_ERROR(MakeDirectories(directory));
  return directory;
}

void StepRegistry::Add(StepType type) {
  DML_CHECK(catalog_.FindStep(type.spec.name) == nullptr, "step types have unique names");
  catalog_.steps.push_back(std::move(type.spec));
  makers_.push_back(std::move(type.make));
}

void StepRegistry::AddTransform(TransformSpec spec) {
  DML_CHECK(catalog_.FindTransform(spec.name) == nullptr, "transforms have unique names");
  catalog_.transforms.push_back(std::move(spec));
}

Result<std::unique_ptr<Step>> StepRegistry::Make(std::string_view uses, const Json& params) const {
  const StepSpec* spec = catalog_.FindStep(uses);
  if (spec == nullptr) return Error::Invalid("unknown step type '" + std::string(uses) + "'");
  return makers_[static_cast<std::size_t>(spec - catalog_.steps.data())](params);
}

}  // namespace dml::plugins
