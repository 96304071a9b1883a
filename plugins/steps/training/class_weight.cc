#include "plugins/steps/training/class_weight.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/suggest.h"

namespace dml::steps {

ParamSpec ClassWeightSpec(std::vector<std::string> words) {
  ParamSpec word;
  word.type = ParamType::kEnum;
  word.choices = std::move(words);
  ParamSpec weight;
  weight.type = ParamType::kFloat;
  weight.minimum = 0;
  weight.minimum_exclusive = true;
  ParamSpec mapping;
  mapping.type = ParamType::kMap;
  mapping.element = {std::move(weight)};
  ParamSpec spec;
  spec.type = ParamType::kOneOf;
  spec.default_value = word.choices.front();
  spec.element = {std::move(word), std::move(mapping)};
  return spec;
}

Result<std::vector<double>> GivenClassWeights(const Json& class_weight,
                                              const std::vector<std::string>& classes) {
  std::vector<double> weights(classes.size(), 1.0);
  for (const auto& [label, weight] : class_weight.items()) {
    const auto found = std::ranges::find(classes, label);
    if (found == classes.end()) {
      std::string hint = DidYouMean(label, classes);
      if (hint.empty()) hint = "name the classes as the target writes them";
      return Error::Invalid(
          fmt::format("class_weight has a weight for '{}', which is no class of the target", label),
          std::move(hint));
    }
    weights[static_cast<std::size_t>(found - classes.begin())] = weight.get<double>();
  }
  return weights;
}

}  // namespace dml::steps
