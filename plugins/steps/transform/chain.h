#pragma once

#include "plugins/steps/transform/row_view.h"

namespace dml::steps {

// `preprocess:` of a model: transforms in order, each fitted to the rows as the ones before leave
// them.

// `bound` is a list of {name: {parameters}} as the language binds it. An error names the transform.
Result<RowView> FitChain(const Json& bound, RowView rows, const learn::Execution& execution);

// What the transforms of a view have to say of the rows they were fitted to.
[[nodiscard]] std::vector<std::string> ChainWarnings(const RowView& rows);

// The transforms of a view as a list of {transform, state}, and that list read back onto other
// rows.
Json SaveChain(const Json& bound, const RowView& rows);
Result<RowView> LoadChain(const Json& saved, RowView rows);

// The first transform of a saved chain that reads `column` of the rows: it fails without it. Null
// if none does, because it is left alone or dropped.
Result<FittedTransformPtr> FirstReader(const Json& saved, const table::Schema& schema,
                                       std::string_view column);

// The columns that a saved chain makes of those of `schema`. The error of a transform that misses
// one.
Result<table::Schema> SchemaThrough(const Json& saved, const table::Schema& schema);

}  // namespace dml::steps
