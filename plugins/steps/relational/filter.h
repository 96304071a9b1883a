#pragma once

#include "plugins/api/params.h"
#include "plugins/steps/relational/sql_context.h"

namespace dml::steps {

// Rows chosen by an expression: what the step and the rule inside a model have in common.
struct FilterParams {
  plugins::Expression where;
};

inline constexpr char kFilterSummary[] = "Keep the rows in which a SQL expression is true";

// Judges everything but the expression.
[[nodiscard]] plugins::ParamSchema<FilterParams> FilterSchema();
// The same, and the expression: what can be said before there are columns.
[[nodiscard]] plugins::ParamSchema<FilterParams> FilterSchemaWithSql();

// The columns that the expression names and a table with the columns `input` lacks.
[[nodiscard]] std::vector<UnknownColumn> UnknownInFilter(const Json& params,
                                                         const std::vector<std::string>& input);

// kInvalid for an expression that these columns cannot answer.
Result<void> CheckFilter(const FilterParams& params, const table::Schema& schema,
                         const sql::ConnectionOptions& options);

}  // namespace dml::steps
