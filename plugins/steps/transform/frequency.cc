#include "plugins/steps/transform/frequency.h"

#include "plugins/api/params.h"

namespace dml::steps {

Frequency Frequency::FromJson(const Json& json) {
  if (json.is_null()) return {};
  return {json.get<double>(), json.is_number_float()};
}

ParamSpec Frequency::Spec(Json default_value) {
  ParamSpec spec = plugins::CountOrShareSpec();
  spec.element.back().minimum_exclusive = false;
  spec.element.back().maximum_exclusive = false;
  spec.default_value = std::move(default_value);
  return spec;
}

}  // namespace dml::steps
