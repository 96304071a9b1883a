#include "plugins/steps/transform/catalog.h"

#include <algorithm>

namespace dml::steps {

const std::vector<TransformType>& TransformTypes() {
  static const std::vector<TransformType> types = [] {
    std::vector<TransformType> all;
    AddColumnTransforms(all);
    AddCastTransform(all);
    AddMissingTransforms(all);
    AddDropMissingRule(all);
    AddFilterRule(all);
    AddShapeTransforms(all);
    AddScalingTransforms(all);
    AddNormalizeTransform(all);
    AddOneHotTransform(all);
    AddOrdinalTransform(all);
    AddBinTransform(all);
    AddPolynomialTransform(all);
    AddVectorizerTransforms(all);
    AddHashingTransform(all);
    AddDateTransforms(all);
    AddDeriveTransform(all);
    return all;
  }();
  return types;
}

const TransformType* FindTransformType(std::string_view name) {
  const auto& types = TransformTypes();
  const auto found = std::ranges::find(
      types, name, [](const TransformType& type) { return std::string_view(type.spec.name); });
  return found == types.end() ? nullptr : &*found;
}

int TransformChanges() {
  int changes = 0;
  for (const TransformType& type : TransformTypes()) changes += type.version - 1;
  return changes;
}

}  // namespace dml::steps
