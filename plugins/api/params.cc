#include "plugins/api/params.h"

namespace dml::plugins {

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
