#pragma once

#include <vector>

#include "plugins/learn/data_source.h"
#include "plugins/learn/execution.h"

namespace dml::learn {

// The summed weight of each class index 0..classes-1, in one pass. kInvalid when the target is
// missing or holds anything else than these indices.
Result<std::vector<double>> CountClasses(const DataSource& source, std::size_t classes,
                                         const Execution& execution);

}  // namespace dml::learn
