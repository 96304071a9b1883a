#pragma once

#include <set>
#include <string>

#include "plugins/steps/transform/transform.h"
#include "plugins/table/schema.h"

namespace dml::steps {

// Whether values of one type are to what follows what values of the other are: integers and floats,
// and the two kinds of text.
[[nodiscard]] bool IsAlike(table::ColumnType found, table::ColumnType wanted);

// Reads columns as the types that a model was trained on, which batches may hold as others because
// they were loaded from another file. Text becomes a number, a time or a truth value by the rules
// of the CSV reader, whole numbers become the text that they are, and 0 and 1 truth values.
// Whatever else would be a guess is kInvalid with column, both types, and the first row. Columns of
// `as_text` were numbers, but may hold any text.
[[nodiscard]] FittedTransformPtr ReadAs(table::Schema wanted, std::set<std::string> as_text);

}  // namespace dml::steps
