#include "plugins/api/params.h"

namespace dml::plugins {

Result<void> RequireValid(const ParamCheck& check, const Json& params) {
  if (!check) return {};
  const std::vector<ParamProblem> problems = check(params);
  if (problems.empty()) return {};
  return Error::Invalid(problems.front().message, problems.front().hint);
}

ParamSpec CountOrShareSpec() {
  ParamSpec count;
  count.type = ParamType::kInt;
  count.minimum = 1;
  ParamSpec share;
  share.type = ParamType::kFloat;
  share.minimum = 0;
  share.minimum_exclusive = true;
  share.maximum = 1;
  share.maximum_exclusive = true;
  ParamSpec spec;
  spec.type = ParamType::kOneOf;
  spec.element = {count, share};
  return spec;
}

}  // namespace dml::plugins
