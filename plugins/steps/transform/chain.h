#pragma once

#include "plugins/steps/transform/row_view.h"

namespace dml::steps {

// `preprocess:` of a model: transforms in order, each fitted to the rows as the ones before leave
// them. The views that it gives are without the rows that its rules leave out (row_rule.h).

// `bound` is a list of {name: {parameters}} as the language binds it. An error names the transform.
// It is one, too, if no row is left of some.
Result<RowView> FitChain(const Json& bound, RowView rows, const learn::Execution& execution);

// Whether such a list holds a rule.
[[nodiscard]] bool DropsRows(const Json& bound);

// Other rows of the same raw columns, seen through the transforms of `fitted`.
Result<RowView> ThroughChain(const RowView& fitted, RowView rows,
                             const learn::Execution& execution);

// What the transforms of a view have to say of the rows they were fitted to.
[[nodiscard]] std::vector<std::string> ChainWarnings(const RowView& rows);

// The transforms of a view as a list of {transform, state}, and that list read back onto other
// rows.
Json SaveChain(const Json& bound, const RowView& rows);
Result<RowView> LoadChain(const Json& saved, RowView rows, const learn::Execution& execution);

// The first transform of a saved chain that reads values of `column`: it fails without it. Null
// if none does, because it is left alone or dropped.
Result<FittedTransformPtr> FirstReader(const Json& saved, const table::Schema& schema,
                                       std::string_view column);

// The columns that a saved chain makes of those of `schema`. The error of a transform that misses
// one.
Result<table::Schema> SchemaThrough(const Json& saved, const table::Schema& schema);

}  // namespace dml::steps
