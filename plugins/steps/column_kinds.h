// What several types of columns have in common for a step.
#pragma once

#include "plugins/table/schema.h"

namespace dml::steps {

[[nodiscard]] constexpr bool IsText(table::ColumnType type) {
  return type == table::ColumnType::kString || type == table::ColumnType::kCategory;
}

// What an expression can calculate with as it is: bool is asked for by name where it counts as one.
[[nodiscard]] constexpr bool IsNumber(table::ColumnType type) {
  return type == table::ColumnType::kFloat64 || type == table::ColumnType::kFloat32 ||
         type == table::ColumnType::kInt64;
}

}  // namespace dml::steps
