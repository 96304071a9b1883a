#include "plugins/steps/evaluation/positive_class.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/suggest.h"

namespace dml::steps {

namespace {

// As Column::AsText writes the value of a target.
std::string LabelOf(const Json& positive) {
  if (positive.is_string()) return positive.get<std::string>();
  return positive.is_number_float() ? fmt::format("{}", positive.get<double>()) : positive.dump();
}

}  // namespace

ParamSpec PositiveSpec() {
  ParamSpec spec;
  spec.type = ParamType::kOneOf;
  for (const ParamType type :
       {ParamType::kInt, ParamType::kFloat, ParamType::kBool, ParamType::kString}) {
    spec.element.emplace_back().type = type;
  }
  return spec;
}

Result<void> PutPositiveSecond(const Json& positive, ModelOutput& all,
                               std::vector<std::string>& classes) {
  if (positive.is_null()) return {};
  const std::string label = LabelOf(positive);
  const auto found = std::ranges::find(classes, label);
  if (found == classes.end()) {
    return Error::Invalid(fmt::format("the model has no class '{}' to be the positive one", label),
                          DidYouMean(label, classes));
  }
  if (classes.size() != 2) {
    return Error::Invalid(
        fmt::format("`positive` chooses one of two classes, and there are {}", classes.size()),
        "leave it out: per_class has the figures of every class");
  }
  if (found != classes.begin()) return {};
  std::swap(classes[0], classes[1]);
  for (double& truth : all.y) truth = truth < 2.0 ? 1.0 - truth : truth;  // from 2 on: unseen
  for (std::size_t i = 0; i + 1 < all.output.size(); i += 2) {
    std::swap(all.output[i], all.output[i + 1]);
  }
  return {};
}

}  // namespace dml::steps
