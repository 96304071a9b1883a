#pragma once

#include <vector>

#include "base/json.h"
#include "plugins/api/params.h"
#include "plugins/steps/relational/sql_context.h"
#include "plugins/table/sql/result_set.h"

namespace dml::steps {

// Columns computed by expressions: what the step and the transform have in common.
struct DeriveParams {
  ExpressionList columns;
  Json types = Json::object();
};

inline constexpr char kDeriveSummary[] =
    "Add columns computed by SQL expressions, or replace columns by them";
inline constexpr char kDeriveFormula[] = "column = expression over the columns of the same row";

// Judges everything but the expressions.
[[nodiscard]] plugins::ParamSchema<DeriveParams> DeriveSchema();
// The same, and the expressions: what can be said before there are columns.
[[nodiscard]] plugins::ParamSchema<DeriveParams> DeriveSchemaWithSql();

// The columns that the expressions name and a table with the columns `input` lacks.
[[nodiscard]] std::vector<UnknownColumn> UnknownInDerive(const Json& params,
                                                         const std::vector<std::string>& input);

// What is to be computed from rows of this schema, with the types that are declared, or that an
// expression brings along which is but the name of a column. kInvalid for expressions that these
// columns cannot answer.
Result<std::vector<sql::ResultColumn>> DerivedColumns(const DeriveParams& params,
                                                      const NamedExpressions& expressions,
                                                      const table::Schema& schema,
                                                      const sql::ConnectionOptions& options);

}  // namespace dml::steps
