#include "plugins/learn/linear/class_counts.h"

#include <fmt/format.h>

#include "plugins/learn/fit_loop.h"

namespace dml::learn {

void ClassCounts::Merge(ClassCounts&& right) {
  if (weight.empty()) {
    *this = std::move(right);
    return;
  }
  for (std::size_t k = 0; k < right.weight.size(); ++k) {
    weight[k] += right.weight[k];
    rows[k] += right.rows[k];
  }
}

Result<ClassCounts> CountClasses(const DataSource& source, std::size_t classes,
                                 const Execution& execution) {
  const auto local = [classes](const Tile& tile, ClassCounts& out) -> Result<void> {
    if (tile.y.size() != tile.rows) {
      return Error::Invalid("the data has no target column", "name the column in 'target:'");
    }
    out.weight.assign(classes, 0.0);
    out.rows.assign(classes, 0.0);
    for (std::size_t r = 0; r < tile.rows; ++r) {
      const double y = tile.y[r];
      if (!(y >= 0.0 && y < static_cast<double>(classes)) ||
          y != static_cast<double>(static_cast<std::size_t>(y))) {
        return Error::Invalid(
                   fmt::format("the target value {} is not a class index below {}", y, classes))
            .At(fmt::format("row {}", tile.row_id(r)));
      }
      const double w = tile.weight.empty() ? 1.0 : tile.weight[r];
      out.weight[static_cast<std::size_t>(y)] += w;
      out.rows[static_cast<std::size_t>(y)] += w > 0.0 ? 1.0 : 0.0;
    }
    return {};
  };
  DML_TRY(ClassCounts counts, FoldTiles<ClassCounts>(source, execution, local));
  counts.weight.resize(classes, 0.0);
  counts.rows.resize(classes, 0.0);
  return counts;
}

}  // namespace dml::learn
