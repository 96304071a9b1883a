#include "plugins/steps/transform/frequency.h"

namespace dml::steps {

Frequency Frequency::FromJson(const Json& json) {
  if (json.is_null()) return {};
  return {json.get<double>(), json.is_number_float()};
}

ParamSpec Frequency::Spec(Json default_value) {
  ParamSpec count;
  count.type = ParamType::kInt;
  count.minimum = 1;
  ParamSpec share;
  share.type = ParamType::kFloat;
  share.minimum = 0;
  share.maximum = 1;
  ParamSpec spec;
  spec.type = ParamType::kOneOf;
  spec.element = {count, share};
  spec.default_value = std::move(default_value);
  return spec;
}

}  // namespace dml::steps
