#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "base/step_spec.h"

namespace dml::steps {

// What steps and transforms do to the names of columns, told before there is a table. A null among
// the parameters stands for a value that is not known yet, and leaves unknown what hangs on it.

// All stay: splits, filters, whatever changes values in their place.
ColumnNames SameColumns(const Json& params, const std::vector<std::string>& input);
// `columns:` names those that stay, in this order; that go; or new names by the old ones.
ColumnNames SelectedColumns(const Json& params, const std::vector<std::string>& input);
ColumnNames WithoutColumns(const Json& params, const std::vector<std::string>& input);
ColumnNames RenamedColumns(const Json& params, const std::vector<std::string>& input);
// `columns:` names new ones, each with its expression.
ColumnNames WithNewColumns(const Json& params, const std::vector<std::string>& input);

// The keys of `columns:` that are no columns, where they are to be: of renames and casts.
std::vector<UnknownColumn> UnknownKeys(const Json& params, const std::vector<std::string>& input);

}  // namespace dml::steps
