#pragma once

#include <string>
#include <vector>

#include "plugins/table/batch.h"

namespace dml::steps {

// New columns, in order.
struct NewColumns {
  std::vector<table::Field> fields;
  std::vector<table::Column> columns;

  void Add(std::string name, table::Column column);
};

// Puts columns in the place of column `name` (or after it, with `keep`). A name that another
// column bears already is kInvalid.
Result<void> ReplaceColumn(table::Batch& batch, const std::string& name, NewColumns columns,
                           bool keep = false);

// Appends columns; the same rule for names.
Result<void> AppendColumns(table::Batch& batch, NewColumns columns);

// Removes a column, which must exist.
Result<void> RemoveColumn(table::Batch& batch, const std::string& name);

}  // namespace dml::steps
