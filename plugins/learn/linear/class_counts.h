#pragma once

#include <vector>

#include "plugins/learn/data_source.h"
#include "plugins/learn/execution.h"

namespace dml::learn {

// Per class index 0..classes-1.
struct ClassCounts {
  std::vector<double> weight;  // summed
  std::vector<double> rows;    // of positive weight

  void Merge(ClassCounts&& right);
  template <typename A>
  void Fields(A& archive) {
    archive(weight);
    archive(rows);
  }
};

// Counts in one pass. kInvalid when the target is missing or holds anything else than these
// indices.
Result<ClassCounts> CountClasses(const DataSource& source, std::size_t classes,
                                 const Execution& execution);

}  // namespace dml::learn
